/** Characters of a cell that are worth a column. */
const CELL_MAX = 64;

/** Columns that are set apart by two spaces, with a heading. Every text is cleaned. Ends with a line feed. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, ...rows.map((row) => row.map((cell) => clean(cell)))];
  const widths = headings.map((_, at) => Math.max(...lines.map((cells) => Bun.stringWidth(cells[at] ?? ''))));
  const draw = (cells: readonly string[]): string =>
    cells.map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - Bun.stringWidth(cell))).join('  ');
  return lines.map((cells) => `${draw(cells).trimEnd()}\n`).join('');
}

/** One line for each pair; those without a value are left out. */
export function pairs(rows: readonly (readonly [string, string | null])[]): string {
  const said = rows.filter((row): row is [string, string] => row[1] !== null);
  const wide = Math.max(...said.map(([name]) => name.length));
  return said.map(([name, value]) => `${name.padEnd(wide)}  ${clean(value, Number.POSITIVE_INFINITY)}\n`).join('');
}

/** JSON for programs. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** What others wrote must not move the cursor or turn the line around. */
export function clean(text: string, max = CELL_MAX): string {
  const harmless = text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '\u{FFFD}');
  return harmless.length > max ? `${harmless.slice(0, max - 1)}…` : harmless;
}

/** A time of the API, to the second: `2026-01-01 00:00:00Z`; `–` for none. */
export function moment(at: string | null): string {
  return at === null ? '–' : at.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}

/** In milliseconds, with the largest number of each that is said before the next one is easier to grasp. */
const UNITS = [
  { name: 's', ms: 1_000, max: 90 },
  { name: 'min', ms: 60_000, max: 90 },
  { name: 'h', ms: 3_600_000, max: 48 },
  { name: 'days', ms: 86_400_000, max: Number.POSITIVE_INFINITY },
] as const;

/** A time of the API against now, in the unit that says most: `3 h ago`, `in 2 days`. */
export function relative(at: string, nowMs: number): string {
  const ms = Date.parse(at) - nowMs;
  const span = Math.abs(ms);
  const unit = UNITS.find((one) => Math.round(span / one.ms) < one.max) ?? UNITS[3];
  const length = `${Math.round(span / unit.ms)} ${unit.name}`;
  return ms <= 0 ? `${length} ago` : `in ${length}`;
}
