import { malformed } from '../../kit/http/faults';
import { conflict, notFound, type Problem } from '../../kit/http/problem';
import type { Tell } from '../oauth/event';
import type { EventName } from '../oauth/words';
import type { CurrencyInput, CurrencyView } from './currency-model';
import type { CatalogueRow, CurrencyStore } from './currency-store';
import type { Feed } from './feed';
import { SIGNIFICANT_DIGITS_MAX } from './price';
import type { TickPlan } from './store';

/** Who changes the catalogue. */
export interface CatalogueCause {
  /** A client id, `admin`. */
  readonly actor: string;
  readonly request: Request | null;
}

/** The currencies of the market. */
export interface Currencies {
  /** Listed and retired ones, in the order in which they came. */
  list(): Promise<CurrencyView[]>;
  /**
   * Lists a currency, here before it resolves. A retired one comes back with its history, at the rate given.
   * @throws Problem 409 when the symbol is listed, or belongs to a retired currency of another name; 422 for too many digits.
   */
  add(input: CurrencyInput, cause: CatalogueCause): Promise<CurrencyView>;
  /** Takes a currency off the list; its history is kept. @throws Problem 404 when it is not listed. */
  retire(symbol: string, cause: CatalogueCause): Promise<CurrencyView>;
}

/** What the catalogue stands on. */
export interface CurrenciesOptions {
  readonly store: CurrencyStore;
  readonly feed: Pick<Feed, 'refresh'>;
  /** The clock that all servers share (milliseconds since the epoch). */
  readonly calendar: TickPlan['clock'];
  readonly tell: Tell;
}

/** The catalogue of one market. */
export function createCurrencies({ store, feed, calendar, tell }: CurrenciesOptions): Currencies {
  const viewOf = async (symbol: string): Promise<CurrencyView> => {
    const row = (await store.all()).find((currency) => currency.symbol === symbol);
    return row === undefined ? unlisted() : view(row);
  };
  const done = async (event: EventName, symbol: string, { actor, request }: CatalogueCause): Promise<CurrencyView> => {
    await feed.refresh(null);
    await tell({ event, outcome: 'success', actor, details: { symbol } }, request);
    return viewOf(symbol);
  };
  return {
    list: async () => (await store.all()).map(view),
    add: async ({ symbol, name, rate }, cause) => {
      if (Number(rate.toPrecision(SIGNIFICANT_DIGITS_MAX)) !== rate) throw tooManyDigits();
      const obstacle = await store.add({ symbol, name, rate: String(rate) }, calendar);
      if (obstacle !== null) throw taken(obstacle);
      return done('currency_added', symbol, cause);
    },
    retire: async (symbol, cause) => {
      if (!(await store.retire(symbol.toUpperCase(), calendar))) unlisted();
      return done('currency_retired', symbol.toUpperCase(), cause);
    },
  };
}

function view({ symbol, name, rate, lastUpdated, retiredAt }: CatalogueRow): CurrencyView {
  return {
    symbol,
    name,
    rate: Number(rate),
    updated_at: lastUpdated.toISOString(),
    retired_at: retiredAt?.toISOString() ?? null,
  };
}

function tooManyDigits(): Problem {
  return malformed([{ path: '/rate', detail: `must have at most ${SIGNIFICANT_DIGITS_MAX} significant digits` }]);
}

function taken({ symbol, name, retiredAt }: CatalogueRow): Problem {
  const detail =
    retiredAt === null
      ? `${symbol} is listed already.`
      : `${symbol} was the symbol of ${name}, which was retired; list it again by that name, or choose another symbol.`;
  return conflict(detail);
}

function unlisted(): never {
  throw notFound('No such currency is listed.');
}
