/** So many requests in so long a time, in milliseconds; as many may come at once. */
export interface Limit {
  readonly count: number;
  readonly periodMs: number;
}

/**
 * Counts one more request against a limit, at once where nothing has to be asked. @returns headers for the answer, such as
 * `RateLimit`. @throws Problem 429 when it is one too many.
 */
export type Take<T> = (whose: T) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;

const PERIOD_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const LIMIT = /^([1-9]\d{0,6})\/([smhd])$/;

/** `100/s`, `10/m`, `30/h`, `1000/d` → the limit; null for any other text. */
export function parseLimit(text: string): Limit | null {
  const [, count, unit] = LIMIT.exec(text) ?? [];
  return count === undefined ? null : { count: Number(count), periodMs: PERIOD_MS[unit as keyof typeof PERIOD_MS] };
}
