import type { ReadClock } from '../../db/clock';
import type { Rows } from '../../db/rows';
import type { Tell } from '../oauth/event';
import { createCandleStore } from '../rates/candle-store';
import { createCurrencies } from '../rates/currencies';
import { createCurrencyStore } from '../rates/currency-store';
import { createFeed } from '../rates/feed';
import { createHistory } from '../rates/history';
import { createHistoryRetention } from '../rates/retention';
import { createRollUpStore } from '../rates/roll-up-store';
import { createRateStore } from '../rates/store';
import { createTickStore } from '../rates/tick-store';
import { createTicker } from '../rates/ticker';
import type { Surroundings } from './surroundings';

/** What the rates' services stand on beside their rows. */
export interface RatesNeed {
  readonly tell: Tell;
  /** The clock that all servers share. */
  readonly calendar: ReadClock;
}

/** Wires the rates, what moves them, and what is listed. */
export function wireRates(rows: Rows, given: Surroundings, { tell, calendar }: RatesNeed) {
  const { tickSeconds: periodSeconds, tickVolatility: volatility, rateSeed: seed, now, log } = given;
  const store = createRateStore(rows);
  const candleStore = createCandleStore(rows);
  const currencyStore = createCurrencyStore(rows);
  const tickStore = createTickStore(rows);
  const feed = createFeed({ store, days: candleStore });
  const rollUps = createRollUpStore(rows);
  const ticker = createTicker({ store, candles: rollUps, feed, periodSeconds, volatility, seed, now, log });
  const currencies = createCurrencies({ store: currencyStore, feed, now, tell });
  const retention = createHistoryRetention({
    ticks: tickStore,
    candles: rollUps,
    ticksMs: given.retentionTicksMs,
    candlesMs: given.retentionCandlesMs,
    calendar,
  });
  const history = createHistory({ currencies: currencyStore, tickStore, candleStore, feed });
  return { feed, ticker, currencies, history, retention };
}
