import { afterEach, expect, spyOn, test } from 'bun:test';
import { createProgram, runProgram } from '../../kit/command';
import { readConfig, SETTINGS } from '../config';
import { auditCommand } from './audit';
import { clientCommands } from './clients';

const timeout = spyOn(AbortSignal, 'timeout');
afterEach(() => void timeout.mockClear());

/** Runs a command against a server that answers with this. */
async function run(line: string, body: unknown): Promise<string> {
  const out: string[] = [];
  const write = { out: (text: string) => void out.push(text), err: (text: string) => void out.push(text) };
  const program = createProgram({ name: 'crypto-server', version: '1', about: '', settings: SETTINGS, write });
  const process = {
    configure: () => readConfig({ env: { ADMIN_SECRET: 'x'.repeat(16) }, flags: {}, readFile: () => '' }),
    write,
    fetch: async () => Response.json(body),
    confirm: null,
    now: () => 0,
  };
  clientCommands(program, process);
  auditCommand(program, process);
  await runProgram(program, line.split(' '), write);
  return out.join('');
}

test('a command waits ten seconds for the server, and minutes only for the check of a long trail', async () => {
  await run('clients list', { items: [], next_cursor: null });
  const verdict = { ok: true, events: 0, first_seq: null, last_seq: null, head: { seq: 0, hash: '' }, fault: null };
  await run('audit --verify', verdict);
  expect(timeout.mock.calls).toEqual([[10_000], [600_000]]);
});

test('a request that the trail does not know is no empty table', async () => {
  expect(await run('audit --request-id x', { items: [], next_cursor: null })).toBe(
    'The audit trail tells nothing of this request; the log may.\n',
  );
});
