// The market follows an exchange: a local one that says what the documentation of Coinbase Exchange shows.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import type { Database } from '../../../db/connect';
import { eachDatabase } from '../../../db/testing';
import { startTestServer, type TestServer, waitFor } from '../../testing';
import type { Rate } from '../model';
import { createCoinbase } from './coinbase';
import { startExchange, type TestExchange, tickerMessage } from './testing-exchange';
import { connectTo, noteConnections, type Outside } from './testing-market';

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
