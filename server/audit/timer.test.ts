import { expect, test } from 'bun:test';
import { createTimer } from './timer';

test('a timer that is stopped begins nothing more, and waits for what it has begun', async () => {
  const begun = Promise.withResolvers<void>();
  const work = Promise.withResolvers<void>();
  let times = 0;
  const timer = createTimer(1, () => {
    times += 1;
    begun.resolve();
    return work.promise;
  });
  timer.start();
  await begun.promise;
  const order: string[] = [];
  const stopping = timer.stop().then(() => order.push('stopped'));
  await new Promise((resolve) => setTimeout(resolve, 10));
  order.push('worked');
  work.resolve();
  await stopping;
  expect([order, times, timer.isRunning()]).toEqual([['worked', 'stopped'], 1, false]);
});
