// Exact arithmetic, against a model in whole numbers that keeps the theoretical arrival time; and what an address counts as.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { addressGroup } from './address';
import { createBuckets } from './buckets';
import { charge, fullBucket, look, take } from './gcra';

/** GCRA by its definition: a cell conforms if it is not earlier than its theoretical arrival time minus the tolerance. */
function createModel(count: number, periodMs: number) {
  const [n, period] = [BigInt(count), BigInt(periodMs)];
  let arrival = 0n; // in ms times count
  return {
    take: (nowMs: number): boolean => {
      const now = BigInt(nowMs) * n;
      const next = (arrival > now ? arrival : now) + period;
      if (next - now > period * n) return false;
      arrival = next;
      return true;
    },
    remaining: (nowMs: number): number => {
      const now = BigInt(nowMs) * n;
      const taken = arrival > now ? arrival - now : 0n;
      return Number((period * n - taken) / period);
    },
  };
}

describe('GCRA', () => {
  const limits = fc.record({
    count: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 9_999_999 })),
    periodMs: fc.constantFrom(1_000, 60_000, 3_600_000, 86_400_000),
  });
  const pauses = fc.array(
    fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 100_000_000 })),
    {
      maxLength: 60,
    },
  );

  test('allows exactly what the definition allows, at any time and with any limit', () => {
    fc.assert(
      fc.property(limits, pauses, (limit, waits) => {
        let nowMs = 1_767_225_600_000;
        const bucket = fullBucket(limit, nowMs);
        const model = createModel(limit.count, limit.periodMs);
        for (const wait of waits) {
          nowMs += wait;
          const level = take(bucket, nowMs);
          expect(level.allowed).toBe(model.take(nowMs));
          expect(level.remaining).toBe(model.remaining(nowMs));
          if (!level.allowed) {
            const allowedAt = nowMs + level.retryAfterMs;
            expect(look({ ...bucket }, Math.ceil(allowedAt)).allowed).toBe(true);
            expect(look({ ...bucket }, Math.ceil(allowedAt) - 1).allowed).toBe(false);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('20 a second: 20 at once, then one every 50 ms', () => {
    const bucket = fullBucket({ count: 20, periodMs: 1_000 }, 0);
    const allowed = (nowMs: number) => take(bucket, nowMs).allowed;
    expect(Array.from({ length: 20 }, () => allowed(0))).toEqual(Array(20).fill(true));
    expect([allowed(0), allowed(49), allowed(50), allowed(50), allowed(100)]).toEqual([
      false,
      false,
      true,
      false,
      true,
    ]);
    expect(Array.from({ length: 21 }, () => allowed(1_100)).filter(Boolean).length).toBe(20);
  });

  test('a clock that is set back takes nothing away and gives nothing', () => {
    const bucket = fullBucket({ count: 2, periodMs: 1_000 }, 10_000);
    take(bucket, 10_000);
    take(bucket, 10_000);
    expect(take(bucket, 5_000).allowed).toBe(false);
    expect(take(bucket, 5_500).allowed).toBe(true);
  });

  test('what was charged beyond the limit is paid back too, up to as much again', () => {
    const bucket = fullBucket({ count: 10, periodMs: 60_000 }, 0);
    for (const _ of Array(100)) charge(bucket, 0);
    expect(look(bucket, 65_999).allowed).toBe(false);
    expect(look(bucket, 66_000).allowed).toBe(true);
  });
});

test('ten times the largest limit is charged in whole numbers, however often', () => {
  const limit = { count: 99_999_990, periodMs: 86_400_000 };
  // As after a hundred million failures, which take too long to make here.
  const bucket = { ...fullBucket(limit, 0), debt: Number.MAX_SAFE_INTEGER - 2 * limit.periodMs };
  for (let times = 0; times < 5; times++) {
    charge(bucket, 0);
    expect(Number.isSafeInteger(bucket.debt)).toBe(true);
  }
  const before = bucket.debt;
  expect(look(bucket, 1).allowed).toBe(false);
  expect(before - bucket.debt).toBe(limit.count);
});

describe('buckets', () => {
  const limit = { count: 2, periodMs: 1_000 };
  test('are bounded; those that are full again go first, and who has taken most stays', () => {
    const buckets = createBuckets(50);
    for (const _ of Array(2)) take(buckets.of('busy', limit, 0), 0);
    for (const at of Array(1_000).keys()) {
      take(buckets.of(`other-${at}`, limit, 0), 0);
      expect(buckets.size()).toBeLessThanOrEqual(50);
    }
    expect(look(buckets.of('busy', limit, 0), 0).allowed).toBe(false);
    take(buckets.of('late', limit, 900), 900);
    expect(buckets.find('busy')).not.toBeNull();
    for (const at of Array(60).keys()) take(buckets.of(`next-${at}`, limit, 2_000), 2_000);
    expect(buckets.size()).toBeLessThanOrEqual(50);
  });

  test('that are full again go while others come', () => {
    const buckets = createBuckets(1_000);
    for (const at of Array(500).keys()) take(buckets.of(`early-${at}`, limit, 0), 0);
    for (const at of Array(500).keys()) take(buckets.of(`late-${at}`, limit, 2_000), 2_000);
    expect(buckets.size()).toBe(500);
    expect(buckets.find('late-0')).not.toBeNull();
  });

  test('begin anew when the limit is another one', () => {
    const buckets = createBuckets(10);
    for (const _ of Array(2)) take(buckets.of('a', limit, 0), 0);
    expect(take(buckets.of('a', limit, 0), 0).allowed).toBe(false);
    expect(take(buckets.of('a', { count: 3, periodMs: 1_000 }, 0), 0).remaining).toBe(2);
  });
});

describe('addresses', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:0001::', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['', ''],
  ])('%s counts as %s', (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});
