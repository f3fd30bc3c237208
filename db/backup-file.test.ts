// The file of a backup: what was packed comes out again, and what is not as it was written does not.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BackupBroken, checkBackup, unpackBackup, writeBackup } from './backup-file';

const HEADER = { version: '1.0.0', made_at: '2026-01-01T00:00:00.000Z', migrations: ['0000_tables'] };

let root: string;
const at = (...path: string[]): string => join(root, ...path);
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'backup-file-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A backup of files with these contents. */
async function backupOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  mkdirSync(at('packed', 'empty'), { recursive: true });
  mkdirSync(at('packed', 'base'));
  for (const [name, text] of Object.entries(files)) writeFileSync(at('packed', name), text);
  writeFileSync(at('backup'), await Array.fromAsync(writeBackup(at('packed'), HEADER)).then(Buffer.concat));
  return readFileSync(at('backup'));
}

const faultOf = (bytes: Uint8Array): Promise<unknown> => {
  writeFileSync(at('tried'), bytes);
  return checkBackup(at('tried')).then(
    () => null,
    (error: unknown) => error,
  );
};

/** A whole backup of entries that no folder has. */
function forged(entries: string): Buffer {
  const begin = Buffer.from(`${JSON.stringify({ format: 'crypto-server backup 1', ...HEADER })}\n`);
  const bytes = Buffer.concat([begin, gzipSync(entries)]);
  return Buffer.concat([bytes, Buffer.from(`${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}\n`)]);
}

describe('the file of a backup', () => {
  test('gives back its files and folders, for this user alone', async () => {
    await backupOf({ version: '18\n', 'base/none': '', 'base/large': 'x'.repeat(700_000) });
    expect(await checkBackup(at('backup'))).toMatchObject(HEADER);
    await unpackBackup(at('backup'), at('out'));
    expect(readdirSync(at('out'), { recursive: true }).sort()).toEqual(
      readdirSync(at('packed'), { recursive: true }).sort(),
    );
    expect(readFileSync(at('out', 'base/large'), 'utf8')).toBe('x'.repeat(700_000));
    expect([statSync(at('out')).mode & 0o777, statSync(at('out', 'version')).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  test('is refused when any one of its bytes is another, or it ends anywhere before its end, or goes on', async () => {
    const whole = await backupOf({ version: '18\n' });
    expect(await faultOf(whole)).toBeNull();
    for (let n = 0; n < whole.length; n++) {
      const changed = Buffer.from(whole);
      changed[n]! ^= 1;
      expect([n, await faultOf(changed)]).toEqual([n, expect.any(BackupBroken)]);
      expect([n, await faultOf(whole.subarray(0, n))]).toEqual([n, expect.any(BackupBroken)]);
    }
    expect(await faultOf(Buffer.concat([whole, Buffer.from('\n')]))).toBeInstanceOf(BackupBroken);
  });

  test.each(['../outside', '/../outside', 'base/../../outside'])('puts no file at %s', async (path) => {
    writeFileSync(at('backup'), forged(`${JSON.stringify({ path, bytes: 1 })}\nxnull\n`));
    expect(await faultOf(readFileSync(at('backup')))).toBeNull();
    await expect(unpackBackup(at('backup'), at('out'))).rejects.toThrow(BackupBroken);
    expect(existsSync(at('outside'))).toBe(false);
  });

  test('is not taken for unpacked when the disk takes only a part of a file', async () => {
    // One piece of it, so that no later write meets the limit.
    await backupOf({ large: 'x'.repeat(12_000) });
    const code = `import { unpackBackup } from ${JSON.stringify(join(import.meta.dir, 'backup-file.ts'))};
      await unpackBackup(${JSON.stringify(at('backup'))}, ${JSON.stringify(at('out'))});`;
    // A file may have 16 blocks of 512 bytes here: the first write is cut short, the next one fails.
    const child = Bun.spawn(['sh', '-c', 'ulimit -f 16; exec "$@"', 'sh', process.execPath, '-e', code], {
      stderr: 'pipe',
    });
    expect(await new Response(child.stderr).text()).toContain('EFBIG');
  });
});
