import type { Limit } from '../../kit/limit';
import { type Bucket, fullBucket, isFull } from './gcra';

/** The buckets of one policy, by key. */
export interface Buckets {
  /** The bucket of the key; a new one when there is none, or when its limit is another one now. */
  of(key: string, limit: Limit, nowMs: number): Bucket;
  /** The bucket of the key, or null while nothing was taken from it. */
  find(key: string): Bucket | null;
  size(): number;
}

/** Looked at for each new key when there is no room: so finding room costs the same however many there are. */
const LOOK = 32;

/**
 * At most `max` buckets, of about 150 bytes each. When there is no room, those that are full again go first; where none
 * of those looked at is, the one with least taken from it goes.
 */
export function createBuckets(max: number): Buckets {
  const buckets = new Map<string, Bucket>();
  const makeRoom = (nowMs: number): void => {
    let least: readonly [string, number] | null = null;
    let looked = 0;
    for (const [key, bucket] of buckets) {
      if (looked++ === LOOK) break;
      buckets.delete(key);
      if (isFull(bucket, nowMs)) continue;
      // Behind all others, so that the next look is at others.
      buckets.set(key, bucket);
      const taken = bucket.debt / (bucket.count * bucket.periodMs);
      if (least === null || taken < least[1]) least = [key, taken];
    }
    if (buckets.size >= max && least !== null) buckets.delete(least[0]);
  };
  return {
    of: (key, limit, nowMs) => {
      const known = buckets.get(key);
      if (known !== undefined && known.count === limit.count && known.periodMs === limit.periodMs) return known;
      if (known === undefined && buckets.size >= max) makeRoom(nowMs);
      const made = fullBucket(limit, nowMs);
      buckets.set(key, made);
      return made;
    },
    find: (key) => buckets.get(key) ?? null,
    size: () => buckets.size,
  };
}
