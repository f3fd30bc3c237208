// How long calls are waited for.
import { expect, test } from 'bun:test';
import { createCalls } from './calls';

test('who is to wait longer is told later, and each of those that wait is told', async () => {
  const told: number[] = [];
  const silent = (answerMs: number): Promise<unknown>[] => {
    const calls = createCalls(answerMs, () => {
      told.push(answerMs);
      calls.failAll(new Error('overdue'));
    });
    return [1, 2].map(() =>
      calls.wait(new Promise(() => {}), () => new Error('failed')).catch((error) => error.message),
    );
  };
  const waiting = [200, 50, 100].flatMap(silent);
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => 'overdue'));
  expect(told).toEqual([50, 100, 200]);
});
