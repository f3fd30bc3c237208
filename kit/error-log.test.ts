import { expect, test } from 'bun:test';
import { join } from 'node:path';

const PROGRAM = `
  import { createErrorLog } from '${join(import.meta.dir, 'error-log.ts')}';
  import { standardOutput } from '${join(import.meta.dir, 'output.ts')}';
  const of = { service: 'test', version: '0', write: standardOutput(), now: () => 0, terminal: false, colour: false };
  const log = createErrorLog({ ...of, warnings: process })({ logLevel: 'info', logFormat: 'json' });
  log.info('begun');
  setTimeout(() => {}, -1);
  process.emitWarning('a library is old', 'DeprecationWarning');
`;

test('what the runtime warns of is a record of the log, one line each', async () => {
  const child = Bun.spawn([process.execPath, '-e', PROGRAM], { stdout: 'ignore', stderr: 'pipe' });
  const [lines] = [(await new Response(child.stderr).text()).trimEnd().split('\n'), await child.exited];
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(records.map((record) => [record['log.level'], record['message'], record['error.type']])).toEqual([
    ['info', 'begun', undefined],
    ['warn', 'the runtime warns', 'TimeoutNegativeWarning'],
    ['warn', 'the runtime warns', 'DeprecationWarning'],
  ]);
});
