import { backoffMs } from '../../../kit/backoff';
import { readJson } from '../../../kit/http/json';
import type { Log } from '../../../kit/logs';
import type { Exchange, Quote } from './exchange';

/** The part of a `WebSocket` that is used. */
export type Socket = Pick<WebSocket, 'send' | 'terminate' | 'onopen' | 'onmessage' | 'onclose' | 'onerror'>;

/** What the connection stands on. */
export interface ExchangeSocketOptions {
  readonly exchange: Pick<Exchange, 'name' | 'socketUrl' | 'subscription' | 'readMessage'>;
  readonly openSocket: (url: string) => Socket;
  /** Takes a price; it comes in order. */
  readonly take: (product: string, quote: Quote) => void;
  /** Is told that the exchange gave a sign of life. */
  readonly heard: () => void;
  /** Is told that the exchange refuses what it was asked for: the products that it names, maybe none. */
  readonly refused: (products: readonly string[]) => void;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** The connection on which an exchange sends prices by itself. */
export interface ExchangeSocket {
  /** Opens it, replaces it when it is silent, and asks for what is wanted and for no more. */
  beat(products: ReadonlySet<string>): void;
  /** True while messages come. */
  isLive(): boolean;
  close(): void;
}

/** Heartbeats come every second; without any sign for this long the connection is dead, whatever it looks like. */
const SILENT_MS = 10_000;

/** A message has less than one KB. */
const MESSAGE_CHARACTERS_MAX = 64 * 1024;

/** As much of a reason as is worth a line. */
const REASON_CHARACTERS_MAX = 200;

interface Connection {
  readonly socket: Socket;
  open: boolean;
  /** When it was opened, or last understood. */
  heardAt: number;
  /** The first sign of life has come. */
  proven: boolean;
  readonly products: Set<string>;
  /** Number of the last message about each product. */
  readonly sequences: Map<string, number>;
}

/** One connection at a time; after each that fails a longer pause, until one is proven. */
export function createExchangeSocket(options: ExchangeSocketOptions): ExchangeSocket {
  const { exchange, openSocket, elapsed, random, log } = options;
  let current: Connection | null = null;
  let wanted: ReadonlySet<string> = new Set();
  let failures = 0;
  let nextAt = 0;
  let ended = false;
  const drop = (connection: Connection, reason: string): void => {
    if (current !== connection) return;
    current = null;
    connection.socket.terminate();
    failures += 1;
    nextAt = elapsed() + backoffMs(failures, null, random);
    log.debug(`the connection to ${exchange.name} is gone`, { 'event.reason': reason });
  };
  const open = (): void => {
    const socket = openSocket(exchange.socketUrl);
    const connection: Connection = {
      socket,
      open: false,
      heardAt: elapsed(),
      proven: false,
      products: new Set(),
      sequences: new Map(),
    };
    current = connection;
    const read = createReader(connection, options, (reason) => drop(connection, reason));
    socket.onopen = () => {
      connection.open = true;
      subscribe(connection, wanted, exchange);
    };
    socket.onmessage = ({ data }: MessageEvent) => {
      if (current !== connection || !read(data)) return;
      connection.heardAt = elapsed();
      connection.proven = true;
      failures = 0;
    };
    socket.onerror = () => drop(connection, 'error');
    socket.onclose = () => drop(connection, 'closed');
  };
  return {
    beat: (products) => {
      wanted = products;
      if (current !== null && elapsed() - current.heardAt > SILENT_MS) drop(current, 'silent');
      if (current === null && !ended && products.size > 0 && elapsed() >= nextAt) open();
      if (current?.open) subscribe(current, wanted, exchange);
    },
    isLive: () => current?.proven === true && elapsed() - current.heardAt <= SILENT_MS,
    close: () => {
      ended = true;
      if (current !== null) drop(current, 'stopping');
    },
  };
}

/** Asks for what is new among the products, and no longer for what is gone from them. */
function subscribe(
  { socket, products }: Connection,
  wanted: ReadonlySet<string>,
  { subscription }: Pick<Exchange, 'subscription'>,
): void {
  const added = [...wanted].filter((product) => !products.has(product));
  const gone = [...products].filter((product) => !wanted.has(product));
  for (const product of added) products.add(product);
  for (const product of gone) products.delete(product);
  if (added.length > 0) socket.send(subscription('subscribe', added));
  if (gone.length > 0) socket.send(subscription('unsubscribe', gone));
}

/** Takes what a message says. @returns true when it is a sign of life. */
function createReader(
  { products, sequences }: Connection,
  options: ExchangeSocketOptions,
  drop: (reason: string) => void,
) {
  const { exchange, take, heard, refused, log } = options;
  let warned = false;
  return (data: unknown): boolean => {
    const isText = typeof data === 'string' && data.length <= MESSAGE_CHARACTERS_MAX;
    const told = isText ? exchange.readMessage(readJson(data)) : null;
    if (told === null) {
      if (!warned) log.warn(`${exchange.name} sends something that is not understood; it is passed over`);
      warned = true;
      return false;
    }
    if (told.kind === 'other') return false;
    if (told.kind === 'refused') {
      const reason = told.reason.slice(0, REASON_CHARACTERS_MAX);
      log.warn(`${exchange.name} refuses what it is asked for`, { 'event.reason': reason });
      const words = new Set(told.reason.split(/[^\w-]+/));
      refused([...products].filter((product) => words.has(product)));
      drop('refused');
      return false;
    }
    heard();
    // The same again, or from before, says nothing of now.
    const isNews = told.kind === 'quote' && told.sequence > (sequences.get(told.product) ?? -1);
    if (isNews && products.has(told.product)) {
      sequences.set(told.product, told.sequence);
      take(told.product, told.quote);
    }
    return true;
  };
}
