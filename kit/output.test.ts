import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';

/** A file of Linux that is on a disk without room. */
const FULL = '/dev/full';

/** Runs a program whose standard output or error is {@link FULL}. */
async function run(redirected: string, program: string): Promise<{ code: number; out: string; err: string }> {
  const source = `const { out, err } = (await import('${import.meta.dir}/output')).standardOutput(); ${program}`;
  const child = Bun.spawn(['sh', '-c', `exec "$0" -e "$1" ${redirected}${FULL}`, process.execPath, source], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}

describe.skipIf(!existsSync(FULL))('on a full disk', () => {
  test('a program goes on without its log', async () => {
    expect(await run('2>', "err('what happens'); out('what was asked for')")).toEqual({
      code: 0,
      out: 'what was asked for',
      err: '',
    });
  });

  test('what was asked for is not lost without a word', async () => {
    const { code, err } = await run('>', "try { out('asked for') } catch (error) { err(String(error.code)) }");
    expect([code, err]).toEqual([0, 'ENOSPC']);
  });
});
