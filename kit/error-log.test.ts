import { expect, test } from 'bun:test';
import { join } from 'node:path';

const HEAD = `
  import { createErrorLog } from '${join(import.meta.dir, 'error-log.ts')}';
  import { standardOutput } from '${join(import.meta.dir, 'output.ts')}';
  const of = { service: 'test', version: '0', write: standardOutput(), now: () => 0, terminal: false, colour: false };
  const log = createErrorLog({ ...of, runtime: process, exit: process.exit })({ logLevel: 'info', logFormat: 'json' });
  log.info('begun');
`;

/** The records of a program, and how it ended. */
async function run(program: string): Promise<{ records: Record<string, unknown>[]; text: string; code: number }> {
  const child = Bun.spawn([process.execPath, '-e', HEAD + program], { stdout: 'ignore', stderr: 'pipe' });
  const [text, code] = [await new Response(child.stderr).text(), await child.exited];
  const records = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { records, text, code };
}

test('what the runtime warns of is a record of the log, one line each', async () => {
  const { records } = await run(`
    setTimeout(() => {}, -1);
    process.emitWarning('a library is old', 'DeprecationWarning');
  `);
  expect(records.map((record) => [record['log.level'], record['message'], record['error.type']])).toEqual([
    ['info', 'begun', undefined],
    ['warn', 'the runtime warns', 'TimeoutNegativeWarning'],
    ['warn', 'the runtime warns', 'DeprecationWarning'],
  ]);
});

test.each([
  ['a promise that nobody waits for', 'Promise.reject(error);'],
  ['a timer', 'setTimeout(() => { throw error; }, 0);'],
])('an error out of %s ends the program, in one line without what it carries', async (_name, thrown) => {
  const { records, text, code } = await run(`
    const error = Object.assign(new Error('Failed query: select 1 params: hidden-word'), {
      query: 'select 1',
      params: ['hidden-word'],
    });
    setTimeout(() => log.info('it goes on'), 1_000);
    ${thrown}
  `);
  expect(code).toBe(1);
  expect(records.map((record) => [record['log.level'], record['message']])).toEqual([
    ['info', 'begun'],
    ['error', 'nobody has caught an error: the program ends'],
  ]);
  expect(text).not.toContain('hidden-word');
});
