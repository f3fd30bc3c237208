import { notFound } from '../../kit/http/problem';
import type { Feed } from './feed';

/** An answer ready to be sent. */
export interface Representation {
  readonly etag: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Reads of the protected resource. */
export interface RateReads {
  /** All rates, or those named in `symbols` ("BTC,ETH", any letter case; null: all). @throws Problem 404 when one is unknown. */
  list(symbols: string | null): Representation;
  /** One rate. @throws Problem 404 when the symbol is unknown. */
  one(symbol: string): Representation;
}

/** Reads from memory. */
export function createRateReads(feed: Pick<Feed, 'snapshot'>): RateReads {
  const select = (symbols: readonly string[]): Representation => {
    const { rates, etag } = feed.snapshot();
    const found = symbols.map(
      (symbol) => rates.find((rate) => rate.symbol === symbol.toUpperCase()) ?? unknown(symbol),
    );
    return { etag, bytes: encode(found) };
  };
  return {
    list: (symbols) => (symbols === null ? feed.snapshot() : select([...new Set(symbols.split(','))])),
    one: (symbol) => {
      const { rates, etag } = feed.snapshot();
      const found = rates.find((rate) => rate.symbol === symbol.toUpperCase()) ?? unknown(symbol);
      return { etag, bytes: encode(found) };
    },
  };
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function unknown(symbol: string): never {
  const name = /^[A-Za-z0-9]{1,16}$/.test(symbol) ? ` ${symbol.toUpperCase()}` : '';
  throw notFound(`There is no currency${name}.`);
}
