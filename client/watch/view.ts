import type { SeenRate } from '../rates/model';
import { clean, formatChange, formatRate, paint, type Tone } from '../rates/table';
import { sparkline } from './sparkline';
import { HISTORY_MAX, type Row, type Sort, shownRows, type WatchState } from './state';

/** How many columns and lines there are. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What is known of the source of the rates, in words. */
export interface Connection {
  readonly tone: 'good' | 'wait' | 'bad';
  /** `Live`, `Reconnecting in 3 s`. */
  readonly text: string;
  /** Age of the rates in milliseconds; null: there are none. */
  readonly ageMs: number | null;
  /** What is wrong; empty: nothing. */
  readonly trouble: string;
}

/** What a frame is made of, beside what the keys have made of it. */
export interface FrameOptions {
  readonly size: Size;
  readonly connection: Connection;
  /** Where the rates come from. */
  readonly source: string;
  readonly colour: boolean;
}

interface Column {
  readonly sort: Sort | null;
  readonly heading: string;
  readonly width: number;
  readonly right: boolean;
  readonly cell: (row: Row) => readonly [text: string, tone: Tone | null];
  /** The higher, the sooner it gives way on a narrow screen; 0: never. */
  readonly yields: number;
}

/** Lines that are no rates: title, notice, headings, keys. */
const FRAME_LINES = 4;

/** Fewer columns or lines than these show nothing of use. */
const LEAST: Size = { columns: 26, rows: FRAME_LINES + 1 };

const UNKNOWN = ['–', 'dim'] as const;

const price = (read: (rate: SeenRate) => number | undefined): Column['cell'] => {
  return ({ rate }) => {
    const value = read(rate);
    return value === undefined ? UNKNOWN : [formatRate(value), null];
  };
};
const percent = (value: number | null | undefined): readonly [string, Tone | null] => {
  if (value === null || value === undefined) return UNKNOWN;
  const text = formatChange(value);
  return [text, text.startsWith('▲') ? 'up' : text.startsWith('▼') ? 'down' : 'dim'];
};

const COLUMNS: readonly Column[] = [
  { sort: 'symbol', heading: 'Symbol', width: 8, right: false, yields: 0, cell: ({ rate }) => [rate.symbol, 'bold'] },
  { sort: 'name', heading: 'Name', width: 14, right: false, yields: 5, cell: ({ rate }) => [rate.name ?? '', null] },
  { sort: 'rate', heading: 'Rate USD', width: 12, right: true, yields: 0, cell: price(({ rate }) => rate) },
  { sort: 'change', heading: 'Change', width: 11, right: true, yields: 1, cell: ({ change }) => percent(change) },
  { sort: 'day', heading: '24 h', width: 11, right: true, yields: 3, cell: ({ rate }) => percent(rate.change_24h) },
  { sort: 'high', heading: 'High', width: 12, right: true, yields: 6, cell: price(({ high_24h }) => high_24h) },
  { sort: 'low', heading: 'Low', width: 12, right: true, yields: 7, cell: price(({ low_24h }) => low_24h) },
  { sort: null, heading: 'Trend', width: HISTORY_MAX, right: false, yields: 2, cell: trend },
  { sort: 'updated', heading: 'UTC', width: 8, right: true, yields: 4, cell: ({ rate }) => [timeOf(rate), 'dim'] },
];

const GAP = '  ';

/** Rates that fit on a screen of so many lines. */
export function pageSize({ rows }: Size): number {
  return Math.max(1, rows - FRAME_LINES);
}

/** The whole screen: as many lines as it has, none wider than it is. */
export function renderFrame(state: WatchState, options: FrameOptions): readonly string[] {
  const { size } = options;
  const lines =
    size.columns < LEAST.columns || size.rows < LEAST.rows ? ['The window is too small.'] : wholeFrame(state, options);
  const filled = [...lines, ...Array<string>(Math.max(0, size.rows - lines.length)).fill('')].slice(0, size.rows);
  return filled.map((line) => cutTo(line, size.columns));
}

function wholeFrame(state: WatchState, options: FrameOptions): readonly string[] {
  const { size, colour } = options;
  const page = pageSize(size);
  const rows = shownRows(state);
  const body = state.help ? HELP.map((line) => `  ${line}`) : tableOf(rows, state, page, options);
  const padded = [...body, ...Array<string>(page + 1).fill('')].slice(0, page + 1);
  const keys = state.typing ? KEYS_TYPING : state.help ? KEYS_HELP : KEYS;
  return [titleOf(state, rows.length, options), noticeOf(state, options), ...padded, paint(keys, 'dim', colour)];
}

