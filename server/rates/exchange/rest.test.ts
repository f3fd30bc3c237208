// How often an exchange is asked while it sends nothing by itself: as often as it lets an address, whoever asks from there.
import { expect, test } from 'bun:test';
import { captureLog } from '../../../kit/testing';
import { createCoinbase } from './coinbase';
import { createExchangeRest } from './rest';

const PRODUCTS = new Set(Array.from({ length: 20 }, (_, number) => `C${number}-USD`));

/** One worker of so many, of an exchange that answers at once; `taken` are the products whose prices came. */
function startAsking(workers: number) {
  const taken: string[] = [];
  const rest = createExchangeRest({
    exchange: createCoinbase(),
    userAgent: 'crypto-server/0',
    workers,
    fetch: () => Promise.resolve(Response.json({ price: '2', trade_id: 1 })),
    take: (product) => void taken.push(product),
    heard: () => {},
    now: () => 0,
    elapsed: () => 0,
    random: () => 0.5,
    log: captureLog('exchange').log,
  });
  /** Asks, and waits until every answer has been read. */
  const poll = async (): Promise<void> => {
    rest.poll(PRODUCTS);
    for (let before = -1; before < taken.length; await Bun.sleep(5)) before = taken.length;
  };
  return { taken, poll };
}

test.each([1, 3, 16])(
  '%i workers ask eight times a second together, for one product after another',
  async (workers) => {
    const { taken, poll } = startAsking(workers);
    for (let second = 1; second <= 30; second++) {
      await poll();
      expect(taken).toHaveLength(Math.floor((8 * second) / workers));
    }
    const round = taken.slice(0, PRODUCTS.size);
    expect(new Set(round).size).toBe(round.length);
  },
);
