import type { Limit } from '../limit';
import { type Bucket, fullBucket, isFull } from './gcra';

/** The buckets of one policy, by key. */
export interface Buckets {
  /** The bucket of the key; a new one when there is none, or when its limit is another one now. */
  of(key: string, limit: Limit, nowMs: number): Bucket;
  /** The bucket of the key, or null while nothing was taken from it. */
  find(key: string): Bucket | null;
  /** Drops some of those that are full again, if there are any. */
  tidy(nowMs: number): void;
  size(): number;
}

/** Looked at for each new key when there is no room: so finding room costs the same however many there are. */
const LOOK = 32;

/** Looked at otherwise: two for each that comes, so that those that are full again go sooner than others come. */
const TIDY = 2;

/**
 * At most `max` buckets, of about 150 bytes each; those that are full again go by and by. When there is no room and none of
 * those looked at is full, the one with least taken from it goes.
 */
export function createBuckets(max: number): Buckets {
  const buckets = new Map<string, Bucket>();
  /** Drops those of the next ones that are full. @returns the key of the one with least taken from it; null: all were. */
  const sweep = (looks: number, nowMs: number): string | null => {
    let least: { readonly key: string; readonly taken: number } | null = null;
    for (const [key, bucket] of buckets.entries().take(looks)) {
      buckets.delete(key);
      if (isFull(bucket, nowMs)) continue;
      // Behind all others, so that the next look is at others.
      buckets.set(key, bucket);
      const taken = bucket.debt / (bucket.count * bucket.periodMs);
      if (least === null || taken < least.taken) least = { key, taken };
    }
    return least?.key ?? null;
  };
  const makeRoom = (nowMs: number): void => {
    const least = sweep(LOOK, nowMs);
    if (buckets.size >= max && least !== null) buckets.delete(least);
  };
  return {
    of: (key, limit, nowMs) => {
      const known = buckets.get(key);
      if (known !== undefined && known.count === limit.count && known.periodMs === limit.periodMs) return known;
      if (known === undefined && buckets.size >= max) makeRoom(nowMs);
      else sweep(TIDY, nowMs);
      const made = fullBucket(limit, nowMs);
      buckets.set(key, made);
      return made;
    },
    find: (key) => buckets.get(key) ?? null,
    tidy: (nowMs) => void sweep(TIDY, nowMs),
    size: () => buckets.size,
  };
}
