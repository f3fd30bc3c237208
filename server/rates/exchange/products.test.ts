// Which products of an exchange are followed: what it lists, and what it says when it is asked for them.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { productEntry, startExchange, type TestExchange } from './testing-exchange';
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

/** Looks after the source until the exchange has been asked for these products, and these alone. */
const untilAsked = (products: readonly string[]) =>
  market.until(() => {
    if (!market.outside.isConnecting()) market.pass(1_000);
    return String(exchange.subscriptions.at(-1)?.product_ids) === String(products);
  }, `the question for ${products}`);
const listings = (): number => exchange.asked.filter((path) => path === '/products').length;

test('what it no longer trades is not asked for, and what it trades is heard on', async () => {
  exchange.delisted.add('DOGE-USD');
  await market.connect();
  for (let second = 0; second < 20; second++) {
    await market.hear();
    market.source.beat();
    expect(market.source.state()?.live).toBe(true);
  }
  expect(exchange.subscriptions.map(({ product_ids }) => product_ids)).toEqual([PRODUCTS]);
  expect(listings()).toBe(1);
  expect(market.logged('does not list DOGE')).toHaveLength(1);
});

test.each([
  ['in the list', () => Response.json(['BTC-USD', 'DOGE-USD', 'ETH-USD'].map((id) => productEntry(id)))],
  ['and the list is not to be had', () => new Response('later', { status: 503 })],
])('what it refuses by name, %s, is left out until the list is read anew', async (_where, list) => {
  exchange.delisted.add('DOGE-USD');
  exchange.answer = (path) => (path === '/products' ? list() : new Response('later', { status: 503 }));
  await untilAsked(PRODUCTS);
  expect(market.logged('refuses what it is asked for')).toHaveLength(1);
  expect(market.logged('refuses what it is asked for')[0]).toContain('DOGE-USD is delisted');
  await market.connect();
  exchange.answer = null;
  exchange.delisted.clear();
  exchange.products.add('DOGE-USD');
  market.pass(3_600_000);
  await untilAsked(['BTC-USD', 'ETH-USD', 'DOGE-USD']);
});

test('when it refuses without a name, what it trades is asked for anew', async () => {
  await market.connect();
  exchange.products.delete('ETH-USD');
  exchange.send({ type: 'error', message: 'Failed to subscribe', reason: 'a reason of next year' });
  await untilAsked(['BTC-USD']);
  expect(listings()).toBe(2);
});

test('while the list is not to be had, prices are asked for all the same, and one that has none is no failure', async () => {
  exchange.accepting = false;
  exchange.delisted.add('DOGE-USD');
  exchange.trades.set('BTC-USD', { trade_id: 41, price: '67100.25' });
  exchange.trades.set('ETH-USD', { trade_id: 7, price: '3300' });
  exchange.answer = (path) => (path === '/products' ? new Response('broken', { status: 500 }) : null);
  const asked = (): number => exchange.asked.filter((path) => path === '/products/DOGE-USD/ticker').length;
  market.pass(1_000);
  // No more time passes: after a failure nothing of its kind would be asked again.
  await market.until(() => asked() >= 5, 'prices again and again');
  market.tick();
  expect([market.rateOf('BTC'), market.rateOf('ETH'), market.rateOf('DOGE')]).toEqual(['67100.25', '3300', '1']);
  expect(market.source.state()).toMatchObject({ standing: 'ok', live: false });
  expect(listings()).toBe(1);
});

const many = Array.from({ length: 20_001 }, (_, count) => productEntry(`X${count}-USD`));
test.each([
  [
    'an entry that is not understood',
    [null, {}, { id: 1 }, { id: 'DOGE-USD' }, { ...productEntry('x'), id: 'x'.repeat(65) }],
  ],
  ['more entries than there are today', many],
  [
    'products that are not traded just now',
    [productEntry('DOGE-USD', 'offline'), { ...productEntry('DOGE-USD'), trading_disabled: true }],
  ],
])('a list with %s is read', async (_what, entries) => {
  const list = [...entries, ...PRODUCTS.map((id) => productEntry(id))];
  exchange.answer = (path) => (path === '/products' ? Response.json(list) : null);
  await market.connect();
  expect(exchange.subscriptions.map(({ product_ids }) => product_ids)).toEqual([PRODUCTS]);
  expect(listings()).toBe(1);
});
