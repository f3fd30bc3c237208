import type { Clock } from '../ports';

/** What calls to one server came to; times in milliseconds. */
export interface Record {
  /** Counts a success that began then, on the clock that never steps. */
  succeed(beganElapsedMs: number): void;
  /** Counts a failure. @returns how many there were in a row. */
  fail(reason: string): number;
  /** How long answers take of late; null: there were none. */
  latencyMs(): number | null;
  /** Since the epoch; null: there was no success. */
  lastOkAtMs(): number | null;
  /** The last failure, unless there was a success since. */
  failure(): { readonly reason: string; readonly elapsedMs: number } | null;
}

/** How much of the mean latency one new call is. */
const NEWEST_SHARE = 0.2;

/** An empty record. */
export function createRecord(clock: Clock): Record {
  let latencyMs: number | null = null;
  let lastOkAtMs: number | null = null;
  let failure: { readonly reason: string; readonly elapsedMs: number; readonly count: number } | null = null;
  return {
    succeed(beganElapsedMs) {
      const tookMs = clock.elapsed() - beganElapsedMs;
      latencyMs = latencyMs === null ? tookMs : latencyMs + (tookMs - latencyMs) * NEWEST_SHARE;
      lastOkAtMs = clock.now();
      failure = null;
    },
    fail(reason) {
      failure = { reason, elapsedMs: clock.elapsed(), count: (failure?.count ?? 0) + 1 };
      return failure.count;
    },
    latencyMs: () => latencyMs,
    lastOkAtMs: () => lastOkAtMs,
    failure: () => failure,
  };
}
