import { Value } from '@sinclair/typebox/value';
import { readPrice } from '../price';
import { Heartbeat, Other, Products, Refused, subscription, Ticker, Trade } from './coinbase-model';
import type { Exchange, Quote, Told } from './exchange';

/** Where Coinbase Exchange is. */
const COINBASE = { socketUrl: 'wss://ws-feed.exchange.coinbase.com', restUrl: 'https://api.exchange.coinbase.com' };

/**
 * Coinbase Exchange: the channels `ticker` and `heartbeat` of its market data feed, and `/products` and
 * `/products/{id}/ticker` of its REST API. All of that is public, and needs no key.
 */
export function createCoinbase({ socketUrl, restUrl } = COINBASE): Exchange {
  return {
    name: 'coinbase',
    socketUrl,
    productsUrl: `${restUrl}/products`,
    productOf: (symbol) => `${symbol}-USD`,
    quoteUrl: (product) => `${restUrl}/products/${product}/ticker`,
    subscription,
    readMessage,
    readQuote,
    readProducts: (answer) => (Value.Check(Products, answer) ? new Set(answer.map(({ id }) => id)) : null),
  };
}

function readMessage(message: unknown): Told | null {
  if (Value.Check(Ticker, message)) {
    const { product_id: product, sequence } = message;
    const quote = readQuote(message);
    return quote === null ? null : { kind: 'quote', product, quote, sequence };
  }
  if (Value.Check(Heartbeat, message)) return { kind: 'alive' };
  if (Value.Check(Refused, message)) return { kind: 'refused', reason: `${message.message}: ${message.reason ?? ''}` };
  return Value.Check(Other, message) && message.type !== 'ticker' ? { kind: 'other' } : null;
}

function readQuote(answer: unknown): Quote | null {
  if (!Value.Check(Trade, answer)) return null;
  const rate = readPrice(answer.price);
  return rate === null ? null : { rate, trade: answer.trade_id };
}
