/** Which rows of the market are shown, and in which order. */
import { ageOf, type Row } from './market';

/** The columns, in order. */
export const COLUMNS = ['symbol', 'name', 'rate', 'change', 'high', 'low', 'hour', 'age'] as const;

/** One of them. */
export type Column = (typeof COLUMNS)[number];

/** By which column, and which way. */
export interface Order {
  readonly column: Column;
  readonly up: boolean;
}

/** What somebody looks for in the table. It outlives a look at one currency. */
export interface TableView {
  readonly filter: string;
  readonly order: Order;
  /** From 0. */
  readonly page: number;
}

/** All of it, as one begins. */
export const WHOLE_TABLE: TableView = { filter: '', order: { column: 'symbol', up: true }, page: 0 };

/** Rows of one page of the table: what a browser draws again within one picture of the screen. */
export const PAGE_ROWS = 100;

/** Change over the points of the line in percent, or null when there is nothing to compare. */
export function hourChange({ points }: Row): number | null {
  const [first, last] = [points[0]?.[1], points.at(-1)?.[1]];
  return first === undefined || last === undefined || first === 0 || points.length < 2
    ? null
    : (last / first - 1) * 100;
}

/** Those whose symbol or name has the text in it, in order; rows without a value come last either way. */
export function arrange(rows: readonly Row[], filter: string, { column, up }: Order, language: string): readonly Row[] {
  const wanted = filter.trim().toLocaleLowerCase(language);
  const has = (text: string): boolean => text.toLocaleLowerCase(language).includes(wanted);
  const chosen = wanted === '' ? [...rows] : rows.filter(({ symbol, name }) => has(symbol) || has(name));
  const texts = new Intl.Collator(language);
  const sign = up ? 1 : -1;
  return chosen
    .map((row) => ({ row, value: sortedBy(row, column) }))
    .sort((a, b) => compare(a.value, b.value, sign, texts) || texts.compare(a.row.symbol, b.row.symbol))
    .map(({ row }) => row);
}

type Value = string | number | null;

function compare(a: Value, b: Value, sign: number, texts: Intl.Collator): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === 'string' || typeof b === 'string') return sign * texts.compare(String(a), String(b));
  return sign * (a - b);
}

function sortedBy(row: Row, column: Column): Value {
  switch (column) {
    case 'symbol':
      return row.symbol;
    case 'name':
      return row.name;
    case 'rate':
      return row.rate;
    case 'change':
      return row.change;
    case 'high':
      return row.high;
    case 'low':
      return row.low;
    case 'hour':
      return hourChange(row);
    case 'age':
      // All of one moment, so that it need not be now.
      return ageOf(row, 0) === null ? null : (row.ageMs ?? 0) - row.receivedMs;
  }
}
