import { expect, test } from 'bun:test';
import { createMaintenance } from './chores';
import { captureLog } from './testing';

const scene = (...periods: [name: string, everyMs: number, atEnd?: true][]) => {
  const done: string[] = [];
  let nowMs = 0;
  let broken: string | null = null;
  const { log, logged: lines } = captureLog('test');
  const held: (() => void)[] = [];
  let holding = false;
  const chores = periods.map(([name, everyMs, atEnd]) => ({
    name,
    everyMs,
    ...(atEnd ? { atEnd } : {}),
    run: async () => {
      if (broken === name) throw new Error('no');
      if (holding) await new Promise<void>((letGo) => held.push(letGo));
      done.push(name);
    },
  }));
  const maintenance = createMaintenance({ chores, now: () => nowMs, log });
  const at = async (ms: number): Promise<string> => {
    nowMs = ms;
    await maintenance.run();
    return done.splice(0).join(' ');
  };
  const fail = (name: string | null): void => {
    broken = name;
  };
  const hold = (on: boolean): void => {
    holding = on;
    for (const letGo of held.splice(0)) letGo();
  };
  return { maintenance, at, fail, hold, done, lines };
};

test('each chore is done at once, and then once in its period', async () => {
  const { at } = scene(['flush', 5_000], ['prune', 60_000]);
  expect(await at(0)).toBe('flush prune');
  expect(await at(4_999)).toBe('');
  expect(await at(5_000)).toBe('flush');
  expect(await at(60_000)).toBe('flush prune');
});

test('a clock that was ahead for a while puts no chore off', async () => {
  const { at } = scene(['flush', 5_000]);
  expect(await at(1_000_000)).toBe('flush');
  expect(await at(1_000)).toBe('flush');
  expect(await at(5_999)).toBe('');
  expect(await at(6_000)).toBe('flush');
});

test('a chore that fails harms no other, and is told of once', async () => {
  const { at, fail, lines } = scene(['flush', 1_000], ['prune', 1_000]);
  fail('flush');
  expect(await at(0)).toBe('prune');
  expect(await at(1_000)).toBe('prune');
  expect(lines.filter((line) => line.includes('flush fails'))).toHaveLength(1);
  fail(null);
  expect(await at(2_000)).toBe('flush prune');
  expect(lines.filter((line) => line.includes('flush: well again'))).toHaveLength(1);
});

test('two runs at a time do each chore once', async () => {
  const { maintenance, done } = scene(['flush', 1_000]);
  await Promise.all([maintenance.run(), maintenance.run()]);
  expect(done).toEqual(['flush']);
});

test('closing does once more what is to be done at the end, and nothing is done after it', async () => {
  const { maintenance, done, at } = scene(['flush', 60_000, true], ['prune', 60_000]);
  expect(await at(0)).toBe('flush prune');
  await maintenance.close();
  expect(done.splice(0)).toEqual(['flush']);
  expect(await at(120_000)).toBe('');
});

test('closing waits for the chore that is being done, and not for those behind it', async () => {
  const { maintenance, done, hold } = scene(['flush', 60_000, true], ['prune', 60_000]);
  hold(true);
  const running = maintenance.run();
  const closing = maintenance.close();
  hold(false);
  await Promise.all([running, closing]);
  expect(done).toEqual(['flush', 'flush']);
});
