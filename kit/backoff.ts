/** First pause after a failure, in milliseconds; it doubles with each further one. */
export const BACKOFF_FIRST_MS = 1_000;

/** Longest pause of our own making: a server that comes back is noticed within a minute. */
export const BACKOFF_MAX_MS = 60_000;

/** Longest pause a server may ask for: a mistaken `Retry-After` of years must not silence the client. */
export const RETRY_AFTER_MAX_MS = 3_600_000;

/** Share of an asked-for pause that is added at random, so that all clients do not return at the same instant. */
const RETRY_AFTER_SPREAD = 0.1;

/**
 * The pause before the next attempt, in milliseconds: half of the doubling ceiling plus a random half, and never less
 * than what the server asked for.
 * @param random a number in [0, 1)
 * @param failures how many attempts have failed in a row, 1 or more
 * @param askedMs what `Retry-After` said, or null
 */
export function backoffMs(failures: number, askedMs: number | null, random: () => number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
  const own = ceiling * (0.5 + random() / 2);
  if (askedMs === null) return own;
  return Math.max(own, Math.min(askedMs, RETRY_AFTER_MAX_MS) * (1 + random() * RETRY_AFTER_SPREAD));
}

/** `Retry-After` (RFC 9110 §10.2.3), in seconds or as a date → milliseconds from now, 0 or more; null when unusable. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000;
  // A date always names its month; without this, `Date.parse` would take '-5' and the like for years.
  const at = /^[A-Z][a-z]+,? .*\d{2}:\d{2}:\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
