import type { DayRow } from './candle-store';
import { type DayFigures, dayFigures, widen } from './day';
import { openOf, type Range } from './pieces';
import type { MarketState } from './store';

/** Figures by currency id. */
export type Figures = ReadonlyMap<number, DayFigures>;

/** The 24 hours that the figures are of, kept up to date from state to state. They move by the minute, as the candles do. */
export interface DayWindow {
  /** The figures with this state. Asks the database where what is known does not lead up to it. */
  advance(state: MarketState): Promise<Figures>;
  /** Reads what the next minute begins with, once a minute, so that its first tick need not wait for it. */
  lookAhead(): Promise<void>;
}

/** Where figures are read. */
export interface DayStore {
  day(window: Range): Promise<readonly DayRow[]>;
}

interface Known {
  readonly from: number;
  readonly figures: Figures;
}

const MINUTE_MS = 60 * 1000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** The window of one market. */
export function createDayWindow(store: DayStore): DayWindow {
  let last: MarketState | null = null;
  let current: Known | null = null;
  let ahead: Known | null = null;
  let steady = false;

  const read = async (from: number, state: MarketState): Promise<Known> => {
    const rows = new Map((await store.day({ from, before: from + DAY_MS + MINUTE_MS })).map((row) => [row.id, row]));
    const figures = state.currencies.map(({ id, rate }) => [id, dayFigures(rows.get(id), Number(rate))] as const);
    return { from, figures: new Map(figures) };
  };
  return {
    advance: async (state) => {
      const from = openOf(state.tickedAt?.getTime() ?? 0, 1) - DAY_MS;
      const follows = last !== null && isNext(state, last);
      const stays = follows && current?.from === from;
      const known = stays ? current : follows && ahead?.from === from ? ahead : null;
      const coming = stays && ahead !== null ? widened(ahead, state) : null;
      current = known === null ? await read(from, state) : widened(known, state);
      [last, ahead, steady] = [state, coming, stays];
      return current.figures;
    },
    lookAhead: async () => {
      if (!steady || ahead !== null || current === null || last === null) return;
      ahead = await read(current.from + MINUTE_MS, last);
    },
  };
}

/** What lies between two ticks, or in the history of a currency that comes, only the database knows. */
function isNext(state: MarketState, last: MarketState): boolean {
  return state.seq === last.seq + 1 && state.catalogueVersion === last.catalogueVersion;
}

/** Within one window, the running rates alone can widen the figures. */
function widened({ from, figures }: Known, { currencies }: MarketState): Known {
  const wider = currencies.map(({ id, rate }) => {
    const before = figures.get(id);
    return [id, before === undefined ? dayFigures(undefined, Number(rate)) : widen(before, Number(rate))] as const;
  });
  return { from, figures: new Map(wider) };
}
