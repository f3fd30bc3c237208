// Currencies come and go while the market moves.
import { expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import { connectPostgres } from '../../db/connect';
import { candles, currencyRates } from '../../db/schema';
import { eachDatabase, freshDatabaseUrl } from '../../db/testing';
import { findPostgres } from '../../db/testing-postgres';
import { startTestServer, type TestServer, waitFor } from '../testing';
import type { TickView } from './history-model';

const TON = { symbol: 'TON', name: 'Toncoin', rate: 5.25 };
const BY = { actor: 'admin', request: null };
const symbolsOf = ({ services }: TestServer): string[] => services.feed.snapshot().rates.map(({ symbol }) => symbol);

eachDatabase('the catalogue', (open) => {
  test('an added currency is listed at once, moves with the others, and the tag says so', async () => {
    const server = await startTestServer(await open());
    const token = await server.token();
    const list = async () => {
      const answer = await server.read('/api/currency/', token);
      return { etag: answer.headers.get('etag'), rates: (await answer.json()) as { symbol: string; rate: number }[] };
    };
    const before = await list();
    expect(await server.services.currencies.add(TON, BY)).toEqual({
      ...TON,
      updated_at: '2026-01-01T00:00:00.000Z',
      retired_at: null,
    });
    const after = await list();
    expect(after.etag).not.toBe(before.etag);
    expect(after.rates.at(-1)).toMatchObject({ ...TON, change_24h: 0, high_24h: 5.25, low_24h: 5.25 });
    server.pass(3_000);
    expect(await server.services.ticker.tick()).toBe(1);
    const moved = (await list()).rates.at(-1)!;
    expect(moved.symbol).toBe('TON');
    expect(moved.rate).not.toBe(5.25);
    expect(Math.abs(moved.rate - 5.25)).toBeLessThanOrEqual(5.25 * 0.005);
    await server.close();
  });

  test('a retired currency is served and ticked no more, and keeps its history', async () => {
    const database = await open();
    const server = await startTestServer(database);
    const token = await server.token();
    await server.services.ticker.tick();
    const retired = await server.services.currencies.retire('doge', BY);
    expect(retired).toMatchObject({ symbol: 'DOGE', retired_at: '2026-01-01T00:00:00.000Z' });
    expect(symbolsOf(server)).not.toContain('DOGE');
    expect((await server.read('/api/currency/DOGE', token)).status).toBe(404);
    expect((await server.read('/api/currency/?symbols=BTC,DOGE', token)).status).toBe(404);
    server.pass(60_000);
    await server.services.ticker.tick();
    const [row] = await database.rows.select().from(currencyRates).where(eq(currencyRates.symbol, 'DOGE'));
    expect(Number(row!.rate)).toBe(retired.rate);
    expect(await database.rows.select().from(candles).where(eq(candles.currency, row!.id))).toHaveLength(1);
    expect((await server.services.currencies.list()).map(({ symbol }) => symbol)).toContain('DOGE');
    await expect(server.services.currencies.retire('DOGE', BY)).rejects.toMatchObject({ status: 404 });
    await server.close();
  });

  test('a retired currency comes back with its history, by its own name alone', async () => {
    const database = await open();
    const server = await startTestServer(database);
    const { currencies } = server.services;
    const [row] = await database.rows.select().from(currencyRates).where(eq(currencyRates.symbol, 'DOGE'));
    await currencies.retire('DOGE', BY);
    await expect(currencies.add({ symbol: 'DOGE', name: 'Other', rate: 1 }, BY)).rejects.toMatchObject({ status: 409 });
    await currencies.add({ symbol: 'DOGE', name: row!.name, rate: 0.09 }, BY);
    const [back] = await database.rows.select().from(currencyRates).where(eq(currencyRates.symbol, 'DOGE'));
    expect(back).toMatchObject({ id: row!.id, rate: '0.09', anchorRate: '0.09', retiredAt: null });
    expect(server.services.feed.snapshot().rates.find(({ symbol }) => symbol === 'DOGE')?.rate).toBe(0.09);
    await server.close();
  });

  test.each([
    ['a listed symbol', { ...TON, symbol: 'BTC' }, 409],
    ['too many digits', { ...TON, rate: 0.1 + 0.2 }, 422],
  ])('refused: %s', async (_name, input, status) => {
    const server = await startTestServer(await open());
    const { version } = server.services.feed.snapshot();
    await expect(server.services.currencies.add(input, BY)).rejects.toMatchObject({ status });
    expect(server.services.feed.snapshot().version).toBe(version);
    await server.close();
  });

  test('both are told', async () => {
    const server = await startTestServer(await open());
    await server.services.currencies.add(TON, BY);
    await server.services.currencies.retire('TON', BY);
    const told = server.logged
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => String(line['event.action']).startsWith('currency_'));
    expect(told.map((line) => [line['event.action'], line['user.name'], line['labels']])).toEqual([
      ['currency_added', 'admin', { symbol: 'TON' }],
      ['currency_retired', 'admin', { symbol: 'TON' }],
    ]);
    await server.close();
  });
});

test.skipIf(!findPostgres())(
  'two servers on one PostgreSQL: the other one hears at once, and the tags agree',
  async () => {
    const url = await freshDatabaseUrl();
    const [one, two] = [connectPostgres({ url }), connectPostgres({ url })];
    const [first, second] = [await startTestServer(one), await startTestServer(two)];
    await first.services.currencies.add(TON, BY);
    await waitFor(() => symbolsOf(second).includes('TON'), 'the other server to list it', 1_000);
    await second.services.currencies.retire('BTC', BY);
    await waitFor(() => !symbolsOf(first).includes('BTC'), 'the other server to drop it', 1_000);
    expect(first.services.feed.snapshot().version).toBe(second.services.feed.snapshot().version);
    // Many at once: one of them lists it.
    const races = [first, second, first, second].map(({ services }) =>
      services.currencies.add({ symbol: 'NEW', name: 'New', rate: 1 }, BY).then(
        () => 'listed',
        (error: { status?: number }) => error.status,
      ),
    );
    expect((await Promise.all(races)).sort()).toEqual([409, 409, 409, 'listed']);
    await Promise.all([first.close(), second.close()]);
    await Promise.all([one.close(), two.close()]);
  },
);

test.skipIf(!findPostgres())(
  'a currency is not listed before the tick whose number it begins with, though a server is held up once it has read the clock',
  async () => {
    const url = await freshDatabaseUrl();
    const [one, two] = [connectPostgres({ url }), connectPostgres({ url })];
    const quick = await startTestServer(one);
    const [read, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let hold = async (): Promise<void> => {};
    const databaseNow = async (): Promise<number> => {
      const now = quick.now();
      await hold();
      return now;
    };
    const slow = await startTestServer(two, { settings: { databaseNow } });
    hold = () => {
      read.resolve();
      return held.promise;
    };
    const ticksOf = async (symbol: string): Promise<TickView[]> =>
      (await (await quick.services.history.ticks(symbol, {})).body()).items;
    quick.pass(3_000);
    await quick.services.ticker.tick();
    const listing = slow.services.currencies.add(TON, BY);
    await read.promise;
    quick.pass(3_000);
    await quick.services.ticker.tick();
    held.resolve();
    await listing;
    const [first] = await ticksOf('TON');
    const before = (await ticksOf('BTC')).find(({ seq }) => seq === first!.seq)!;
    expect(Date.parse(first!.at)).toBeGreaterThanOrEqual(Date.parse(before.at));
    await Promise.all([quick.close(), slow.close()]);
    await Promise.all([one.close(), two.close()]);
  },
);
