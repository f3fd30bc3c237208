import { createBoundedMap } from '../../kit/bounded-map';
import type { Representation } from '../../kit/http/representation';
import type { Feed, Snapshot } from './feed';
import type { Rate } from './model';
import { splitSymbols, unknownCurrency } from './symbols';

/** Reads of the protected resource. */
export interface RateReads {
  /**
   * All rates, or those named in `symbols` in that order ("BTC,ETH", any letter case, one named twice is there once; null:
   * all). @throws Problem 404 when one is unknown, 422 for too many.
   */
  list(symbols: string | null): Representation;
  /** One rate. @throws Problem 404 when the symbol is unknown. */
  one(symbol: string): Representation;
}

/** Reads from memory. Between two ticks who asks the same gets the same object. */
export function createRateReads(feed: Pick<Feed, 'snapshot'>): RateReads {
  let views: { readonly of: Snapshot; readonly reads: RateReads } | null = null;
  const current = (): RateReads => {
    const of = feed.snapshot();
    if (views?.of !== of) views = { of, reads: createViews(of) };
    return views.reads;
  };
  return {
    list: (symbols) => current().list(symbols),
    one: (symbol) => current().one(symbol),
  };
}

/** What is kept of one snapshot beside the whole list; beyond that goes what nobody has asked for the longest. */
const KEPT_MAX = 256;

/** What is read of one snapshot: made when somebody first asks for it, and gone with it. */
function createViews({ rates, version, bytes }: Snapshot): RateReads {
  const all: Representation = { version, content: () => bytes };
  const kept = createBoundedMap<string, Representation>(KEPT_MAX);
  let bySymbol: ReadonlyMap<string, Rate> | null = null;
  const find = (symbol: string): Rate => {
    bySymbol ??= new Map(rates.map((rate) => [rate.symbol, rate]));
    const found = bySymbol.get(symbol.toUpperCase());
    if (found === undefined) throw unknownCurrency(symbol);
    return found;
  };
  const keep = (key: string, choose: () => Rate | readonly Rate[]): Representation => {
    const found = kept.get(key) ?? represent(version, choose());
    kept.set(key, found);
    return found;
  };
  return {
    list: (symbols) =>
      symbols === null ? all : keep(`?${symbols}`, () => [...new Set(splitSymbols(symbols).map(find))]),
    one: (symbol) => keep(symbol, () => find(symbol)),
  };
}

/** Written as JSON when the bytes are needed: who has the representation already is told so without them. */
function represent(version: string, value: Rate | readonly Rate[]): Representation {
  let written: Uint8Array<ArrayBuffer> | null = null;
  return {
    version,
    content: () => {
      written ??= new TextEncoder().encode(JSON.stringify(value));
      return written;
    },
  };
}