function titleOf(state: WatchState, count: number, { connection, source, colour }: FrameOptions): string {
  const { tone, text, ageMs } = connection;
  const sign = paint(`● ${text}`, ({ good: 'up', wait: 'bold', bad: 'down' } as const)[tone], colour);
  const all = (state.paused?.rows ?? state.rows).length;
  const shown = count === all ? `${all} rates` : `${count} of ${all} rates`;
  const parts = [sign, shown, ...(ageMs === null ? [] : [`${ageWords(ageMs)} old`]), clean(source)];
  return `${paint('crypto-client', 'bold', colour)}  ${parts.join(' · ')}`;
}

function noticeOf({ typing, filter, paused }: WatchState, { connection, colour }: FrameOptions): string {
  const notices = [
    ...(typing || filter !== '' ? [`Filter: ${filter}${typing ? '▏' : ''}`] : []),
    ...(paused === null ? [] : [`Paused, ${paused.waiting} ${paused.waiting === 1 ? 'update waits' : 'updates wait'}`]),
  ];
  const trouble = connection.trouble.replace(/\p{Cc}/gu, ' ');
  const said = notices.map((notice) => paint(notice, 'bold', colour));
  return [...said, ...(trouble === '' ? [] : [paint(trouble, 'down', colour)])].join('  ');
}

/** Headings and the rows from the top on. */
function tableOf(rows: readonly Row[], state: WatchState, page: number, { size, colour }: FrameOptions): string[] {
  const columns = columnsFor(size.columns);
  const { sort, descending } = state;
  const headings = columns.map((column) => {
    const sorted = column.sort === sort;
    const text = sorted ? `${column.heading} ${descending ? '↓' : '↑'}` : column.heading;
    return cellOf(text, sorted ? 'bold' : 'dim', column, colour);
  });
  const top = Math.max(0, Math.min(state.top, rows.length - page));
  const lines = rows.slice(top, top + page).map((row) =>
    columns.map((column) => {
      const [text, tone] = column.cell(row);
      return cellOf(text, tone, column, colour);
    }),
  );
  const empty = rows.length > 0 ? [] : [state.rows.length === 0 ? 'No rates yet.' : 'No rate fits the filter.'];
  return [headings, ...lines].map((cells) => cells.join(GAP).trimEnd()).concat(empty);
}

/** The columns that fit beside each other; those that yield first are left out first. */
function columnsFor(width: number): readonly Column[] {
  const byWeight = COLUMNS.toSorted((one, other) => one.yields - other.yields);
  let [left, full] = [width + GAP.length, false];
  const kept = new Set<Column>();
  for (const column of byWeight) {
    const needed = column.width + GAP.length;
    full ||= needed > left;
    if (full) continue;
    kept.add(column);
    left -= needed;
  }
  return COLUMNS.filter((column) => kept.has(column));
}

function cellOf(text: string, tone: Tone | null, { width, right }: Column, colour: boolean): string {
  const whole = clean(text);
  const cut = Bun.stringWidth(whole) > width ? `${cutTo(whole, width - 1)}…` : whole;
  const space = ' '.repeat(Math.max(0, width - Bun.stringWidth(cut)));
  const drawn = tone === null ? cut : paint(cut, tone, colour);
  return right ? `${space}${drawn}` : `${drawn}${space}`;
}

/** So much of the text as has room. A wide character that only half of has room would be let through by the slice. */
function cutTo(text: string, columns: number): string {
  const cut = Bun.sliceAnsi(text, 0, columns);
  return Bun.stringWidth(cut) > columns ? Bun.sliceAnsi(text, 0, columns - 1) : cut;
}

function trend({ history }: Row): readonly [string, Tone | null] {
  const [first = 0, last = 0] = [history[0], history.at(-1)];
  return [sparkline(history, HISTORY_MAX), last > first ? 'up' : last < first ? 'down' : 'dim'];
}

function timeOf({ updated_at }: SeenRate): string {
  const ms = Date.parse(updated_at ?? '');
  return Number.isNaN(ms) ? '–' : new Date(ms).toISOString().slice(11, 19);
}

function ageWords(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
}

const KEYS = 'q quit   / filter   s ← → sort   r reverse   p pause   ↑ ↓ scroll   ? help';
const KEYS_TYPING = 'Type a part of a symbol or a name. Enter keeps the filter, Esc takes it away.';
const KEYS_HELP = 'Any key goes back.';

const HELP = [
  '',
  's → ←       sort by the next column, or the one before',
  'r           turn the order round',
  '/           show only what has this text in its symbol or name',
  'p           hold the view still, or let it go on',
  '↑ ↓         scroll by a line; Page Up, Page Down, Home, End by more',
  'Ctrl-L      draw everything anew',
  'Ctrl-Z      leave it in the background; fg brings it back',
  'q Esc       quit; Ctrl-C too',
  '',
  'Change is against the update before, Trend the last twenty updates.',
];
