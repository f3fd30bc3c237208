/** Real prices: heard over the socket of an exchange, asked for meanwhile when that is away. Apart from the rates, which know that there is a source and no more. */
import type { Source, SourceState } from '../source';
import type { Exchange, Quote } from './exchange';
import { createExchangeRest, type ExchangeRestOptions } from './rest';
import { createExchangeSocket, type ExchangeSocketOptions } from './socket';

/** What a source of real prices stands on. */
export interface ExchangeSourceOptions
  extends Pick<ExchangeRestOptions, 'userAgent' | 'fetch' | 'now' | 'workers'>,
    Pick<ExchangeSocketOptions, 'openSocket' | 'elapsed' | 'random' | 'log'> {
  readonly exchange: Exchange;
  /** The currencies that are listed here. */
  readonly symbols: () => readonly string[];
}

/** Without a sign of life for this long the market is said to be stale. */
const STALE_MS = 30_000;

/** The last trade that was heard of, and when, by the clock that never steps. */
interface Heard extends Quote {
  readonly heardAt: number;
}

/**
 * The prices of an exchange: sent by itself over a socket, asked for while that is away or silent. A rate moves to the last
 * price that came since it moved last. Several servers may hear the exchange, and any of them makes the tick: by the time of
 * the rate each knows whether what it heard is news. That time is told by a clock that they share, so what was heard is dated by
 * how long ago it was.
 */
export function createExchangeSource(options: ExchangeSourceOptions): Source {
  const { exchange, symbols, elapsed } = options;
  const quotes = new Map<string, Heard>();
  let heardAt: number | null = null;
  const heard = (): void => {
    heardAt = elapsed();
  };
  const take = (product: string, quote: Quote): void => {
    if (quotes.get(product)?.trade !== quote.trade) quotes.set(product, { ...quote, heardAt: elapsed() });
  };
  const rest = createExchangeRest({ ...options, heard, take: older(quotes, take) });
  const socket = createExchangeSocket({ ...options, heard, take, refused: rest.refuse });
  const choose = createChoice(options);
  const state = (): SourceState => {
    const ageMs = heardAt === null ? null : elapsed() - heardAt;
    const standing = ageMs === null ? 'away' : ageMs > STALE_MS ? 'stale' : 'ok';
    return { standing, ageSeconds: ageMs === null ? null : Math.floor(ageMs / 1000), live: socket.isLive() };
  };
  const watch = createWatch(options, state);
  return {
    next: ({ symbol, lastUpdated }, { at, elapsedMs }) => {
      const quote = quotes.get(exchange.productOf(symbol));
      if (quote === undefined) return null;
      const sinceRateMs = at.getTime() - lastUpdated.getTime();
      // A rate of the future means that the clock was set back: the market goes on.
      return elapsedMs - quote.heardAt < sinceRateMs || sinceRateMs < 0 ? quote.rate : null;
    },
    state,
    beat: () => {
      const listed = rest.products();
      const products = choose(symbols(), listed).difference(rest.refused());
      for (const product of quotes.keys()) if (!products.has(product)) quotes.delete(product);
      // One product that is not there spoils the question for all: it waits for the list, unless that is not to be had.
      if (listed !== null || rest.isFailing()) {
        socket.beat(products);
        if (!socket.isLive()) rest.poll(products);
      }
      watch();
    },
    close: () => {
      socket.close();
      rest.close();
    },
  };
}

/** What is asked for may be answered with less than has been sent meanwhile. */
function older(quotes: ReadonlyMap<string, Quote>, take: (product: string, quote: Quote) => void) {
  return (product: string, quote: Quote): void => {
    if (quote.trade > (quotes.get(product)?.trade ?? -1)) take(product, quote);
  };
}

/** Currencies → the products of those that the exchange has. What it does not have is said once. */
function createChoice({ exchange, log }: Pick<ExchangeSourceOptions, 'exchange' | 'log'>) {
  let told: ReadonlySet<string> = new Set();
  return (symbols: readonly string[], listed: ReadonlySet<string> | null): ReadonlySet<string> => {
    const has = (symbol: string): boolean => listed?.has(exchange.productOf(symbol)) ?? true;
    const missing = symbols.filter((symbol) => !has(symbol));
    const news = missing.filter((symbol) => !told.has(symbol));
    if (news.length > 0) log.warn(`${exchange.name} does not list ${news.join(', ')}: those rates stay as they are`);
    if (listed !== null) told = new Set(missing);
    return new Set(symbols.filter(has).map(exchange.productOf));
  };
}

/** Says once that the exchange is not heard, and once that it is again. */
function createWatch({ exchange, elapsed, log }: ExchangeSourceOptions, state: () => SourceState) {
  const startedAt = elapsed();
  let missed = false;
  return (): void => {
    const { standing } = state();
    const isStarting = standing === 'away' && elapsed() - startedAt <= STALE_MS;
    if (!missed && standing !== 'ok' && !isStarting) {
      log.warn(`${exchange.name} is not heard; rates stay as they are, and their time tells how old they are`);
      missed = true;
    } else if (missed && standing === 'ok') {
      log.info(`${exchange.name} is heard again`);
      missed = false;
    }
  };
}
