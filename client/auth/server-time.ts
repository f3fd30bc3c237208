import type { Clock } from '../ports';

/** Differences below this, in milliseconds, are no reason for a refusal: servers allow for more. */
export const SKEW_MIN_MS = 5_000;

/** The time as a server sees it, for what is dated and judged there: assertions and proofs. */
export interface ServerTime extends Pick<Clock, 'now'> {
  /**
   * Takes the time of an answer that refuses something dated (RFC 9110 §6.6.1).
   * @returns whether it is another one than was thought, so that the same, dated anew, may be taken.
   */
  learn(response: Response): boolean;
  /** Back to the time of this machine: the other one did not help. */
  forget(): void;
}

/** This machine's own time until a refusal shows that the server has another one. */
export function createServerTime({ now }: Pick<Clock, 'now'>): ServerTime {
  let aheadMs = 0;
  return {
    now: () => now() + aheadMs,
    learn(response) {
      const date = Date.parse(response.headers.get('date') ?? '');
      if (Number.isNaN(date) || Math.abs(date - now() - aheadMs) < SKEW_MIN_MS) return false;
      aheadMs = date - now();
      return true;
    },
    forget() {
      aheadMs = 0;
    },
  };
}
