// The market moves: tick by tick, in one transaction each, on both databases.
import { describe, expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { connectPostgres, type Database } from '../../db/connect';
import { currencyRates, market, ticks } from '../../db/schema';
import { eachDatabase, freshDatabaseUrl } from '../../db/testing';
import { findPostgres } from '../../db/testing-postgres';
import { START_MS, startTestServer, type TestServer, waitFor } from '../testing';
import type { Rate } from './model';

const BY = { actor: 'admin', request: null };

const ratesOf = ({ services }: TestServer): readonly Rate[] => services.feed.snapshot().rates;
const pairsOf = (server: TestServer): [string, number][] => ratesOf(server).map(({ symbol, rate }) => [symbol, rate]);
const seqOf = async (database: Database): Promise<number> => (await database.rows.select().from(market))[0]!.seq;
const storedPairs = async (database: Database): Promise<[string, number][]> =>
  (await database.rows.select().from(currencyRates).orderBy(currencyRates.id)).map(({ symbol, rate }) => [
    symbol,
    Number(rate),
  ]);
const tick = async (server: TestServer, afterMs = 3_000): Promise<number | null> => {
  server.pass(afterMs);
  return server.services.ticker.tick();
};

eachDatabase('the ticker', (open) => {
  test('every rate moves by at most 0.5 % a tick, all move, and the database holds what is served', async () => {
    const database = await open();
    const server = await startTestServer(database);
    for (let seq = 1; seq <= 60; seq++) {
      const before = ratesOf(server);
      expect(await tick(server)).toBe(seq);
      const after = ratesOf(server);
      for (const [at, { rate }] of after.entries()) {
        const from = before[at]!.rate;
        expect(Math.abs(rate - from)).toBeLessThanOrEqual(from * 0.005);
      }
      expect(after.filter(({ rate }, at) => rate !== before[at]!.rate).length).toBeGreaterThan(10);
    }
    expect(await storedPairs(database)).toEqual(pairsOf(server));
    expect(await seqOf(database)).toBe(60);
    await server.close();
  });

  test('before its time there is no tick, and a late one is one tick', async () => {
    const database = await open();
    const server = await startTestServer(database);
    expect(await tick(server)).toBe(1);
    const before = pairsOf(server);
    for (const ms of [0, 1_000, 1_000]) expect(await tick(server, ms)).toBeNull();
    expect(pairsOf(server)).toEqual(before);
    expect(await tick(server, 1_000)).toBe(2);
    expect(await tick(server, 3_600_000)).toBe(3);
    expect(await tick(server, 0)).toBeNull();
    await server.close();
  });

  test('many at once make one', async () => {
    const database = await open();
    const server = await startTestServer(database);
    server.pass(3_000);
    const made = await Promise.all(Array.from({ length: 8 }, () => server.services.ticker.tick()));
    expect(made.filter((seq) => seq !== null)).toEqual([1]);
    await server.close();
  });

  test('the same seed makes the same market, another seed another one', async () => {
    const markets: unknown[] = [];
    for (const rateSeed of ['one', 'one', 'two']) {
      const server = await startTestServer(await open(), { settings: { rateSeed } });
      for (let count = 0; count < 5; count++) await tick(server);
      markets.push(pairsOf(server));
      await server.close();
    }
    expect(markets[1]).toEqual(markets[0]);
    expect(markets[2]).not.toEqual(markets[0]);
  });

  test('a server that starts later goes on from the last committed rates', async () => {
    const database = await open();
    const first = await startTestServer(database);
    for (let count = 0; count < 3; count++) await tick(first);
    const last = ratesOf(first);
    await first.close();
    const second = await startTestServer(database);
    expect(ratesOf(second)).toEqual(last);
    second.pass(first.now() - second.now());
    expect(await tick(second)).toBe(4);
    await second.close();
  });

  test('when the clock is set back the market goes on', async () => {
    const database = await open();
    const server = await startTestServer(database);
    expect(await tick(server)).toBe(1);
    expect(await tick(server, -3_600_000)).toBe(2);
    expect(await tick(server)).toBe(3);
    for (const { rate, high_24h, low_24h } of ratesOf(server)) {
      expect(low_24h).toBeLessThanOrEqual(rate);
      expect(high_24h).toBeGreaterThanOrEqual(rate);
    }
    await server.close();
  });

  test.each([
    [1_000, 'behind'],
    [5_000, 'ahead'],
  ])('a server whose clock is %i ms %s ticks no further, and dates as the others do', async (ms, where) => {
    const database = await open();
    const server = await startTestServer(database);
    const now = (): number => server.now() + (where === 'ahead' ? ms : -ms);
    const other = await startTestServer(database, { settings: { now, databaseNow: async () => server.now() } });
    const made: (number | null)[] = [];
    for (let second = 1; second <= 30; second++) {
      server.pass(1_000);
      for (const { services } of second % 2 === 0 ? [server, other] : [other, server])
        made.push(await services.ticker.tick());
    }
    expect(made.filter((seq) => seq !== null)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const rows = await database.rows.select({ at: ticks.at }).from(ticks);
    const times = new Set(rows.map(({ at }) => at.getTime()));
    expect([...times].sort()).toEqual(Array.from({ length: 10 }, (_, count) => START_MS + 1_000 + count * 3_000));
    await other.services.currencies.add({ symbol: 'TON', name: 'Toncoin', rate: 5.25 }, BY);
    expect(ratesOf(other).at(-1)).toMatchObject({ symbol: 'TON', updated_at: new Date(server.now()).toISOString() });
    const retired = await other.services.currencies.retire('TON', BY);
    expect(retired.retired_at).toBe(new Date(server.now()).toISOString());
    await Promise.all([server.close(), other.close()]);
  });

  test('a tick that fails leaves rates, number and memory as they were; the next one goes on without a hole', async () => {
    const database = await open();
    const server = await startTestServer(database);
    await tick(server);
    const [served, stored] = [ratesOf(server), await storedPairs(database)];
    // The rates are written before the candles, so a failure here comes in the middle of the transaction.
    await database.rows.execute(sql`alter table candles add constraint broken check (ticks < 0) not valid`);
    await expect(tick(server)).rejects.toThrow();
    expect(ratesOf(server)).toEqual(served);
    expect(await storedPairs(database)).toEqual(stored);
    expect(await seqOf(database)).toBe(1);
    await database.rows.execute(sql`alter table candles drop constraint broken`);
    expect(await tick(server)).toBe(2);
    expect(await storedPairs(database)).toEqual(pairsOf(server));
    await server.close();
  });

  test('change, high and low of 24 hours are those of the ticks themselves', async () => {
    const database = await open();
    const server = await startTestServer(database);
    const ticks: { at: number; rate: number }[] = [];
    const expectDay = (rates: readonly Rate[]): void => {
      const { rate, change_24h, high_24h, low_24h } = rates[0]!;
      // The window moves by the minute.
      const from = Math.floor(ticks.at(-1)!.at / 60_000) * 60_000 - 86_400_000;
      const within = ticks.filter(({ at }) => at >= from).map((one) => one.rate);
      const reference = ticks.findLast(({ at }) => at < from)?.rate ?? ticks[0]!.rate;
      expect(high_24h).toBe(Math.max(...within));
      expect(low_24h).toBe(Math.min(...within));
      expect(Math.abs(change_24h - (rate / reference - 1) * 100)).toBeLessThan(0.0001);
    };
    for (let count = 0; count < 90; count++) {
      // Three within a minute, then an hour or two, never the same, so that ticks fall on either side of the window's edge.
      const start = ratesOf(server)[0]!.rate;
      await tick(server, count % 3 === 0 ? (41 + ((count * 29) % 113)) * 60_000 + 11_000 : 3_000);
      // What was served before the first tick is the oldest rate known.
      if (count === 0) ticks.push({ at: server.now(), rate: start });
      ticks.push({ at: server.now(), rate: ratesOf(server)[0]!.rate });
      expectDay(ratesOf(server));
    }
    expect(ticks.at(-1)!.at - ticks[0]!.at).toBeGreaterThan(40 * 3_600_000);
    const later = await startTestServer(database);
    expectDay(ratesOf(later));
    await Promise.all([server.close(), later.close()]);
  });
});

describe.skipIf(!findPostgres())('two servers on one PostgreSQL', () => {
  test('one that is held up once it has read the clock makes no tick of the past beside those of the other', async () => {
    const url = await freshDatabaseUrl();
    const databases = [connectPostgres({ url }), connectPostgres({ url })] as const;
    const quick = await startTestServer(databases[0]);
    const [read, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let hold = async (): Promise<void> => {};
    const databaseNow = async (): Promise<number> => {
      const now = quick.now();
      await hold();
      return now;
    };
    const slow = await startTestServer(databases[1], { settings: { databaseNow } });
    hold = () => {
      read.resolve();
      return held.promise;
    };
    quick.pass(3_000);
    const late = slow.services.ticker.tick();
    await read.promise;
    await tick(quick);
    held.resolve();
    await late;
    await tick(quick);
    const rows = await databases[0].rows
      .selectDistinct({ seq: ticks.seq, at: ticks.at })
      .from(ticks)
      .orderBy(ticks.seq);
    const times = rows.slice(1).map(({ at }) => at.getTime() - START_MS);
    expect(times).toEqual([3_000, 9_000]);
    await Promise.all([quick.close(), slow.close()]);
    await Promise.all(databases.map((database) => database.close()));
  });

  test('tick once a period, whoever it is, and both serve the same', async () => {
    const url = await freshDatabaseUrl();
    const databases = [connectPostgres({ url }), connectPostgres({ url })] as const;
    const servers = [await startTestServer(databases[0]), await startTestServer(databases[1])] as const;
    for (let seq = 1; seq <= 20; seq++) {
      const made = await Promise.all(servers.map((server) => tick(server)));
      expect(made.filter((one) => one !== null)).toEqual([seq]);
      const agree = (): boolean => servers.every(({ services }) => services.feed.snapshot().seq === seq);
      await waitFor(agree, 'the other server to hear of it');
      const [one, two] = servers.map(({ services }) => services.feed.snapshot());
      expect(two!.version).toBe(one!.version);
      expect(Buffer.from(two!.bytes).equals(one!.bytes)).toBe(true);
    }
    await Promise.all(servers.map((server) => server.close()));
    await Promise.all(databases.map((database) => database.close()));
  });
});
