import { Problem } from '../../kit/http/problem';
import type { Limit } from '../../kit/limit';
import { addressGroup } from '../../kit/limits/address';
import { createBuckets } from '../../kit/limits/buckets';
import { charge, fullBucket, look } from '../../kit/limits/gcra';
import type { Clock } from '../ports';

/** Wrong passwords from one address. */
const LIMIT_ADDRESS: Limit = { count: 10, periodMs: 60_000 };

/** Wrong passwords from everywhere: ten addresses' worth, so that many of them together guess no faster. */
export const LIMIT_ALL: Limit = { count: 100, periodMs: 60_000 };

/** Addresses that are remembered, of some 150 bytes each. Within {@link LIMIT_ALL}, no more than 200 can have failed lately. */
const ADDRESSES_MAX = 1_000;

/** Slows down who guesses the password. */
export interface Attempts {
  /** Before anything is compared: a right password is refused too, or guessing would go on. Null: go on. */
  refusal(address: string): Problem | null;
  /** After a wrong password. */
  count(address: string): void;
}

/** Nobody has failed yet. */
export function createAttempts(clock: Pick<Clock, 'elapsed'>): Attempts {
  const addresses = createBuckets(ADDRESSES_MAX);
  const all = fullBucket(LIMIT_ALL, clock.elapsed());
  return {
    refusal: (address) => {
      const nowMs = clock.elapsed();
      const own = addresses.find(addressGroup(address)) ?? fullBucket(LIMIT_ADDRESS, nowMs);
      const waitMs = Math.max(look(own, nowMs).retryAfterMs, look(all, nowMs).retryAfterMs);
      return waitMs > 0 ? tooMany(Math.max(1, Math.ceil(waitMs / 1000))) : null;
    },
    count: (address) => {
      const nowMs = clock.elapsed();
      charge(addresses.of(addressGroup(address), LIMIT_ADDRESS, nowMs), nowMs);
      charge(all, nowMs);
    },
  };
}

function tooMany(seconds: number): Problem {
  const detail = `The password was wrong too often. Try again in ${seconds} s.`;
  return new Problem(429, 'Too Many Requests', detail, { 'retry-after': String(seconds) });
}
