// The market follows an exchange: a local one that says what the documentation of Coinbase Exchange shows.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { Database } from '../../../db/connect';
import { eachDatabase } from '../../../db/testing';
import { startTestServer, type TestServer, waitFor } from '../../testing';
import type { Rate } from '../model';
import { createCoinbase } from './coinbase';
import { startExchange, type TestExchange, tickerMessage } from './testing-exchange';
import { connectTo, noteConnections, type Outside, startMarket } from './testing-market';

/** What the exchange has, of what is listed here. */
const PRODUCTS = ['BTC-USD', 'ETH-USD'];

let exchange: TestExchange;
beforeEach(() => {
  exchange = startExchange(PRODUCTS);
});
afterEach(() => exchange.stop());

eachDatabase('a server that follows an exchange', (open) => {
  let database: Database;
  let server: TestServer;
  let outside: Outside;
  beforeEach(async () => {
    outside = noteConnections();
    const settings = { ...outside, exchange: createCoinbase(exchange.urls) };
    database = await open();
    server = await startTestServer(database, { settings });
  });
  afterEach(() => server.close());

  const connect = () => connectTo(exchange, server.services.source, outside, server.pass);
  const rateOf = (symbol: string) => server.services.feed.snapshot().rates.find((rate) => rate.symbol === symbol)!;
  const tick = async (): Promise<void> => {
    server.pass(3_000);
    expect(await server.services.ticker.tick()).not.toBeNull();
  };
  /** Says a price, and ticks when it has been heard. */
  const move = async (product: string, price: string, sequence: number): Promise<void> => {
    server.pass(1_000);
    exchange.send(tickerMessage(product, price, sequence));
    await waitFor(() => server.services.source.state()?.ageSeconds === 0, 'the price');
    await tick();
  };
  const ready = async () => (await (await server.ask('/health/ready')).json()) as Record<string, unknown>;
  const logged = (part: string) => server.logged.filter((line) => line.includes(part));

  test('rates that it has follow it, dated by the tick; the others and their times stay', async () => {
    await connect();
    await move('BTC-USD', '67012.34', 10);
    const at = new Date(server.now()).toISOString();
    expect(rateOf('BTC')).toMatchObject({ rate: 67012.34, updated_at: at, high_24h: 67012.34, low_24h: 45000 });
    const [btc, doge] = [rateOf('BTC'), rateOf('DOGE')];
    expect(doge.rate).toBe(0.08);
    expect(doge.updated_at).not.toBe(at);
    // A tick without news: its number rises, and nothing else.
    const { seq } = server.services.feed.snapshot();
    await tick();
    expect(server.services.feed.snapshot().seq).toBe(seq + 1);
    expect([rateOf('BTC'), rateOf('DOGE')]).toEqual([btc, doge]);
    // What was committed is what another server reads.
    await server.services.feed.refresh(null);
    expect([rateOf('BTC'), rateOf('DOGE')]).toEqual([btc, doge]);
  });

  test.each([
    ['behind', -5_000],
    ['ahead', 5_000],
  ])('a server whose clock is %s takes every price once, as the others do', async (_where, aheadMs) => {
    const elsewhere = noteConnections();
    const clocks = { now: () => server.now() + aheadMs, elapsed: server.now, databaseNow: async () => server.now() };
    const other = await startTestServer(database, {
      settings: { ...elsewhere, ...clocks, exchange: createCoinbase(exchange.urls) },
    });
    const servers = [server, other] as const;
    await connect();
    await connectTo(exchange, other.services.source, elsewhere, server.pass);
    const tickBy = async ({ services }: TestServer): Promise<Rate> => {
      server.pass(3_000);
      expect(await services.ticker.tick()).not.toBeNull();
      return services.feed.snapshot().rates[0]!;
    };
    for (const [turn, rate] of [67000, 67001, 67000, 67002].entries()) {
      const [one, next] = turn % 2 === 0 ? servers : [other, server];
      server.pass(1_000);
      exchange.send(tickerMessage('BTC-USD', String(rate), turn + 10));
      const heard = (): boolean => servers.every(({ services }) => services.source.state()?.ageSeconds === 0);
      await waitFor(heard, 'the price');
      const moved = await tickBy(one);
      expect(moved).toMatchObject({ symbol: 'BTC', rate, updated_at: new Date(server.now()).toISOString() });
      expect(await tickBy(next)).toEqual(moved);
    }
    await other.close();
  });

  test('not heard for half a minute it is stale: in readiness with its age, in the metrics, in the log; the market ticks on', async () => {
    expect(await ready()).toMatchObject({ status: 'degraded', market: 'away', market_age_seconds: null });
    await connect();
    await move('BTC-USD', '67000', 60);
    expect(await ready()).toMatchObject({ status: 'ok', market: 'ok', market_age_seconds: 3 });
    const metrics = async () => (await server.ask('/metrics')).text();
    expect(await metrics()).toContain('crypto_server_market_live 1\n');
    exchange.answer = () => new Response('later', { status: 503 });
    exchange.accepting = false;
    exchange.cut();
    await waitFor(() => server.services.source.state()?.live === false, 'the loss');
    server.pass(30_000);
    server.services.source.beat();
    expect(await ready()).toMatchObject({
      status: 'degraded',
      database: 'ok',
      market: 'stale',
      market_age_seconds: 33,
    });
    expect(await metrics()).toContain('crypto_server_market_live 0\n');
    expect(await metrics()).toContain('crypto_server_market_age_seconds 33\n');
    const btc = rateOf('BTC');
    await tick();
    server.services.source.beat();
    expect(rateOf('BTC')).toEqual(btc);
    expect(logged('is not heard')).toHaveLength(1);
    exchange.answer = null;
    exchange.accepting = true;
    await connect();
    expect(await ready()).toMatchObject({ status: 'ok', market: 'ok' });
    server.services.source.beat();
    expect(logged('heard again')).toHaveLength(1);
  });

  test('a currency that comes is asked for, one that goes no longer is', async () => {
    exchange.products.add('TON-USD');
    await connect();
    const by = { actor: 'admin', request: null };
    await server.services.currencies.add({ symbol: 'TON', name: 'Toncoin', rate: 5.25 }, by);
    await server.services.currencies.retire('ETH', by);
    server.services.source.beat();
    await waitFor(() => exchange.subscriptions.length === 3, 'both');
    expect(exchange.subscriptions.map(({ type, product_ids, channels }) => [type, product_ids, channels])).toEqual([
      ['subscribe', PRODUCTS, ['ticker', 'heartbeat']],
      ['subscribe', ['TON-USD'], ['ticker', 'heartbeat']],
      ['unsubscribe', ['ETH-USD'], ['ticker', 'heartbeat']],
    ]);
    await move('TON-USD', '5.5', 1);
    expect(rateOf('TON').rate).toBe(5.5);
  });
});

