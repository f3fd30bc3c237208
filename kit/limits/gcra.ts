import type { Limit } from '../limit';

/** What is left of a limit after a request. */
export interface Level {
  readonly allowed: boolean;
  /** Requests that may come at once. */
  readonly remaining: number;
  /** Until all of them may come at once again, in ms. */
  readonly resetMs: number;
  /** Until the next one may come, in ms; 0: now. */
  readonly retryAfterMs: number;
}

/**
 * The state of one key. `debt` is what was taken and is not yet given back, in ms times `count`: with whole numbers only,
 * nothing is lost by rounding. The largest limit, ten times 9,999,999 a day, stays below 2^53.
 */
export interface Bucket {
  count: number;
  periodMs: number;
  debt: number;
  atMs: number;
}

/** Takes one request from the bucket if it is allowed (generic cell rate algorithm, ITU-T I.371). */
export function take(bucket: Bucket, nowMs: number): Level {
  settle(bucket, nowMs);
  if (bucket.debt + bucket.periodMs > capacity(bucket)) return levelOf(bucket, false);
  bucket.debt += bucket.periodMs;
  return levelOf(bucket, true);
}

/** Looks at the bucket without taking anything: is one allowed now? */
export function look(bucket: Bucket, nowMs: number): Level {
  settle(bucket, nowMs);
  return levelOf(bucket, bucket.debt + bucket.periodMs <= capacity(bucket));
}

/** One more of the longest period is still a whole number. */
const DEBT_MAX = Number.MAX_SAFE_INTEGER - 86_400_000;

/** Takes one whether it is allowed or not; what goes beyond the limit is paid back too, up to as much again. */
export function charge(bucket: Bucket, nowMs: number): void {
  settle(bucket, nowMs);
  bucket.debt = Math.min(bucket.debt + bucket.periodMs, 2 * capacity(bucket), DEBT_MAX);
}

/** A bucket of which nothing was taken. */
export function fullBucket({ count, periodMs }: Limit, nowMs: number): Bucket {
  return { count, periodMs, debt: 0, atMs: nowMs };
}

/** True when nothing is taken any more, so that the bucket may be forgotten. */
export function isFull(bucket: Bucket, nowMs: number): boolean {
  settle(bucket, nowMs);
  return bucket.debt === 0;
}

/** Gives back what time has given back. A clock that was set back gives nothing, and goes on from there. */
function settle(bucket: Bucket, nowMs: number): void {
  const passedMs = Math.max(0, nowMs - bucket.atMs);
  bucket.debt = Math.max(0, bucket.debt - passedMs * bucket.count);
  bucket.atMs = nowMs;
}

function capacity({ count, periodMs }: Bucket): number {
  return count * periodMs;
}

/** What a bucket says of the time it was last settled. */
export function levelOf(bucket: Bucket, allowed: boolean): Level {
  const { count, periodMs, debt } = bucket;
  const left = count * periodMs - debt;
  return {
    allowed,
    remaining: Math.max(0, Math.floor(left / periodMs)),
    resetMs: debt / count,
    retryAfterMs: Math.max(0, (periodMs - left) / count),
  };
}
