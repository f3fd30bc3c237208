import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { asc, eq, sql } from 'drizzle-orm';
import { connectPostgres, type Database } from './connect';
import { sqlState } from './faults';
import { NewerDatabase } from './migrate';
import { clientSecrets, clients, currencyRates, market } from './schema';
import { eachDatabase } from './testing';
import { findPostgres, startPostgres, type TestPostgres, until } from './testing-postgres';

eachDatabase('A migrated database', (open) => {
  let database: Database;
  let heard: string[];

  beforeAll(async () => {
    database = await open();
    heard = [];
    await database.listen('changes', (payload) => heard.push(payload));
  });

  /** Resolves when everything announced before has been heard. */
  async function settle() {
    await database.rows.select({ sent: sql`pg_notify('changes', 'mark')` }).from(sql`(select 1) as one`);
    await until(() => heard.includes('mark'), 'the mark');
    return heard.splice(0).filter((payload) => payload !== 'mark');
  }

  /** What `work` caused to be announced, in order. */
  async function announced(work: () => Promise<unknown>): Promise<string[]> {
    await settle();
    await work();
    return settle();
  }

  async function addClient(clientId: string) {
    const [row] = await database.rows.insert(clients).values({ clientId, appName: 'app' }).returning();
    if (!row) throw new Error('no row');
    return row;
  }

  test('has every migration', async () => {
    const status = await database.migrationStatus();
    expect(status.map(({ name }) => name)).toEqual([
      '0000_tables',
      '0001_market_and_triggers',
      '0002_authorization_server',
      '0003_market_history',
    ]);
    expect(status.every(({ applied }) => applied)).toBe(true);
  });

  test('is left alone by a second migration', async () => {
    await database.migrate();
    expect(await database.rows.select().from(market)).toHaveLength(1);
    expect(await database.rows.select().from(currencyRates)).toHaveLength(13);
  });

  test('starts with thirteen currencies in order, prices as exact decimals', async () => {
    const rows = await database.rows.select().from(currencyRates).orderBy(asc(currencyRates.id));
    const prices =
      'BTC 45000 ETH 3200 SOL 144 XRP 0.55 ADA 0.50 DOT 7.20 LINK 14.50 LTC 70 BCH 250 XLM 0.12 UNI 6.50 DOGE 0.08 AVAX 35';
    expect(rows.map(({ symbol, rate }) => `${symbol} ${rate}`).join(' ')).toBe(prices);
    expect(rows.every(({ rate, anchorRate }) => rate === anchorRate)).toBe(true);
  });

  test('starts with a market that has not ticked', async () => {
    expect(await database.rows.select().from(market)).toEqual([{ id: 1, seq: 0, catalogueVersion: 1, tickedAt: null }]);
    expect(await failure(database.rows.insert(market).values({ id: 2 }))).toBe('23514');
  });

  test('gives dates with milliseconds, lists and defaults back', async () => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    const grants = { '/api/currency': ['currency:read', 'a "b", {c}'] };
    await database.rows.insert(clients).values({ clientId: 'dates', appName: 'ż', grants, createdAt: at });
    const [row] = await database.rows.select().from(clients).where(eq(clients.clientId, 'dates'));
    expect(row).toMatchObject({ appName: 'ż', isActive: true, epoch: 0, grants, createdAt: at });
    expect((await addClient('defaults')).grants).toEqual({ '/api/currency': ['currency:read'] });
  });

  test('refuses a client id twice', async () => {
    await addClient('twice');
    expect(await failure(addClient('twice'))).toBe('23505');
  });

  test('raises the epoch when a client is disabled, and only then', async () => {
    const { id } = await addClient('epoch');
    const set = async (values: Partial<typeof clients.$inferInsert>) => {
      const [row] = await database.rows.update(clients).set(values).where(eq(clients.id, id)).returning();
      return row?.epoch;
    };
    expect(await set({ appName: 'other' })).toBe(0);
    expect(await set({ isActive: false })).toBe(1);
    expect(await set({ isActive: false })).toBe(1);
    expect(await set({ isActive: true })).toBe(1);
    expect(await set({ isActive: false, epoch: 0 })).toBe(2);
    expect(await set({ isActive: true, epoch: 7 })).toBe(7);
  });

  test('announces every change of a client, by plain SQL too', async () => {
    expect(await announced(() => addClient('loud'))).toEqual(['clients:loud 0']);
    const disable = sql`update clients set is_active = false where client_id = 'loud'`;
    expect(await announced(() => database.rows.execute(disable))).toEqual(['clients:loud 1']);
    expect(await announced(() => database.rows.delete(clients).where(eq(clients.clientId, 'loud')))).toEqual([
      'clients:loud gone',
    ]);
  });

  test('announces a renamed client under both ids', async () => {
    await addClient('before');
    const rename = () => database.rows.update(clients).set({ clientId: 'after' }).where(eq(clients.clientId, 'before'));
    expect((await announced(rename)).sort()).toEqual(['clients:after 0', 'clients:before gone']);
  });

  test('announces every change of a secret under its client, and deletes secrets with their client', async () => {
    const { id } = await addClient('secretive');
    const add = () => database.rows.insert(clientSecrets).values({ client: id, hash: 'h' });
    expect(await announced(add)).toEqual(['clients:secretive']);
    expect(await announced(() => database.rows.update(clientSecrets).set({ hash: 'i' }))).toEqual([
      'clients:secretive',
    ]);
    expect(await announced(() => database.rows.delete(clientSecrets))).toEqual(['clients:secretive']);
    await add();
    expect(await announced(() => database.rows.delete(clients).where(eq(clients.id, id)))).toEqual([
      'clients:secretive gone',
    ]);
    expect(await database.rows.select().from(clientSecrets)).toEqual([]);
  });

  test('announces the own limit of a client behind its epoch', async () => {
    const { id } = await addClient('limited');
    const set = (limitApi: string | null) => () =>
      database.rows.update(clients).set({ limitApi }).where(eq(clients.id, id));
    expect(await announced(set('100/s'))).toEqual(['clients:limited 0 100/s']);
    expect(await announced(set(null))).toEqual(['clients:limited 0']);
  });

  test('announces nothing that is only counted', async () => {
    const { id } = await addClient('counted');
    await database.rows.insert(clientSecrets).values({ client: id, hash: 'h' });
    const count = async () => {
      await database.rows.update(clients).set({ tokensIssued: 5, lastUsedAt: new Date() }).where(eq(clients.id, id));
      await database.rows.update(clientSecrets).set({ lastUsedAt: new Date(), warnedAt: new Date() });
    };
    expect(await announced(count)).toEqual([]);
  });

  test('never uses a deleted client id again, by plain SQL neither', async () => {
    const { id } = await addClient('deleted');
    await addClient('living');
    await database.rows.delete(clients).where(eq(clients.id, id));
    const again = await database.rows.insert(clients).values({ clientId: 'deleted', appName: 'app' }).returning();
    expect(again).toEqual([]);
    await database.rows.execute(sql`insert into clients (client_id, app_name) values ('deleted', 'app')`);
    expect(await database.rows.select().from(clients).where(eq(clients.clientId, 'deleted'))).toEqual([]);
    const rename = database.rows.execute(sql`update clients set client_id = 'deleted' where client_id = 'living'`);
    expect(await failure(rename)).toBe('23505');
  });

  test('announces nothing that was rolled back', async () => {
    const undone = () =>
      database.rows
        .transaction(async (transaction) => {
          await transaction.insert(clients).values({ clientId: 'undone', appName: 'app' });
          throw new Error('undo');
        })
        .catch(() => {});
    expect(await announced(undone)).toEqual([]);
  });

  test('takes the market row for update, skipping it when locked', async () => {
    const seq = await database.rows.transaction(async (transaction) => {
      const taken = await transaction.select().from(market).for('update', { skipLocked: true });
      expect(taken).toHaveLength(1);
      const [row] = await transaction
        .update(market)
        .set({ seq: sql`${market.seq} + 1`, tickedAt: new Date() })
        .returning();
      return row?.seq;
    });
    expect(seq).toBe(1);
  });

  test('undoes an inner transaction alone', async () => {
    await database.rows.transaction(async (outer) => {
      await outer.insert(clients).values({ clientId: 'outer', appName: 'app' });
      const inner = outer.transaction(async (transaction) => {
        await transaction.insert(clients).values({ clientId: 'inner', appName: 'app' });
        transaction.rollback();
      });
      await inner.catch(() => {});
    });
    const kept = await database.rows.select().from(clients).where(sql`${clients.clientId} in ('outer', 'inner')`);
    expect(kept.map(({ clientId }) => clientId)).toEqual(['outer']);
  });
});

