// The memory of used proofs, at its bound.
import { expect, test } from 'bun:test';
import { Problem } from '../../kit/http/problem';
import { createReplayMemory } from './replay';

const refusalOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

test('full, it refuses with 503 and forgets nothing; when the first proofs have ended there is room again', () => {
  let nowMs = 0;
  const memory = createReplayMemory({ now: () => nowMs, max: 2 });
  expect(memory.use('key', 'one', 'a')).toBe(true);
  nowMs += 1_000;
  expect(memory.use('key', 'two', 'b')).toBe(true);
  const beyond = refusalOf(() => memory.use('key', 'three', 'c'));
  expect(beyond).toBeInstanceOf(Problem);
  expect(beyond).toMatchObject({ status: 503, headers: { 'retry-after': expect.stringMatching(/^[1-9]/) } });
  expect(memory.use('key', 'one', 'a')).toBe(false);
  nowMs = 70_000;
  expect(memory.use('key', 'three', 'c')).toBe(true);
  expect(memory.use('key', 'two', 'b')).toBe(false);
});

test('one client takes a quarter of it at most, with however many keys, and gets it back', () => {
  let nowMs = 0;
  const memory = createReplayMemory({ now: () => nowMs, max: 8 });
  expect([memory.use('key', '1', 'greedy'), memory.use('other key', '1', 'greedy')]).toEqual([true, true]);
  const beyond = refusalOf(() => memory.use('key', '2', 'greedy'));
  expect(beyond).toMatchObject({ status: 429, headers: { 'retry-after': expect.stringMatching(/^[1-9]/) } });
  expect(memory.use('key', '1', 'greedy')).toBe(false);
  // Whoever shows it, a proof is good once.
  expect(memory.use('key', '1', 'modest')).toBe(false);
  expect(memory.use('key', '2', 'modest')).toBe(true);
  nowMs = 70_000;
  expect(memory.use('key', '3', 'greedy')).toBe(true);
});

test('a clock that is set back keeps nothing that was used afterwards from being forgotten, and forgets nothing that was used before', () => {
  let nowMs = 3_600_000;
  const memory = createReplayMemory({ now: () => nowMs, max: 8 });
  expect(memory.use('key', 'before', 'a')).toBe(true);
  nowMs = 0;
  for (let turn = 0; turn < 10; turn++) {
    expect(memory.use('key', String(turn), 'a')).toBe(true);
    expect(memory.use('key', String(turn), 'a')).toBe(false);
    nowMs += 70_000;
  }
  nowMs = 3_600_000;
  expect(memory.use('key', 'before', 'a')).toBe(false);
  nowMs += 70_000;
  expect(memory.use('key', 'before', 'a')).toBe(true);
});
