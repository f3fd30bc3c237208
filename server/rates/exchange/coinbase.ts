import { Value } from '@sinclair/typebox/value';
import { readPrice } from '../price';
import { Heartbeat, Other, Refused, subscription, Ticker, Trade, Traded } from './coinbase-model';
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
    readProducts,
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

function readProducts(answer: unknown): ReadonlySet<string> | null {
  if (!Array.isArray(answer)) return null;
  const traded = answer.filter((entry) => Value.Check(Traded, entry));
  // An exchange that trades nothing at all is one that is not understood.
  return traded.length === 0 ? null : new Set(traded.map(({ id }) => id));
}

function readQuote(answer: unknown): Quote | null {
  if (!Value.Check(Trade, answer)) return null;
  const rate = readPrice(answer.price);
  return rate === null ? null : { rate, trade: answer.trade_id };
}
