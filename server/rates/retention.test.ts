// What is kept of the market, and for how long: by the server itself, on both databases.
import { describe, expect, test } from 'bun:test';
import { asc, eq, sql } from 'drizzle-orm';
import { connectPostgres, type Database } from '../../db/connect';
import { candles, ticks } from '../../db/schema';
import { eachDatabase, freshDatabaseUrl } from '../../db/testing';
import { findPostgres } from '../../db/testing-postgres';
import { startTestServer, type TestServer } from '../testing';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The days that there are partitions of, in order: `20260101`. */
async function daysOf({ rows }: Database): Promise<string[]> {
  const name = sql<string>`right(inhrelid::regclass::text, 8)`;
  const found = await rows
    .select({ name })
    .from(sql`pg_inherits`)
    .where(sql`inhparent = 'ticks'::regclass`)
    .orderBy(name);
  return found.map((row) => row.name);
}

/** How many candles there are of each length, in minutes. */
async function candlesOf({ rows }: Database): Promise<Record<number, number>> {
  const found = await rows
    .select({ minutes: candles.minutes, count: sql<string>`count(*)` })
    .from(candles)
    .where(eq(candles.currency, 1))
    .groupBy(candles.minutes);
  return Object.fromEntries(found.map(({ minutes, count }) => [minutes, Number(count)]));
}

async function tick(server: TestServer, afterMs: number): Promise<void> {
  server.pass(afterMs);
  expect(await server.services.ticker.tick()).not.toBeNull();
}

eachDatabase('the retention of the market', (open) => {
  test('days are made ahead, and dropped once they are older than ticks are kept', async () => {
    const database = await open();
    const server = await startTestServer(database);
    const { retention } = server.services;
    await retention.maintain();
    const firstDays = ['20260101', '20260102', '20260103'];
    expect(await daysOf(database)).toEqual(firstDays);
    await tick(server, 3_000);
    await tick(server, DAY_MS);
    // Seven days after the end of the first, less a millisecond.
    server.pass(7 * DAY_MS - 3_001);
    await retention.maintain();
    expect(await daysOf(database)).toEqual([...firstDays, '20260108', '20260109', '20260110']);
    server.pass(1);
    await retention.maintain();
    const [, ...laterDays] = firstDays;
    expect(await daysOf(database)).toEqual([...laterDays, '20260108', '20260109', '20260110', '20260111']);
    const kept = await database.rows.select().from(ticks).where(eq(ticks.currency, 1));
    expect(kept.map(({ seq }) => seq)).toEqual([2]);
    await server.close();
  });

  test('a tick makes the day that nobody has made ahead: the clock may jump, forth and back', async () => {
    const database = await open();
    const server = await startTestServer(database);
    await tick(server, 3_000);
    await tick(server, 40 * DAY_MS);
    await tick(server, -50 * DAY_MS);
    expect(await daysOf(database)).toEqual(['20251222', '20260101', '20260210']);
    const kept = await database.rows.select().from(ticks).where(eq(ticks.currency, 1)).orderBy(asc(ticks.seq));
    expect(kept.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
    await server.close();
  });

  test('candles shorter than an hour are dropped after ninety days, longer ones are kept', async () => {
    const database = await open();
    const server = await startTestServer(database);
    const { retention } = server.services;
    for (const afterMs of [3_000, HOUR_MS, 30 * HOUR_MS]) await tick(server, afterMs);
    // Made one length a minute.
    for (let minute = 0; minute < 8; minute++) await tick(server, 60_000);
    await tick(server, 60 * DAY_MS);
    for (let minute = 0; minute < 8; minute++) await tick(server, 60_000);
    const before = await candlesOf(database);
    expect(before).toEqual({ 1: 20, 5: 6, 15: 4, 60: 3, 240: 2, 1440: 2 });
    server.pass(32 * DAY_MS);
    await retention.maintain();
    expect(await candlesOf(database)).toEqual({ 1: 9, 5: 2, 15: 1, 60: 3, 240: 2, 1440: 2 });
    await server.close();
  });

  test('a run begins nothing more after a second; the next ones drop what is left', async () => {
    const database = await open();
    let elapsedMs = 0;
    const elapsed = (): number => {
      elapsedMs += 600;
      return elapsedMs;
    };
    const server = await startTestServer(database, { settings: { elapsed } });
    for (let hour = 0; hour < 4; hour++) await tick(server, HOUR_MS);
    for (let minute = 0; minute < 4; minute++) await tick(server, 60_000);
    server.pass(100 * DAY_MS);
    const minutes: number[] = [];
    for (let run = 0; run < 3; run++) {
      await server.services.retention.maintain();
      minutes.push((await candlesOf(database))[1] ?? 0);
    }
    // Of the last ones longer candles have yet to be made.
    expect(minutes).toEqual([6, 5, 5]);
    await server.close();
  });

  test('what is due is made before that of which it is made is dropped', async () => {
    const database = await open();
    const server = await startTestServer(database);
    await tick(server, 3_000);
    server.pass(200 * DAY_MS);
    await server.services.retention.maintain();
    expect(await candlesOf(database)).toEqual({ 1: 1 });
    for (let minute = 0; minute < 6; minute++) await tick(server, 60_000);
    await server.services.retention.maintain();
    const longest = await database.rows.select().from(candles).where(eq(candles.minutes, 1440));
    expect(longest.filter(({ currency }) => currency === 1)).toMatchObject([{ ticks: 2, firstSeq: 0, lastSeq: 1 }]);
    expect((await candlesOf(database))[1]).toBe(6);
    await server.close();
  });
});

describe.skipIf(!findPostgres())('two servers on one PostgreSQL', () => {
  test('may both keep the days at once; who reads an old one keeps it for the time being, and nobody waits long', async () => {
    const url = await freshDatabaseUrl();
    const databases = [connectPostgres({ url }), connectPostgres({ url })] as const;
    const servers = [await startTestServer(databases[0]), await startTestServer(databases[1])] as const;
    const maintain = () => Promise.all(servers.map(({ services }) => services.retention.maintain()));
    await maintain();
    for (const server of servers) server.pass(9 * DAY_MS);
    await databases[0].rows.transaction(async (reader) => {
      await reader.select().from(ticks);
      const begun = performance.now();
      await maintain();
      expect(performance.now() - begun).toBeLessThan(4_000);
      expect((await daysOf(databases[1]))[0]).toBe('20260101');
    });
    await maintain();
    expect(await daysOf(databases[1])).toEqual(['20260103', '20260110', '20260111', '20260112']);
    // A day that both need at the same moment.
    for (const server of servers) server.pass(30 * DAY_MS);
    const made = await Promise.all(servers.map(({ services }) => services.ticker.tick()));
    expect(made.filter((seq) => seq !== null)).toEqual([1]);
    await Promise.all(servers.map((server) => server.close()));
    await Promise.all(databases.map((database) => database.close()));
  });
});