describe('the prices of an exchange', () => {
  let market: ReturnType<typeof startMarket>;
  beforeEach(() => {
    market = startMarket(exchange);
  });
  afterEach(() => market.source.close());
  const connect = () => market.connect();

  test('what it does not have is said once', async () => {
    await connect();
    for (let count = 0; count < 10; count++) market.source.beat();
    expect(market.logged('does not list')).toHaveLength(1);
    expect(market.logged('does not list')[0]).toContain('does not list DOGE:');
  });

  test('of several the last one is taken, and what comes late, again or broken is not', async () => {
    await connect();
    const broken = ['-1', '0', '1e5', 'NaN', '', '67.', '.5', ' 67', '99999999999999', '0.0000000001', 67000, null];
    await market.hear(
      tickerMessage('BTC-USD', '67000', 20),
      tickerMessage('BTC-USD', '67001.5', 22),
      tickerMessage('BTC-USD', '66000', 21),
      tickerMessage('BTC-USD', '66001', 22),
      'not JSON',
      'x'.repeat(100_000),
      '[]',
      '{"type":"ticker"}',
      { type: 'a type of next year', product_id: 'BTC-USD', price: '1' },
      tickerMessage('DOGE-USD', '1.5', 23),
      tickerMessage('constructor', '1.5', 23),
      ...broken.map((price) => tickerMessage('BTC-USD', price, 30)),
      { ...tickerMessage('BTC-USD', '60000', 31), sequence: -1 },
      { ...tickerMessage('BTC-USD', '60000', 31), trade_id: 1.5 },
    );
    market.tick();
    expect([market.rateOf('BTC'), market.rateOf('ETH'), market.rateOf('DOGE')]).toEqual(['67001.5', '1', '1']);
    expect(market.logged('not understood')).toHaveLength(1);
    // The connection has outlived it all.
    await market.hear(tickerMessage('BTC-USD', '67002', 32));
    market.tick();
    expect(market.rateOf('BTC')).toBe('67002');
    expect(exchange.connections()).toBe(1);
  });

  test('silent for ten seconds: it is asked, and followed again on a new connection', async () => {
    await connect();
    await market.hear(tickerMessage('BTC-USD', '67000', 40));
    market.tick();
    exchange.trades.set('BTC-USD', { trade_id: 41, price: '67100.25' });
    exchange.trades.set('ETH-USD', { trade_id: 7, price: '3300' });
    market.pass(8_000);
    await market.until(() => market.source.state()?.ageSeconds === 0, 'answers');
    expect(market.source.state()?.live).toBe(false);
    await market.until(() => exchange.asked.filter((path) => path.endsWith('/ticker')).length >= 4, 'all answers');
    market.tick();
    expect(market.rateOf('BTC')).toBe('67100.25');
    const { lastUpdated } = market.market.get('BTC')!;
    // The same trade again is no news.
    const { length } = exchange.asked;
    await market.until(() => exchange.asked.length >= length + 4, 'more answers');
    market.tick();
    expect(market.market.get('BTC')!.lastUpdated).toEqual(lastUpdated);
    await connect();
    await market.hear(tickerMessage('BTC-USD', '67200', 3, 42));
    const { length: asked } = exchange.asked;
    market.source.beat();
    market.tick();
    expect([market.rateOf('BTC'), market.rateOf('ETH')]).toEqual(['67200', '3300']);
    expect(exchange.asked.length).toBe(asked);
  });

  test('cut off: it is tried again after longer and longer pauses', async () => {
    await connect();
    exchange.accepting = false;
    exchange.cut();
    await waitFor(() => market.source.state()?.live === false, 'the loss');
    const attempts = () => market.outside.urls.filter((url) => url === exchange.urls.socketUrl).length;
    const before = attempts();
    for (let second = 0; second < 120; second++) {
      market.pass(1_000);
      market.source.beat();
      await waitFor(() => !market.outside.isConnecting(), 'the refusal');
    }
    // With pauses of about 1, 2, 3, 6, 12, 24, 45 and 45 seconds.
    expect(attempts() - before).toBeWithin(5, 9);
    exchange.accepting = true;
    await connect();
    await market.hear(tickerMessage('BTC-USD', '67400', 1, 51));
    market.tick();
    expect(market.rateOf('BTC')).toBe('67400');
  });

  test('what it refuses is said, and what it has is asked for anew', async () => {
    exchange.answer = () => Response.json([{ id: 'BTC-USD' }, { id: 'DOGE-USD' }]);
    await market.until(() => market.logged('refuses what it is asked for').length > 0, 'the refusal');
    expect(market.logged('refuses what it is asked for')[0]).toContain('DOGE-USD is not a valid product');
    exchange.answer = null;
    const asked = (): boolean => {
      if (!market.outside.isConnecting()) market.pass(1_000);
      return String(exchange.subscriptions.at(-1)?.product_ids) === String(PRODUCTS);
    };
    await market.until(asked, 'the right question');
  });

  test.each([
    ['no JSON', () => new Response('<html>')],
    ['another JSON', () => Response.json({ price: {}, trade_id: 'x' })],
    ['too much', () => new Response('x'.repeat(9 * 1024 * 1024))],
    ['elsewhere', () => Response.redirect('http://127.0.0.1:1/elsewhere')],
    ['too many questions', () => new Response(null, { status: 429, headers: { 'retry-after': '600' } })],
  ])('asked, it answers %s: no rate moves, and it is asked less often', async (_what, answer) => {
    exchange.accepting = false;
    exchange.answer = answer;
    await market.until(() => exchange.asked.length > 0, 'a question');
    for (let second = 0; second < 60; second++) {
      market.pass(1_000);
      market.source.beat();
      await Bun.sleep(1);
    }
    expect(exchange.asked.length).toBeLessThan(10);
    market.tick();
    expect(market.rateOf('BTC')).toBe('1');
    expect(market.source.state()).toEqual({ standing: 'away', ageSeconds: null, live: false });
    const own = Object.values(exchange.urls);
    expect(market.outside.urls.filter((url) => !own.some((one) => url.startsWith(one)))).toEqual([]);
  });

  test('stopping ends the connection and every question', async () => {
    await connect();
    market.source.close();
    await waitFor(() => exchange.connections() === 0, 'the end of the connection');
    const { length } = market.outside.urls;
    market.pass(120_000);
    market.source.beat();
    expect(market.outside.urls.length).toBe(length);
  });

  test('several servers hear it: who heard a price before another one moved the rate leaves it', async () => {
    await connect();
    await market.hear(tickerMessage('BTC-USD', '67000', 70));
    market.pass(1_000);
    const movedElsewhere = { ...market.market.get('BTC')!, rate: '68000', lastUpdated: new Date(market.now()) };
    market.market.set('BTC', movedElsewhere);
    market.tick();
    expect(market.rateOf('BTC')).toBe('68000');
    await market.hear(tickerMessage('BTC-USD', '68100', 71));
    market.tick();
    expect(market.rateOf('BTC')).toBe('68100');
    // The clock is set back by an hour: the market goes on.
    market.step(-3_600_000);
    market.tick();
    expect(market.market.get('BTC')!.lastUpdated).toEqual(new Date(market.now()));
  });
});
