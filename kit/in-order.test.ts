import { describe, expect, test } from 'bun:test';
import { createInOrder, createRerun } from './in-order';

describe('work in order', () => {
  test('ends in the order it was given, however long each takes', async () => {
    const inOrder = createInOrder();
    const ended: string[] = [];
    const slow = Promise.withResolvers<void>();
    const first = inOrder(async () => {
      await slow.promise;
      ended.push('first');
    });
    const second = inOrder(async () => void ended.push('second'));
    slow.resolve();
    await Promise.all([first, second]);
    expect(ended).toEqual(['first', 'second']);
  });

  test('goes on after work that fails, which fails alone', async () => {
    const inOrder = createInOrder();
    const failed = inOrder(() => Promise.reject(new Error('failed')));
    const next = inOrder(() => Promise.resolve('next'));
    await expect(failed).rejects.toThrow('failed');
    expect(await next).toBe('next');
  });
});

describe('work that is run again', () => {
  test('is one run for all who ask while another is under way, and begins after they asked', async () => {
    const runs: PromiseWithResolvers<void>[] = [];
    const rerun = createRerun(() => {
      runs.push(Promise.withResolvers());
      return runs.at(-1)?.promise ?? Promise.resolve();
    });
    const first = rerun();
    await Promise.resolve();
    const [second, third] = [rerun(), rerun()];
    expect([runs.length, second === third, first === second]).toEqual([1, true, false]);
    runs[0]?.reject(new Error('the first alone'));
    await expect(first).rejects.toThrow('the first alone');
    expect(runs.length).toBe(2);
    runs[1]?.resolve();
    await Promise.all([second, third]);
    expect(runs.length).toBe(2);
  });
});
