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
