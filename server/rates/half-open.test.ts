// A server that vanishes from the network in the middle of a tick, without a word: PostgreSQL still has its connection, and the row.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connectPostgres, type Database } from '../../db/connect';
import { market } from '../../db/schema';
import { type Partition, startPartition } from '../../db/testing-partition';
import { findPostgres, START_TIMEOUT_MS, startPostgres, type TestPostgres } from '../../db/testing-postgres';
import { START_MS, waitFor } from '../testing';
import { createRateStore } from './store';

setDefaultTimeout(START_TIMEOUT_MS);

/** What a query may take here; PostgreSQL lets go half a second before. */
const DEADLINE_MS = 1_500;
const BOUND_MS = 1_000;

describe.skipIf(!findPostgres())('a tick whose server has vanished', () => {
  let postgres: TestPostgres;
  let network: Partition;
  let vanished: Database;
  let other: Database;
  beforeAll(async () => {
    postgres = await startPostgres({ fast: true });
    network = await startPartition(postgres.port);
    const through = postgres.url.replace(`:${postgres.port}/`, `:${network.port}/`);
    vanished = connectPostgres({ url: through, deadlineMs: DEADLINE_MS });
    other = connectPostgres({ url: postgres.url });
    await other.migrate();
  });
  afterAll(async () => {
    await network?.close();
    await Promise.all([vanished?.close(), other?.close()]);
    await postgres?.close();
  });

  test('holds the row no longer than PostgreSQL was told: then another server makes the tick, and nothing of the first one is left', async () => {
    const held = Promise.withResolvers<void>();
    const lost = vanished.rows
      .transaction(async (transaction) => {
        await transaction.select().from(market).for('update', { skipLocked: true });
        await transaction.update(market).set({ seq: 99 });
        held.resolve();
        await new Promise(() => {});
      })
      .catch((error: unknown) => error);
    await held.promise;
    const begun = performance.now();
    network.cut();
    const store = createRateStore(other.rows);
    const tick = () => store.tick({ clock: async () => START_MS, isDue: () => true, next: ({ rate }) => rate });
    expect(await tick()).toBeNull();
    let made: Awaited<ReturnType<typeof tick>> = null;
    await waitFor(async () => {
      made = await tick();
      return made !== null;
    }, 'another server to tick');
    expect(performance.now() - begun).toBeGreaterThan(BOUND_MS / 2);
    expect(made).toMatchObject({ seq: 1 });
    expect(await lost).toBeInstanceOf(Error);
  });
});
