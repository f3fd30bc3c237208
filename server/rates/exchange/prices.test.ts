// What an exchange says becomes a rate, or does not: a local one that says what the documentation of Coinbase Exchange shows.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { waitFor } from '../../testing';
import { startExchange, type TestExchange, tickerMessage } from './testing-exchange';
import { startMarket } from './testing-market';

/** What the exchange has, of what is listed here. */
const PRODUCTS = ['BTC-USD', 'ETH-USD'];

let exchange: TestExchange;
let market: ReturnType<typeof startMarket>;
beforeEach(() => {
  exchange = startExchange(PRODUCTS);
  market = startMarket(exchange);
});
afterEach(async () => {
  market.source.close();
  await exchange.stop();
});

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
  const listings = exchange.asked.filter((path) => path === '/products').length;
  expect(listings).toBeLessThan(10);
  expect(exchange.asked.length - listings).toBeLessThan(10);
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
