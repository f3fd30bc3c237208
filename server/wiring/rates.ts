import type { Rows } from '../../db/rows';
import type { Tell } from '../oauth/event';
import { createCurrencies } from '../rates/currencies';
import { createCurrencyStore } from '../rates/currency-store';
import { createFeed } from '../rates/feed';
import { createRateStore } from '../rates/store';
import { createTicker } from '../rates/ticker';
import type { Surroundings } from './surroundings';

/** Wires the rates, what moves them, and what is listed. */
export function wireRates(rows: Rows, given: Surroundings, tell: Tell) {
  const { tickSeconds: periodSeconds, tickVolatility: volatility, rateSeed: seed, now, log } = given;
  const store = createRateStore(rows);
  const feed = createFeed(store);
  const ticker = createTicker({ store, feed, periodSeconds, volatility, seed, now, log });
  const currencies = createCurrencies({ store: createCurrencyStore(rows), feed, now, tell });
  return { feed, ticker, currencies };
}
