// Whatever happens to a market, its history, candles and figures of 24 hours are what its ticks say, counted by other means.
import { expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { connectPostgres, type Database } from '../../db/connect';
import { eachDatabase, freshDatabaseUrl } from '../../db/testing';
import { findPostgres } from '../../db/testing-postgres';
import { startTestServer, type TestServer, waitFor } from '../testing';
import { type CandleView, INTERVALS, type TickView } from './history-model';
import type { Rate } from './model';
import { createRollUpStore } from './roll-up-store';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const BY = { actor: 'admin', request: null };
const SYMBOLS = ['BTC', 'DOGE'];

/** What happens next: a tick by one of two servers after a time, a restart of one, or a currency that comes or goes. */
type Act =
  | { readonly kind: 'tick'; readonly server: 0 | 1; readonly afterMs: number }
  | { readonly kind: 'restart'; readonly server: 0 | 1 }
  | { readonly kind: 'toggle'; readonly server: 0 | 1; readonly rate: number };

const which = fc.constantFrom(0 as const, 1 as const);
const soon = fc.integer({ min: 3, max: 90 }).map((seconds) => seconds * SECOND_MS + 7);
const gap = fc.integer({ min: 2, max: 31 * 60 }).map((minutes) => minutes * MINUTE_MS + 11);
/** The clock is set back. */
const back = fc.oneof(soon, gap).map((ms) => -ms);

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('tick' as const), server: which, afterMs: soon }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('tick' as const), server: which, afterMs: gap }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tick' as const), server: which, afterMs: back }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), server: which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('toggle' as const),
      server: which,
      rate: fc.constantFrom(0.02, 0.08, 0.5),
    }),
  },
);

/** A market of two currencies that has not ticked. */
async function beginAnew({ rows }: Database): Promise<void> {
  await rows.execute(sql`select ticks_drop_days('9999-01-01')`);
  await rows.execute(sql`truncate candles, candles_due`);
  await rows.execute(sql`delete from currency_rates where symbol not in ('BTC', 'DOGE')`);
  await rows.execute(sql`update currency_rates set rate = anchor_rate, retired_at = null`);
  await rows.execute(sql`update market set seq = 0, ticked_at = null`);
}

/** Two servers on one database, and what was seen of each currency. */
async function openMarket(database: Database) {
  const settings = { tickVolatility: 0.2 };
  const start = () => startTestServer(database, { settings });
  const servers = [await start(), await start()];
  const seen = new Map<string, TickView[]>(SYMBOLS.map((symbol) => [symbol, []]));
  let tickedMs = 0;
  const serverAt = (index: 0 | 1): TestServer => servers[index]!;
  const pass = (ms: number): void => {
    for (const server of servers) server.pass(ms);
  };
  const agree = () => {
    const [one, other] = servers.map(({ services }) => services.feed.snapshot());
    return waitFor(() => {
      const [one, other] = servers.map(({ services }) => services.feed.snapshot().version);
      return one === other;
    }, `${one?.version} and ${other?.version} to be the same`);
  };
  const note = (seq: number, server: TestServer, rates: readonly Rate[]): void => {
    const at = new Date(server.now()).toISOString();
    for (const { symbol, rate } of rates) seen.get(symbol)!.push({ seq, rate, at });
  };
  const tick = async (index: 0 | 1, afterMs: number): Promise<void> => {
    pass(afterMs);
    const server = serverAt(index);
    const before = server.services.feed.snapshot();
    const seq = (await server.services.ticker.tick())!;
    if (seq === 1) note(0, server, before.rates);
    note(seq, server, server.services.feed.snapshot().rates);
    tickedMs = server.now();
  };
  const restart = async (index: 0 | 1): Promise<void> => {
    const old = serverAt(index);
    await old.close();
    const fresh = await start();
    fresh.pass(old.now() - fresh.now());
    servers[index] = fresh;
  };
  /** Retires the second currency, or lists it again. */
  const toggle = async (index: 0 | 1, rate: number): Promise<void> => {
    pass(SECOND_MS);
    const server = serverAt(index);
    const { feed, currencies } = server.services;
    const { seq, rates } = feed.snapshot();
    if (rates.some(({ symbol }) => symbol === 'DOGE')) return void (await currencies.retire('DOGE', BY));
    await currencies.add({ symbol: 'DOGE', name: 'Dogecoin', rate }, BY);
    if (seq > 0)
      note(
        seq,
        server,
        feed.snapshot().rates.filter(({ symbol }) => symbol === 'DOGE'),
      );
  };
  return {
    run: async (next: Act): Promise<void> => {
      if (next.kind === 'tick') await tick(next.server, next.afterMs);
      else if (next.kind === 'restart') await restart(next.server);
      else if (seen.get('DOGE')!.length > 0) await toggle(next.server, next.rate);
      await agree();
    },
    services: () => servers.map(({ services }) => services),
    seen,
    tickedMs: () => tickedMs,
    close: () => Promise.all(servers.map((server) => server.close())),
  };
}

