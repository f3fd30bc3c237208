import type { SeenRate } from './model';

/** How a table is drawn. */
export interface TableOptions {
  readonly colour: boolean;
}

/** How a text stands out: green, red, faint, bold. */
export type Tone = keyof typeof TONES;

interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

/** SGR sequences of ECMA-48: green, red, faint, bold. */
const TONES = { up: '32', down: '31', dim: '2', bold: '1' } as const;

const HEADINGS = ['Symbol', 'Name', 'Rate USD', 'Change', '24 h', 'Time UTC'];

/** Columns of text are set to the left, those of numbers to the right. */
const IS_NUMBER = [false, false, true, true, true, false];

const GAP = '  ';

/**
 * Rates as an aligned table with a heading: symbol, name, rate, change against the rates shown before (with an arrow),
 * change over 24 hours, time of the last change. Ends with a line feed.
 */
export function renderTable(
  rates: readonly SeenRate[],
  before: readonly SeenRate[] | null,
  { colour }: TableOptions,
): string {
  const old = new Map(before?.map(({ symbol, rate }) => [symbol, rate]));
  const heading = HEADINGS.map((text): Cell => ({ text, tone: 'dim' }));
  const lines = [heading, ...rates.map((rate) => cellsOf(rate, old.get(rate.symbol)))];
  const widths = HEADINGS.map((_, at) => Math.max(...lines.map((cells) => Bun.stringWidth(cells[at]?.text ?? ''))));
  const draw = (cells: readonly Cell[]): string =>
    cells.map((cell, at) => drawCell(cell, widths[at] ?? 0, IS_NUMBER[at] === true, colour)).join(GAP);
  return `${lines.map((cells) => draw(cells).trimEnd()).join('\n')}\n`;
}

/** Rates as one line of JSON for programs: `{"at","rates"}`. Ends with a line feed. */
export function renderLine(rates: readonly SeenRate[], nowMs: number): string {
  return `${JSON.stringify({ at: new Date(nowMs).toISOString(), rates })}\n`;
}

/** A rate with digits to suit its size: `44,997.11`, `7.2013`, `0.080112`. */
export function formatRate(rate: number): string {
  const digits = rate >= 100 ? 2 : rate >= 1 ? 4 : 6;
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  // A coin far below a cent would be all zeros.
  if (rate !== 0 && Math.abs(rate) < 0.0001) return rate.toPrecision(4);
  return rate.toLocaleString('en-US', format);
}

/** A change in percent with its arrow: `▲ +0.21 %`, `▼ −0.02 %`, `  0.00 %`; null for none known. */
export function formatChange(percent: number): string {
  const rounded = Math.round(percent * 100) / 100;
  if (rounded === 0) return '0.00 %';
  return rounded > 0 ? `▲ +${rounded.toFixed(2)} %` : `▼ −${Math.abs(rounded).toFixed(2)} %`;
}

function cellsOf(rate: SeenRate, old: number | undefined): readonly Cell[] {
  const change = old === undefined || old === 0 ? undefined : ((rate.rate - old) / old) * 100;
  return [
    { text: clean(rate.symbol), tone: 'bold' },
    { text: clean(rate.name ?? '') },
    { text: formatRate(rate.rate) },
    changeCell(change),
    changeCell(rate.change_24h),
    { text: timeOf(rate.updated_at), tone: 'dim' },
  ];
}

function changeCell(percent: number | undefined): Cell {
  if (percent === undefined || !Number.isFinite(percent)) return { text: '–', tone: 'dim' };
  const text = formatChange(percent);
  return { text, tone: text.startsWith('▲') ? 'up' : text.startsWith('▼') ? 'down' : 'dim' };
}

function drawCell({ text, tone }: Cell, width: number, right: boolean, colour: boolean): string {
  const space = ' '.repeat(width - Bun.stringWidth(text));
  const drawn = tone === undefined ? text : paint(text, tone, colour);
  return right ? `${space}${drawn}` : `${drawn}${space}`;
}

/** The text in its tone, unless the person wants no colours. */
export function paint(text: string, tone: Tone, colour: boolean): string {
  return colour ? `\u001b[${TONES[tone]}m${text}\u001b[0m` : text;
}

/** The server's words must not move the cursor, nor fill the line. */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 40);
}

function timeOf(updatedAt: string | undefined): string {
  const ms = Date.parse(updatedAt ?? '');
  return Number.isNaN(ms) ? '–' : new Date(ms).toISOString().slice(11, 19);
}
