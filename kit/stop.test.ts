import { expect, test } from 'bun:test';
import { createLog } from './logs';
import { type StopSignal, untilStopped } from './stop';

class Ended extends Error {}

function setUp(stop: () => Promise<void>, deadlineMs = 60_000, throwing = true) {
  const heard = new Map<StopSignal | 'SIGHUP', () => void>();
  const exits: number[] = [];
  const ended = Promise.withResolvers<number>();
  const lines: string[] = [];
  const done = untilStopped({
    signals: { on: (signal, hear) => heard.set(signal, hear) },
    stop,
    deadlineMs,
    exit: (code) => {
      exits.push(code);
      ended.resolve(code);
      if (throwing) throw new Ended();
      return undefined as never;
    },
    log: createLog({
      service: 's',
      version: '1',
      level: 'info',
      format: 'pretty',
      colour: false,
      now: () => 0,
      write: (line) => lines.push(line),
    }),
  });
  return { send: (signal: StopSignal) => heard.get(signal)?.(), exits, ended: ended.promise, done, lines };
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s stops once and resolves', async (signal) => {
  let stops = 0;
  const { send, done, exits, lines } = setUp(async () => {
    stops++;
  });
  send(signal);
  await done;
  expect([stops, exits, lines.length]).toEqual([1, [], 2]);
});

test('nothing is stopped before a signal', async () => {
  let stops = 0;
  const { done } = setUp(async () => {
    stops++;
  });
  await Promise.race([done, new Promise(setImmediate)]);
  expect(stops).toBe(0);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a second signal, %s, ends the process with %i', async (signal, code) => {
  const stopping = Promise.withResolvers<void>();
  const { send, done, exits } = setUp(() => stopping.promise);
  send('SIGTERM');
  expect(() => send(signal)).toThrow(Ended);
  expect(exits).toEqual([code]);
  stopping.resolve();
  await done;
});

test('a stop that fails is told and ends with 1', async () => {
  const { send, done, exits, lines } = setUp(() => Promise.reject(new Error('stuck door')));
  send('SIGTERM');
  await expect(done).rejects.toBeInstanceOf(Ended);
  expect(exits).toEqual([1]);
  expect(lines.join()).toContain('stuck door');
});

test('a stop that outlasts its deadline ends with 1', async () => {
  const { send, ended, lines } = setUp(() => new Promise(() => {}), 1, false);
  send('SIGTERM');
  expect(await ended).toBe(1);
  expect(lines.join()).toContain('not stopped after 1 ms');
});
