// The market at its largest: a tick of 5,000 currencies, and candles of 100 million ticks.
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { connectPostgres, type Database } from '../db/connect';
import { openEmbedded } from '../db/embedded';
import { INTERVALS } from '../server/rates/history-model';
import { LENGTHS, type Length } from '../server/rates/pieces';
import { startTestServer } from '../server/testing';
import type { Figure } from './figure';
import { startServer } from './processes';
import { goodAnswer, newAccount, register, tokenForm, tokenIn } from './setting';
import { median, percentile } from './statistics';

/** What the market is measured with. */
export interface MarketOptions {
  readonly folder: string;
  readonly signal: AbortSignal;
  /** URL of a new, empty database. */
  readonly newDatabase: () => Promise<string>;
}

const CURRENCIES = 5_000;

/** Ticks that are measured: they begin two minutes, so that the window of 24 hours moves twice. */
const TICKS = 45;
const TICK_MS = 3_000;

/** A tick, written and published, in seconds. */
const TICK_AT_MOST_S = 0.5;

/** A query for candles, 95 of 100, in milliseconds. */
const CANDLES_AT_MOST_MS = 20;

const QUERIES = 1_000;

/** Queries before them: a server in use has compiled what answers them, and its connections know the tables. */
const WARM_UP_QUERIES = 100;

/** One tick every three seconds, of the currencies that a market starts with, as far back as it takes to make so many. */
const ALL_TICKS = 100_000_000;
const STARTING_CURRENCIES = 13;
const TICKS_A_DAY = 86_400_000 / TICK_MS;

/** Days that candles shorter than an hour are kept. */
const SHORT_KEPT_DAYS = 90;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Making the candles takes longer than any query of a server. */
const GENERATE_MS = 600_000;

/** Both figures. */
export async function measureMarket(options: MarketOptions): Promise<Figure[]> {
  const database = connectPostgres({ url: await options.newDatabase(), deadlineMs: GENERATE_MS });
  const name = `Tick of ${CURRENCIES.toLocaleString('en')} currencies`;
  const ticks = await measureTicks(database).finally(database.close);
  // On files, as it is used: a file in memory is copied whenever it grows, and the log of a database grows by 16 MB at a time.
  const embedded = await openEmbedded({ folder: join(options.folder, 'embedded') });
  const embeddedTicks = await measureTicks(embedded).finally(embedded.close);
  return [
    tickFigure(`${name}, PostgreSQL`, ticks),
    tickFigure(`${name}, embedded`, embeddedTicks),
    await measureCandles(options),
  ];
}

function tickFigure(name: string, seconds: readonly number[]): Figure {
  const value = percentile(seconds, 95);
  const hold = { of: 'value', measured: value, atMost: TICK_AT_MOST_S } as const;
  const note = `written and published, 95 of 100; median ${median(seconds).toFixed(2)}, at most ${Math.max(...seconds).toFixed(2)}`;
  return { name, value, unit: 's', raw: null, hold, note };
}

/** Seconds from the begin of each tick until its rates are served, in a server of this process whose clock is moved by hand. */
async function measureTicks(database: Database): Promise<number[]> {
  await database.migrate();
  await database.rows.execute(sql`insert into currency_rates (symbol, name, rate, anchor_rate)
    select 'C' || n, 'Coin ' || n, 100 + n, 100 + n from generate_series(${STARTING_CURRENCIES + 1}::integer, ${CURRENCIES}::integer) n`);
  const server = await startTestServer(database);
  const { ticker, feed } = server.services;
  await generateDay(database, server.now());
  const seconds: number[] = [];
  let publishedMs = 0;
  feed.follow(() => {
    publishedMs = performance.now();
  });
  // The first two begin the history, and are like no others.
  for (let tick = -2; tick < TICKS; tick++) {
    server.pass(TICK_MS);
    const begunMs = performance.now();
    await ticker.tick();
    if (tick >= 0) seconds.push((publishedMs - begunMs) / 1_000);
  }
  await server.close();
  return seconds;
}

