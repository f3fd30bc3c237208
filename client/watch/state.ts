import type { SeenRate } from '../rates/model';
import type { Key } from './keys';

/** Rates that a row remembers: as many as its line of blocks is wide. */
export const HISTORY_MAX = 20;

/** What the table may be sorted by, in the order of its columns. */
const SORTS = ['symbol', 'name', 'rate', 'change', 'day', 'high', 'low', 'updated'] as const;

/** One of {@link SORTS}. */
export type Sort = (typeof SORTS)[number];

/** A currency as it is watched. */
export interface Row {
  readonly rate: SeenRate;
  /** Percent against the rate before; null until there was one. */
  readonly change: number | null;
  /** Oldest first. */
  readonly history: readonly number[];
}

/** All that the screen shows, and what the keys have made of it. */
export interface WatchState {
  readonly rows: readonly Row[];
  /** The rows while the view is paused; null: it is not. */
  readonly paused: { readonly rows: readonly Row[]; readonly waiting: number } | null;
  readonly sort: Sort;
  readonly descending: boolean;
  readonly filter: string;
  /** True while the filter is typed. */
  readonly typing: boolean;
  readonly help: boolean;
  /** Rows above the first one that is shown; more than there are count as all. */
  readonly top: number;
}

/** Nothing is known yet. */
export const EMPTY: WatchState = {
  rows: [],
  paused: null,
  sort: 'symbol',
  descending: false,
  filter: '',
  typing: false,
  help: false,
  top: 0,
};

/** Longest filter; names are at most twice as long. */
const FILTER_MAX = 40;

/** The state with new rates. While it is paused they wait. */
export function withRates(state: WatchState, rates: readonly SeenRate[]): WatchState {
  const known = new Map(state.rows.map((row) => [row.rate.symbol, row]));
  const rows = rates.map((rate) => rowOf(rate, known.get(rate.symbol)));
  const { paused } = state;
  return { ...state, rows, paused: paused === null ? null : { ...paused, waiting: paused.waiting + 1 } };
}

function rowOf(rate: SeenRate, before: Row | undefined): Row {
  if (before === undefined) return { rate, change: null, history: [rate.rate] };
  const old = before.rate.rate;
  const change = old === 0 ? null : ((rate.rate - old) / old) * 100;
  return { rate, change, history: [...before.history, rate.rate].slice(-HISTORY_MAX) };
}

/** The state after a key; null: the person wants to leave. `page`: rows that are shown at a time. */
export function pressed(state: WatchState, key: Key, page: number): WatchState | null {
  if (key === 'interrupt') return null;
  if (state.typing) return typed(state, key);
  if (state.help) return key === 'q' ? null : { ...state, help: false };
  switch (key) {
    case 'q':
    case 'escape':
      return null;
    case '?':
      return { ...state, help: true };
    case '/':
      return { ...state, typing: true, top: 0 };
    case 'p':
      return { ...state, paused: state.paused === null ? { rows: state.rows, waiting: 0 } : null };
    case 's':
    case 'right':
      return sorted(state, 1);
    case 'left':
      return sorted(state, -1);
    case 'r':
      return { ...state, descending: !state.descending };
    default:
      return scrolled(state, key, page);
  }
}

/** The rows to show: those that fit the filter, in order. */
export function shownRows({ rows, paused, filter, sort, descending }: WatchState): readonly Row[] {
  const wanted = filter.toLowerCase();
  const fits = ({ rate: { symbol, name = '' } }: Row): boolean =>
    symbol.toLowerCase().includes(wanted) || name.toLowerCase().includes(wanted);
  const sign = descending ? -1 : 1;
  // What is not known comes last, whichever way the rest is sorted.
  return (paused?.rows ?? rows).filter(fits).toSorted((one, other) => {
    const [a, b] = [sortValue(one, sort), sortValue(other, sort)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * (typeof a === 'string' ? a.localeCompare(String(b), 'en') : a - Number(b));
  });
}

function sortValue({ rate, change }: Row, sort: Sort): string | number | null {
  switch (sort) {
    case 'symbol':
      return rate.symbol;
    case 'name':
      return rate.name ?? null;
    case 'rate':
      return rate.rate;
    case 'change':
      return change;
    case 'day':
      return rate.change_24h ?? null;
    case 'high':
      return rate.high_24h ?? null;
    case 'low':
      return rate.low_24h ?? null;
    case 'updated':
      return rate.updated_at ?? null;
  }
}

/** Names are read from A, and numbers from the largest. */
function sorted(state: WatchState, step: number): WatchState {
  const at = (SORTS.indexOf(state.sort) + step + SORTS.length) % SORTS.length;
  const sort = SORTS[at] ?? 'symbol';
  return { ...state, sort, descending: sort !== 'symbol' && sort !== 'name', top: 0 };
}

function scrolled(state: WatchState, key: Key, page: number): WatchState {
  const last = Math.max(0, shownRows(state).length - page);
  const steps: Partial<Record<Key, number>> = {
    up: -1,
    down: 1,
    'page-up': -page,
    'page-down': page,
    home: -last,
    end: last,
  };
  const from = Math.min(state.top, last);
  return { ...state, top: Math.max(0, Math.min(last, from + (steps[key] ?? 0))) };
}

function typed(state: WatchState, key: Key): WatchState {
  switch (key) {
    case 'enter':
      return { ...state, typing: false };
    case 'escape':
      return { ...state, typing: false, filter: '' };
    case 'backspace':
      return { ...state, filter: [...state.filter].slice(0, -1).join('') };
    default:
      return [...key].length === 1 && state.filter.length < FILTER_MAX
        ? { ...state, filter: state.filter + key }
        : state;
  }
}
