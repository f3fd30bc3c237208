import { backoffMs, retryAfterMs } from '../../../kit/backoff';
import { readJson } from '../../../kit/http/json';
import type { Log } from '../../../kit/logs';
import type { Exchange, Quote } from './exchange';

/** What asking stands on. */
export interface ExchangeRestOptions {
  readonly exchange: Pick<Exchange, 'name' | 'productsUrl' | 'quoteUrl' | 'readProducts' | 'readQuote'>;
  /** Sent with each request, as exchanges want it. */
  readonly userAgent: string;
  readonly fetch: (request: Request) => Promise<Response>;
  /** Processes on this machine that ask, this one among them. */
  readonly workers: number;
  readonly take: (product: string, quote: Quote) => void;
  /** Is told that the exchange gave a sign of life. */
  readonly heard: () => void;
  /** Milliseconds since the epoch, for a `Retry-After` that is a date. */
  readonly now: () => number;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** An exchange that is asked. */
export interface ExchangeRest {
  /** The products that are traded; asks again after an hour, or when they were forgotten. Null: not known (yet). */
  products(): ReadonlySet<string> | null;
  /** Takes note that the exchange refuses these products, whatever it lists; of none: what it lists is forgotten. */
  refuse(products: readonly string[]): void;
  /** The products that it has refused since the list was read. */
  refused(): ReadonlySet<string>;
  /** True while the list of products is not to be had. */
  isFailing(): boolean;
  /** Asks for the prices of the next few, round and round; to be called once a second, and one round of questions at a time. */
  poll(products: ReadonlySet<string>): void;
  close(): void;
}

/** Of all workers together: well below the ten requests a second that Coinbase Exchange allows an address. */
const QUOTES_PER_SECOND = 8;

/** In total, from the name to the last byte. */
const TIMEOUT_MS = 5_000;

/** The list of all products has some 500 KB. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;

/** Products come and go by the month. */
const PRODUCTS_KEPT_MS = 60 * 60 * 1000;

/** Asks politely: after each failure a longer pause, and one as long as the exchange wishes. The list holds up no prices. */
export function createExchangeRest(options: ExchangeRestOptions): ExchangeRest {
  const { exchange, workers, take, heard, elapsed } = options;
  const ended = new AbortController();
  const lists = createAttempts(options, ended.signal);
  const quotes = createAttempts(options, ended.signal);
  const refused = new Set<string>();
  let known: { readonly products: ReadonlySet<string>; readonly until: number } | null = null;
  let turn = 0;
  /** Questions that may be asked now, as so many by all workers: of many, each has less than one a second. */
  let allowed = 0;
  const ask = createAsk(options, ended.signal);
  const list = async (): Promise<void> => {
    // Those that are known do as well for another hour when this fails.
    if (known !== null) known = { ...known, until: elapsed() + PRODUCTS_KEPT_MS };
    const products = exchange.readProducts(await ask(exchange.productsUrl));
    if (products === null) throw new Error('no list of products');
    known = { products, until: elapsed() + PRODUCTS_KEPT_MS };
    refused.clear();
  };
  const quote = async (product: string): Promise<void> => {
    const answer = await ask(exchange.quoteUrl(product)).catch(absent);
    if (answer === null) return;
    const found = exchange.readQuote(answer);
    if (found === null) throw new Error('no price');
    heard();
    take(product, found);
  };
  return {
    products: () => {
      if (known === null || elapsed() > known.until) lists.attempt(list);
      return known?.products ?? null;
    },
    refuse: (products) => {
      for (const product of products) refused.add(product);
      if (products.length === 0) known = null;
    },
    refused: () => refused,
    isFailing: lists.isFailing,
    poll: (products) => {
      const all = [...products];
      // What is less than one of its own is saved up, and nothing else.
      allowed = (allowed % workers) + QUOTES_PER_SECOND;
      const own = Math.min(Math.floor(allowed / workers), all.length);
      quotes.attempt(async () => {
        for (let count = 0; count < own; count++) {
          turn = (turn + 1) % all.length;
          await quote(all[turn] ?? '');
        }
      });
    },
    close: () => ended.abort(),
  };
}

/** Work that may fail: one piece at a time, and none before its time. */
function createAttempts({ exchange, now, elapsed, random, log }: ExchangeRestOptions, ended: AbortSignal) {
  let failures = 0;
  let nextAt = 0;
  let underWay = false;
  return {
    isFailing: (): boolean => failures > 0,
    attempt: (work: () => Promise<void>): void => {
      if (underWay || ended.aborted || elapsed() < nextAt) return;
      underWay = true;
      const done = work().then(
        () => {
          failures = 0;
        },
        (error: unknown) => {
          failures += 1;
          const asked = error instanceof Refused ? retryAfterMs(error.retryAfter, now()) : null;
          nextAt = elapsed() + backoffMs(failures, asked, random);
          log.debug(`${exchange.name} does not answer as it should`, { error });
        },
      );
      void done.finally(() => {
        underWay = false;
      });
    },
  };
}

/** The exchange turns a request away. */
class Refused extends Error {
  readonly status: number;
  readonly retryAfter: string | null;
  constructor({ status, headers }: Response) {
    super(`answered ${status}`);
    this.status = status;
    this.retryAfter = headers.get('retry-after');
  }
}

/** A product that is not there (404) or no longer traded (400) has no price, and is no reason to ask less often for the others. */
function absent(error: unknown): null {
  if (error instanceof Refused && (error.status === 404 || error.status === 400)) return null;
  throw error;
}

/** URL → the JSON it answers; nowhere else, whatever the answer says. @throws Error */
function createAsk({ fetch, userAgent }: ExchangeRestOptions, ended: AbortSignal) {
  const headers = { accept: 'application/json', 'user-agent': userAgent };
  return async (url: string): Promise<unknown> => {
    const signal = AbortSignal.any([ended, AbortSignal.timeout(TIMEOUT_MS)]);
    const answer = await fetch(new Request(url, { headers, signal, redirect: 'error' }));
    if (!answer.ok) throw new Refused(answer);
    return readJson(await readBounded(answer));
  };
}

async function readBounded({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) throw new Error(`more than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
