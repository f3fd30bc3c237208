import { expect, test } from 'bun:test';
import { createUsage, type UsageBatch } from './usage';

/** Usage whose batches are kept, and which fails to write while `away`. */
function start() {
  const written: UsageBatch[] = [];
  const state = { away: false, nowMs: 1_000 };
  const write = async (batch: UsageBatch): Promise<void> => {
    if (state.away) throw new Error('away');
    written.push(batch);
  };
  return { ...createUsage({ write, now: () => state.nowMs }), written, state };
}

test('what was counted is written once, with the latest time', async () => {
  const usage = start();
  usage.used('a', 1);
  usage.issued('a');
  usage.state.nowMs = 2_000;
  usage.used('a', 1);
  usage.issued('a');
  usage.used('b', null);
  await usage.flush();
  await usage.flush();
  expect(usage.written).toEqual([
    {
      clients: [
        { clientId: 'a', tokens: 2, atMs: 2_000 },
        { clientId: 'b', tokens: 0, atMs: 2_000 },
      ],
      secrets: [{ id: 1, atMs: 2_000 }],
    },
  ]);
});

test('what could not be written is kept and added to what comes after', async () => {
  const usage = start();
  usage.state.away = true;
  usage.used('a', 1);
  usage.issued('a');
  await expect(usage.flush()).rejects.toThrow('away');
  usage.used('a', 1);
  usage.issued('a');
  usage.state.away = false;
  await usage.flush();
  expect(usage.written).toEqual([
    { clients: [{ clientId: 'a', tokens: 2, atMs: 1_000 }], secrets: [{ id: 1, atMs: 1_000 }] },
  ]);
});

test('many are written in several statements', async () => {
  const usage = start();
  for (let at = 0; at < 12_000; at += 1) usage.used(`client-${at}`, at);
  await usage.flush();
  expect(usage.written.map(({ clients, secrets }) => [clients.length, secrets.length])).toEqual([
    [5_000, 5_000],
    [5_000, 5_000],
    [2_000, 2_000],
  ]);
});

test('no more than a hundred thousand clients are counted at a time; those who are counted go on', async () => {
  const usage = start();
  for (let at = 0; at < 100_005; at += 1) usage.issued(`client-${at}`);
  usage.issued('client-0');
  await usage.flush();
  const rows = usage.written.flatMap(({ clients }) => clients);
  expect(rows).toHaveLength(100_000);
  expect(rows[0]).toMatchObject({ clientId: 'client-0', tokens: 2 });
});
