// A market of a few currencies that follows an exchange, with its clock in the test's hand, and without a database.
import { captureLog } from '../../../kit/testing';
import { START_MS, waitFor } from '../../testing';
import type { Source } from '../source';
import type { CurrencyRow } from '../store';
import { createCoinbase } from './coinbase';
import { createExchangeSource } from './index';
import { heartbeatMessage, type TestExchange } from './testing-exchange';

/** Everything that was connected to, and the last socket of it. */
export interface Outside {
  readonly urls: string[];
  readonly fetch: (request: Request) => Promise<Response>;
  readonly openSocket: (url: string) => WebSocket;
  /** True while a connection is neither made nor refused. */
  isConnecting(): boolean;
}

/** Real connections, each noted. */
export function noteConnections(): Outside {
  const urls: string[] = [];
  let last: WebSocket | null = null;
  return {
    urls,
    fetch: (request) => {
      urls.push(request.url);
      return fetch(request);
    },
    openSocket: (url) => {
      urls.push(url);
      last = new WebSocket(url);
      return last;
    },
    isConnecting: () => last?.readyState === WebSocket.CONNECTING,
  };
}

/** Looks after a source, as a server does every second, until the exchange has heard from it and it from the exchange. */
export async function connectTo(exchange: TestExchange, source: Source, outside: Outside, pass: (ms: number) => void) {
  const { length } = exchange.subscriptions;
  const subscribed = (): boolean => {
    if (exchange.subscriptions.length > length) return true;
    source.beat();
    // A refusal of before may be heard of only now, and a pause begin.
    if (!outside.isConnecting()) pass(1_000);
    return false;
  };
  await waitFor(subscribed, 'a subscription');
  exchange.send(heartbeatMessage('BTC-USD', 1));
  await waitFor(() => source.state()?.live === true, 'the first heartbeat');
}

/** Starts a market of BTC, ETH and DOGE. */
export function startMarket(exchange: TestExchange) {
  let nowMs = START_MS;
  let elapsedMs = 0;
  const outside = noteConnections();
  const { log, logged } = captureLog('market');
  const market = new Map<string, CurrencyRow>();
  const source = createExchangeSource({
    ...outside,
    exchange: createCoinbase(exchange.urls),
    userAgent: 'crypto-server/0',
    workers: 1,
    symbols: () => [...market.keys()],
    now: () => nowMs,
    elapsed: () => elapsedMs,
    random: () => 0.5,
    log,
  });
  const pass = (ms: number): void => {
    nowMs += ms;
    elapsedMs += ms;
  };
  for (const [id, symbol] of ['BTC', 'ETH', 'DOGE'].entries())
    market.set(symbol, { id, symbol, name: symbol, rate: '1', anchorRate: '1', lastUpdated: new Date(nowMs) });
  return {
    source,
    outside,
    market,
    logged: (part: string) => logged.filter((line) => line.includes(part)),
    now: () => nowMs,
    pass,
    /** The clock that the rates are dated by steps; nothing else does. */
    step: (ms: number): void => {
      nowMs += ms;
    },
    connect: () => connectTo(exchange, source, outside, pass),
    /** Looks after the source until this holds. */
    until: (check: () => boolean, what: string) =>
      waitFor(() => {
        source.beat();
        return check();
      }, what),
    /** Said, and heard before anything that is said later. */
    hear: async (...messages: (object | string)[]) => {
      for (const message of messages) exchange.send(message);
      pass(1_000);
      exchange.send(heartbeatMessage('BTC-USD', 2));
      await waitFor(() => source.state()?.ageSeconds === 0, 'what was said');
    },
    /** One tick, three seconds later. */
    tick: () => {
      pass(3_000);
      for (const [symbol, currency] of market) {
        const rate = source.next(currency, { seq: 1, at: new Date(nowMs), elapsedMs });
        if (rate !== null) market.set(symbol, { ...currency, rate, lastUpdated: new Date(nowMs) });
      }
    },
    rateOf: (symbol: string) => market.get(symbol)?.rate,
  };
}
