import { expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

test('a disk that is full is said in a line, and nothing is left on it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'placed-file-'));
  const code = `import { placeFile } from ${JSON.stringify(join(import.meta.dir, 'placed-file.ts'))};
    const write = (_, write) => write([Buffer.alloc(100_000)]);
    await placeFile(${JSON.stringify(join(root, 'file'))}, { replace: false }, write).catch(({ name, message }) =>
      console.log(name, message));`;
  // A file may have 16 blocks of 512 bytes here.
  const child = Bun.spawn(['sh', '-c', 'ulimit -f 16; exec "$@"', 'sh', process.execPath, '-e', code]);
  expect(await new Response(child.stdout).text()).toMatch(
    /^Refusal .*\/file cannot be made \(EFBIG\): .*has room\.\n$/,
  );
  expect(readdirSync(root)).toEqual([]);
  rmSync(root, { recursive: true });
});