function candlesOf(ticks: readonly TickView[], minutes: number, tickedMs: number): CandleView[] {
  const lengthMs = minutes * MINUTE_MS;
  const buckets = Map.groupBy(ticks, ({ at }) => Math.floor(Date.parse(at) / lengthMs) * lengthMs);
  return [...buckets]
    .sort(([one], [other]) => one - other)
    .map(([opens, within]) => ({
      open_time: new Date(opens).toISOString(),
      open: within[0]!.rate,
      high: Math.max(...within.map(({ rate }) => rate)),
      low: Math.min(...within.map(({ rate }) => rate)),
      close: within.at(-1)!.rate,
      ticks: within.length,
      complete: tickedMs >= opens + lengthMs,
    }));
}

function figuresOf(ticks: readonly TickView[], tickedMs: number) {
  const end = Math.floor(tickedMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  const from = end - MINUTE_MS - DAY_MS;
  const last = ticks.at(-1)!.rate;
  const within = ticks.filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < end).map(({ rate }) => rate);
  // The rate 24 hours ago is the last one of the last minute before.
  const [before] = candlesOf(ticks, 1, 0)
    .filter(({ open_time }) => Date.parse(open_time) < from)
    .slice(-1);
  const reference = before?.close ?? within[0] ?? last;
  return {
    rate: last,
    high_24h: Math.max(last, ...within),
    low_24h: Math.min(last, ...within),
    change_24h: Math.round(((last - reference) / reference) * 1e6) / 1e4,
  };
}

eachDatabase('a market', (open) => {
  test('is what its ticks say, after gaps, restarts, retired currencies and clocks that are set back', async () => {
    const database = await open();
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 16 }), async (acts) => {
        await beginAnew(database);
        const market = await openMarket(database);
        try {
          for (const next of [{ kind: 'tick', server: 0, afterMs: 3_000 } as const, ...acts]) await market.run(next);
          for (const { history, feed } of market.services()) {
            for (const [symbol, ticks] of market.seen) {
              const { items } = await (await history.ticks(symbol, {})).body();
              expect(items).toEqual(ticks);
              for (const [interval, minutes] of Object.entries(INTERVALS)) {
                const found = await (await history.candles(symbol, { interval })).body();
                expect([interval, found]).toEqual([interval, candlesOf(ticks, minutes, market.tickedMs())]);
              }
            }
            for (const rate of feed.snapshot().rates)
              expect(rate).toMatchObject(figuresOf(market.seen.get(rate.symbol)!, market.tickedMs()));
          }
        } finally {
          await market.close();
        }
      }),
      { numRuns: 8 },
    );
  });
});

test.skipIf(!findPostgres())(
  'two servers that tick and roll up at the same moment, while the clock is set back, lose nothing',
  async () => {
    const url = await freshDatabaseUrl();
    const databases = [connectPostgres({ url }), connectPostgres({ url })] as const;
    const servers = [await startTestServer(databases[0]), await startTestServer(databases[1])] as const;
    for (let turn = 0; turn < 60; turn++) {
      for (const server of servers) server.pass(turn % 17 === 5 ? -400 * SECOND_MS : 47 * SECOND_MS);
      const now = servers[0].now();
      const running = [new Date(now), new Date(now - MINUTE_MS)];
      await Promise.all([
        ...servers.map(({ services }) => services.ticker.tick()),
        ...databases.map(({ rows }, at) => createRollUpStore(rows).rollUp(running[at]!)),
      ]);
    }
    const { history } = servers[0].services;
    const { items } = await (await history.ticks('BTC', {})).body();
    expect(items.map(({ seq }) => seq)).toEqual(Array.from({ length: 61 }, (_, seq) => seq));
    for (const [interval, minutes] of Object.entries(INTERVALS)) {
      const found = await (await history.candles('BTC', { interval })).body();
      expect(found).toEqual(candlesOf(items, minutes, Date.parse(items.at(-1)!.at)));
    }
    await Promise.all(servers.map((server) => server.close()));
    await Promise.all(databases.map((database) => database.close()));
  },
);