/** The candles of a day that figures of 24 hours can be made of: the shortest ones at its ends only. */
async function generateDay(database: Database, now: number): Promise<void> {
  for (const minutes of LENGTHS) {
    const spans = minutes < 15 ? [now - DAY_MS - HOUR_MS / 2, now - HOUR_MS / 2] : [now - DAY_MS - HOUR_MS];
    for (const from of spans) await generate(database, minutes, from, minutes < 15 ? from + HOUR_MS / 2 : now);
  }
}

/** Candles of one length for every currency, as ticks every three seconds would have left them. */
async function generate({ rows }: Database, minutes: Length, from: number, before: number): Promise<void> {
  const [begin, end] = [from, before].map((ms) => new Date(ms).toISOString());
  await rows.execute(sql`insert into candles
    select id, ${minutes}::smallint, opens, rate * (1 + swing), rate * (1.004 + swing), rate * (0.996 + swing), rate * (1 + swing),
      ${(minutes * 60_000) / TICK_MS}::integer, 0, 0
    from currency_rates,
      generate_series(date_bin(make_interval(mins => ${minutes}::integer), ${begin}::timestamptz, 'epoch'),
        ${end}::timestamptz - interval '1 ms', make_interval(mins => ${minutes}::integer)) opens,
      round(sin(extract(epoch from opens))::numeric / 20, 4) swing
    order by opens, id
    on conflict do nothing`);
}

/** Queries of chance over what 100 million ticks leave in the tables, one after another, to the compiled server. */
async function measureCandles({ folder, signal, newDatabase }: MarketOptions): Promise<Figure> {
  const databaseUrl = await newDatabase();
  const days = ALL_TICKS / STARTING_CURRENCIES / TICKS_A_DAY;
  const count = await generateAll(databaseUrl, days);
  await using server = await startServer({ folder, databaseUrl, signal });
  const account = newAccount();
  await register(server.url, account);
  const headers = { authorization: `Bearer ${tokenIn(await goodAnswer(server.url, tokenForm(account)))}` };
  const rates = await goodAnswer(server.url, { method: 'GET', path: '/api/currency/', headers, body: '' });
  const symbols = (JSON.parse(new TextDecoder().decode(rates)) as { symbol: string }[]).map(({ symbol }) => symbol);
  const times: number[] = [];
  for (let query = -WARM_UP_QUERIES; query < QUERIES; query++) {
    const path = `/api/currency/${oneOf(symbols)}/candles?${queryOfChance(days)}`;
    const begunMs = performance.now();
    await goodAnswer(server.url, { method: 'GET', path, headers, body: '' });
    if (query >= 0) times.push(performance.now() - begunMs);
  }
  const value = percentile(times, 95);
  const hold = { of: 'value', measured: value, atMost: CANDLES_AT_MOST_MS } as const;
  const note = `95 of 100; median ${median(times).toFixed(1)}; ${count.toLocaleString('en')} candles of 100 million ticks`;
  return { name: 'GET /api/currency/{symbol}/candles', value, unit: 'ms', raw: null, hold, note };
}

/** @returns how many candles there are. */
async function generateAll(url: string, days: number): Promise<number> {
  const database = connectPostgres({ url, deadlineMs: GENERATE_MS });
  try {
    await database.migrate();
    const now = Date.now();
    for (const minutes of LENGTHS)
      await generate(database, minutes, now - (minutes < 60 ? SHORT_KEPT_DAYS : days) * DAY_MS, now);
    await database.rows.execute(sql`vacuum analyze candles`);
    const [row] = await database.rows.select({ count: sql<string>`count(*)` }).from(sql`candles`);
    return Number(row?.count);
  } finally {
    await database.close();
  }
}

/** Any interval; up to the running candle, or from some time on; 500 candles, or as many as there can be. */
function queryOfChance(days: number): URLSearchParams {
  const query = new URLSearchParams({ interval: oneOf(Object.keys(INTERVALS)) });
  if (Math.random() < 0.5) query.set('from', new Date(Date.now() - Math.random() * days * DAY_MS).toISOString());
  if (Math.random() < 0.5) query.set('limit', '1000');
  return query;
}

function oneOf(choices: readonly string[]): string {
  return choices[Math.floor(Math.random() * choices.length)] ?? '';
}
