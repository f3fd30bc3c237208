import { createInOrder } from '../../kit/in-order';
import { changePercent, type DayFigures, dayFigures, widen } from './day';
import type { Rate } from './model';
import type { CurrencyRow, MarketState, RateStore } from './store';

/** The rates as they are served: the last committed ones, ready to be sent. */
export interface Snapshot {
  /** Number of the tick; the same on every replica. */
  readonly seq: number;
  /** Of every answer made from this snapshot, the same on every replica: the part of its entity tag that content decides. */
  readonly version: string;
  /** Raised when a currency comes or goes; a tick leaves it. */
  readonly catalogueVersion: number;
  readonly rates: readonly Rate[];
  /** All rates as JSON. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The rates in memory. A read never touches the database. */
export interface Feed {
  /** The last committed rates. @throws Error before the first `refresh`. */
  snapshot(): Snapshot;
  /** Takes over a state that this server has committed; one older than it holds is ignored. */
  publish(state: MarketState): Promise<void>;
  /** Reads the database: at the start, when another replica ticked (its number given), when the catalogue changed or news were missed (null). */
  refresh(seq: number | null): Promise<void>;
}

/** The 24 hours that the figures are of. It moves by the minute, as the candles do. */
interface Window {
  readonly from: number;
  readonly figures: ReadonlyMap<number, DayFigures>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTE_MS = 60 * 1000;

/** Holds what `store` has committed. */
export function createFeed(store: Pick<RateStore, 'read' | 'day'>): Feed {
  let current: Snapshot | null = null;
  let window: Window | null = null;
  const inOrder = createInOrder();

  const take = async (state: MarketState, known: Window | null): Promise<void> => {
    if (current !== null && isOlder(state, current)) return;
    window = await nextWindow(state, known, store);
    current = makeSnapshot(state, window);
  };
  return {
    snapshot: () => {
      if (current === null) throw new Error('The rates have not been read yet.');
      return current;
    },
    publish: (state) => inOrder(() => take(state, window)),
    refresh: (seq) =>
      inOrder(async () => {
        if (seq !== null && current !== null && seq <= current.seq) return;
        await take(await store.read(), null);
      }),
  };
}

/** Within one tick the catalogue may have changed. */
function isOlder(state: MarketState, current: Snapshot): boolean {
  return state.seq < current.seq || (state.seq === current.seq && state.catalogueVersion < current.catalogueVersion);
}

/** Between two minutes only the running rates can widen the figures; at a new minute the candles are read again. */
async function nextWindow(state: MarketState, known: Window | null, store: Pick<RateStore, 'day'>): Promise<Window> {
  const from = Math.floor((state.tickedAt?.getTime() ?? 0) / MINUTE_MS) * MINUTE_MS - DAY_MS;
  const rows = known?.from === from ? null : new Map((await store.day(new Date(from))).map((row) => [row.id, row]));
  const figures = state.currencies.map(({ id, rate }): [number, DayFigures] => {
    const before = rows === null ? known?.figures.get(id) : undefined;
    return [id, before === undefined ? dayFigures(rows?.get(id), Number(rate)) : widen(before, Number(rate))];
  });
  return { from, figures: new Map(figures) };
}

function makeSnapshot(state: MarketState, window: Window): Snapshot {
  const rates = state.currencies.map((currency) => makeRate(currency, window.figures.get(currency.id)));
  return {
    seq: state.seq,
    catalogueVersion: state.catalogueVersion,
    version: `${state.seq}-${state.catalogueVersion}`,
    rates,
    bytes: new TextEncoder().encode(JSON.stringify(rates)),
  };
}

function makeRate({ symbol, name, rate, lastUpdated }: CurrencyRow, figures: DayFigures | undefined): Rate {
  const value = Number(rate);
  const { reference, high, low } = figures ?? dayFigures(undefined, value);
  return {
    symbol,
    name,
    rate: value,
    change_24h: changePercent(value, reference),
    high_24h: high,
    low_24h: low,
    updated_at: lastUpdated.toISOString(),
  };
}
