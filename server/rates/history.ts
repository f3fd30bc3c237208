import { malformed } from '../../kit/http/faults';
import type { CandleRow, CandleStore } from './candle-store';
import type { CurrencyStore } from './currency-store';
import type { Feed } from './feed';
import {
  type CandleQuery,
  type CandleView,
  INTERVALS,
  LIMIT_DEFAULT,
  LIMIT_MAX,
  type TickPage,
  type TickQuery,
  type TickView,
} from './history-model';
import { type Range, rangeOf } from './pieces';
import { unknownCurrency } from './symbols';
import type { TickRow, TickStore } from './tick-store';

/** What was asked for, and not read yet: as one answer, or as rows. */
export interface Series<Row, Body> {
  /** Another one for other content, the same on every replica. */
  readonly version: string;
  readonly columns: readonly (keyof Row)[];
  /** At most {@link LIMIT_DEFAULT} items where it is not said how many. */
  body(): Promise<Body>;
  /** Read page by page; all there are where it is not said how many. */
  pages(): AsyncGenerator<readonly Row[]>;
}

/** What has been, of listed currencies and of retired ones. */
export interface History {
  /** @throws Problem 404 for a symbol that no currency ever had, 422 for a bad range. */
  ticks(symbol: string, query: TickQuery): Promise<Series<TickView, TickPage>>;
  /** @throws Problem 404 for a symbol that no currency ever had, 422 for a bad range. */
  candles(symbol: string, query: CandleQuery): Promise<Series<CandleView, CandleView[]>>;
}

/** What the history stands on. */
export interface HistoryOptions {
  readonly currencies: Pick<CurrencyStore, 'idOf'>;
  readonly tickStore: Pick<TickStore, 'page'>;
  readonly candleStore: Pick<CandleStore, 'page'>;
  readonly feed: Pick<Feed, 'snapshot'>;
}

/** The history of one market. */
export function createHistory({ currencies, tickStore, candleStore, feed }: HistoryOptions): History {
  const idOf = createIds(currencies);
  const version = (): string => feed.snapshot().version;
  return {
    ticks: async (symbol, { limit, cursor, ...query }) => {
      const range = readRange(query);
      const begin = readCursor(cursor);
      const currency = await idOf(symbol);
      const read = (after: Place | null, count: number) => tickStore.page(currency, range, after ?? begin, count);
      return {
        version: version(),
        columns: ['seq', 'rate', 'at'],
        body: async () => {
          const count = limit ?? LIMIT_DEFAULT;
          const found = await read(null, count + 1);
          const items = found.slice(0, count);
          return { items: items.map(tickView), next_cursor: found.length > count ? cursorOf(items.at(-1)) : null };
        },
        pages: () => pagesOf((after: TickRow | null) => read(after, limit ?? LIMIT_MAX), tickView, limit === undefined),
      };
    },
    candles: async (symbol, { limit, interval = '1m', ...query }) => {
      const range = readRange(query);
      const currency = await idOf(symbol);
      const minutes = INTERVALS[interval as keyof typeof INTERVALS];
      const first = (count: number) =>
        candleStore.page(currency, { ...range, minutes, last: query.from === undefined }, count);
      const next = (after: CandleRow | null) => {
        const from = after === null ? range.from : rangeOf({ minutes, opens: after.openTime.getTime() }).before;
        return candleStore.page(currency, { ...range, from, minutes, last: false }, LIMIT_MAX);
      };
      return {
        version: version(),
        columns: ['open_time', 'open', 'high', 'low', 'close', 'ticks', 'complete'],
        body: async () => (await first(limit ?? LIMIT_DEFAULT)).map(candleView),
        pages: () => pagesOf(limit === undefined ? next : () => first(limit), candleView, limit === undefined),
      };
    },
  };
}

/** What a symbol stands for never changes: it is asked for once. */
function createIds(currencies: HistoryOptions['currencies']): (symbol: string) => Promise<number> {
  const known = new Map<string, number>();
  return async (given) => {
    const symbol = given.toUpperCase();
    const id = known.get(symbol) ?? (/^[A-Z0-9]{1,16}$/.test(symbol) ? await currencies.idOf(symbol) : null);
    if (id === null) throw unknownCurrency(given);
    known.set(symbol, id);
    return id;
  };
}

/** Pages of rows, one after another to the end, or the first one alone. */
async function* pagesOf<Row, View>(
  read: (after: Row | null) => Promise<Row[]>,
  view: (row: Row) => View,
  toTheEnd: boolean,
): AsyncGenerator<readonly View[]> {
  let page = await read(null);
  yield page.map(view);
  for (let last = page.at(-1); toTheEnd && last !== undefined && page.length === LIMIT_MAX; last = page.at(-1)) {
    page = await read(last);
    yield page.map(view);
  }
}

/** What the database can tell apart. Nothing of ours is earlier, and it takes no years of more than four digits. */
const BOUNDS: Range = { from: 0, before: Date.UTC(9999, 11, 31) };

function readRange({ from, to }: Pick<TickQuery, 'from' | 'to'>): Range {
  const range = {
    from: from === undefined ? BOUNDS.from : Date.parse(from),
    before: to === undefined ? BOUNDS.before : Date.parse(to),
  };
  if (from !== undefined && to !== undefined && range.from >= range.before)
    throw malformed([{ path: '/to', detail: 'must be later than from' }], 'The query');
  const clamp = (ms: number): number => Math.min(BOUNDS.before, Math.max(BOUNDS.from, ms));
  return { from: clamp(range.from), before: clamp(range.before) };
}

/** Where a page ends. Two rows of a currency have the same number when it comes back between two ticks. */
type Place = Pick<TickRow, 'seq' | 'at'>;

function cursorOf(last: Place | undefined): string | null {
  return last === undefined ? null : `${last.seq}.${last.at.getTime()}`;
}

function readCursor(cursor: string | undefined): Place | null {
  if (cursor === undefined) return null;
  const [seq = 0, atMs = 0] = cursor.split('.').map(Number);
  return { seq, at: new Date(Math.min(atMs, BOUNDS.before)) };
}

function tickView({ seq, rate, at }: TickRow): TickView {
  return { seq, rate, at: at.toISOString() };
}

function candleView({ openTime, ...candle }: CandleRow): CandleView {
  return { open_time: openTime.toISOString(), ...candle };
}
