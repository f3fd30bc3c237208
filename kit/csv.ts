/** A row of comma-separated values (RFC 4180): objects as JSON text, null as nothing. */
export function csvRow(values: readonly unknown[]): string {
  return `${values.map(csvField).join(',')}\r\n`;
}

/** A spreadsheet takes what begins so for a formula; an apostrophe in front makes it text. */
const FORMULA = /^[=+\-@\t\r\n]/;

function csvField(value: unknown): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