eachDatabase('A database of a newer version', (open) => {
  test('is refused, and left as it was', async () => {
    const database = await open();
    const time = Date.now() * 10;
    await database.rows.execute(
      sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', ${time}::bigint)`,
    );
    await expect(database.migrate()).rejects.toThrow(NewerDatabase);
    await expect(database.migrationStatus()).rejects.toThrow(NewerDatabase);
    await database.rows.insert(clients).values({ clientId: 'still-there', appName: 'app' });
  });
});

describe.skipIf(!findPostgres())('An empty PostgreSQL', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres({ fast: true });
  });
  afterAll(() => server.close());

  test('is migrated once by many starters at the same time', async () => {
    const starters = Array.from({ length: 4 }, () => connectPostgres({ url: server.url }));
    const [first] = starters;
    expect((await first?.migrationStatus())?.some(({ applied }) => applied)).toBe(false);
    await Promise.all(starters.map((starter) => starter.migrate()));
    expect(await first?.rows.select().from(currencyRates)).toHaveLength(13);
    await Promise.all(starters.map((starter) => starter.close()));
  });

  test('refuses an id to who inserts it while another deletes it', async () => {
    const database = connectPostgres({ url: server.url });
    await database.migrate();
    await database.rows.insert(clients).values({ clientId: 'contested', appName: 'app' });
    const deleted = Promise.withResolvers<void>();
    const commit = Promise.withResolvers<void>();
    const deleting = database.rows.transaction(async (transaction) => {
      await transaction.delete(clients).where(eq(clients.clientId, 'contested'));
      deleted.resolve();
      await commit.promise;
    });
    await deleted.promise;
    const inserting = failure(database.rows.insert(clients).values({ clientId: 'contested', appName: 'app' }));
    const waiting = sql`select from pg_stat_activity where wait_event_type = 'Lock' and query like 'insert into "clients"%'`;
    await until(
      async () => [...((await database.rows.execute(waiting)) as unknown[])].length > 0,
      'the insert to wait',
    );
    commit.resolve();
    await deleting;
    expect(await inserting).toBe('23505');
    expect(await database.rows.select().from(clients).where(eq(clients.clientId, 'contested'))).toEqual([]);
    await database.close();
  });
});

/** The SQLSTATE that `work` fails with. */
async function failure(work: PromiseLike<unknown>): Promise<string | null> {
  try {
    await work;
  } catch (error) {
    return sqlState(error);
  }
  throw new Error('It did not fail');
}
