// A worker as a process.
import { expect, test } from 'bun:test';
import { createSpawn } from './process';

test('nothing comes of a message to a worker that was killed', async () => {
  const worker = createSpawn([], {})(1, () => {});
  worker.kill('SIGKILL');
  expect(await worker.exited).toBe(137);
  expect(() => worker.send({ type: 'collect', id: 1 })).not.toThrow();
});
