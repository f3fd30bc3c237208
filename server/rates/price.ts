// Prices as text: US dollars, plain decimals, as `numeric` columns and people write them.

/** What a double carries exactly, whatever the digits. */
export const SIGNIFICANT_DIGITS_MAX = 15;

/** Rates beyond these bounds leave the digits that a walk keeps, or are no price of anything. US dollars. */
export const RATE_MIN = 1e-9;
export const RATE_MAX = 1e12;

/** A number as a plain decimal: 6.1e-7 → 0.00000061. */
export function decimal(value: number): string {
  const [digits = '', exponent] = String(value).split('e');
  return exponent === undefined ? digits : `0.${'0'.repeat(-Number(exponent) - 1)}${digits.replace('.', '')}`;
}

/** What somebody else says a price is, at most 15 significant digits of it; null: it is no price. */
export function readPrice(given: unknown): string | null {
  if (typeof given !== 'string' || !/^\d{1,13}(?:\.\d{1,30})?$/.test(given)) return null;
  const value = Number(Number(given).toPrecision(SIGNIFICANT_DIGITS_MAX));
  return value >= RATE_MIN && value <= RATE_MAX ? decimal(value) : null;
}
