// The memory of used proofs, at its bound.
import { expect, test } from 'bun:test';
import { Problem } from '../../kit/http/problem';
import { createReplayMemory } from './replay';

test('full, it refuses with 503 and forgets nothing; when the first proofs have ended there is room again', () => {
  let nowMs = 0;
  const memory = createReplayMemory({ now: () => nowMs, max: 2 });
  expect(memory.use('key', 'one')).toBe(true);
  nowMs += 1_000;
  expect(memory.use('key', 'two')).toBe(true);
  const beyond = (() => {
    try {
      return memory.use('key', 'three');
    } catch (error) {
      return error;
    }
  })();
  expect(beyond).toBeInstanceOf(Problem);
  expect(beyond).toMatchObject({ status: 503, headers: { 'retry-after': expect.stringMatching(/^[1-9]/) } });
  expect(memory.use('key', 'one')).toBe(false);
  nowMs = 70_000;
  expect(memory.use('key', 'three')).toBe(true);
  expect(memory.use('key', 'two')).toBe(false);
});
