import type { ReadClock } from '../../db/clock';
import type { Rows } from '../../db/rows';
import type { Tell } from '../oauth/event';
import { createCandleStore } from '../rates/candle-store';
import { createCurrencies } from '../rates/currencies';
import { createCurrencyStore } from '../rates/currency-store';
import { createExchangeSource } from '../rates/exchange/index';
import { createFeed, type Feed } from '../rates/feed';
import { createHistory } from '../rates/history';
import { createHistoryRetention } from '../rates/retention';
import { createRollUpStore } from '../rates/roll-up-store';
import { createSimulation, type Source } from '../rates/source';
import { createRateStore } from '../rates/store';
import { createTickStore } from '../rates/tick-store';
import { createTicker } from '../rates/ticker';
import { VERSION } from '../version';
import type { Surroundings } from './surroundings';

/** What the rates' services stand on beside their rows. */
export interface RatesNeed {
  readonly tell: Tell;
  /** The clock that all servers share. */
  readonly calendar: ReadClock;
  /** 0 to 1, 1 excluded. */
  readonly random: () => number;
}

/** Wires the rates, what moves them, and what is listed. */
export function wireRates(rows: Rows, given: Surroundings, { tell, calendar, random }: RatesNeed) {
  const { tickSeconds: periodSeconds, elapsed, log } = given;
  const store = createRateStore(rows);
  const candleStore = createCandleStore(rows);
  const currencyStore = createCurrencyStore(rows);
  const tickStore = createTickStore(rows);
  const feed = createFeed({ store, days: candleStore });
  const rollUps = createRollUpStore(rows);
  const source = wireSource(given, feed, random);
  const ticker = createTicker({ store, candles: rollUps, feed, source, periodSeconds, calendar, elapsed, log });
  const currencies = createCurrencies({ store: currencyStore, feed, calendar, tell });
  const retention = createHistoryRetention({
    ticks: tickStore,
    candles: rollUps,
    ticksMs: given.retentionTicksMs,
    candlesMs: given.retentionCandlesMs,
    calendar,
    elapsed,
  });
  const history = createHistory({ currencies: currencyStore, tickStore, candleStore, feed });
  return { feed, source, ticker, currencies, history, retention };
}

function wireSource(given: Surroundings, feed: Pick<Feed, 'snapshot'>, random: () => number): Source {
  const { exchange, tickVolatility: volatility, rateSeed: seed } = given;
  if (exchange === null) return createSimulation({ volatility, seed });
  return createExchangeSource({
    ...given,
    exchange,
    userAgent: `crypto-server/${VERSION}`,
    symbols: () => feed.snapshot().rates.map(({ symbol }) => symbol),
    random,
  });
}
