// The script of limits, run by a real Redis, against the memory of one process.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import { START_TIMEOUT_MS } from '../../db/testing-postgres';
import type { Limit } from '../../kit/limit';
import { fullBucket, look, take } from '../../kit/limits/gcra';
import { hasRedis, startRedis, type TestRedis } from '../redis/testing-redis';
import { type Group, limitArguments, limitScript, readLevels } from './script';

describe.skipIf(!hasRedis())('limits in Redis', () => {
  setDefaultTimeout(START_TIMEOUT_MS);
  let server: TestRedis;
  let client: Bun.RedisClient;
  beforeAll(async () => {
    server = await startRedis();
    client = new Bun.RedisClient(server.url, { autoReconnect: false });
    await client.connect();
  });
  afterAll(async () => {
    client.close();
    await server.close();
  });

  /** The script at a time of our choice. */
  const AT = limitScript('{ARGV[#ARGV - 1], ARGV[#ARGV]}');
  const askAll = async (keys: readonly string[], groups: readonly Group[], nowMs: number) => {
    const time = [String(Math.floor(nowMs / 1_000)), String((nowMs % 1_000) * 1_000)];
    const args = [AT, String(keys.length), ...keys, ...limitArguments(groups), ...time];
    return readLevels(await client.send('EVAL', args), groups);
  };
  const ask = async (keys: readonly string[], limits: readonly Limit[], amount: 0 | 1, nowMs: number) =>
    (await askAll(keys, [{ limits, amount }], nowMs))[0] ?? [];

  const limits = fc.record({
    count: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 99_999_990 })),
    periodMs: fc.constantFrom(1_000, 60_000, 3_600_000, 86_400_000),
  });
  const steps = fc.array(
    fc.record({
      waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 100_000_000 })),
      amount: fc.constantFrom<0 | 1>(1, 1, 1, 0),
    }),
    { maxLength: 40 },
  );
  let runs = 0;

  test('one limit is counted exactly as in one process, at any time and with any limit', async () => {
    const property = fc.asyncProperty(limits, steps, async (limit, all) => {
      let nowMs = 1_767_225_600_000;
      const key = `one-${++runs}`;
      const bucket = fullBucket(limit, nowMs);
      for (const { waitMs, amount } of all) {
        nowMs += waitMs;
        const expected = amount === 1 ? take(bucket, nowMs) : look(bucket, nowMs);
        const [level] = await ask([key], [limit], amount, nowMs);
        expect(level).toEqual({ allowed: expected.allowed, debt: bucket.debt });
      }
    });
    await fc.assert(property, { numRuns: 200 });
  });

  test('two limits: one is taken from both, or nothing from either', async () => {
    const property = fc.asyncProperty(limits, limits, steps, async (first, second, all) => {
      let nowMs = 1_767_225_600_000;
      const keys = [`first-${++runs}`, `second-${runs}`];
      const buckets = [fullBucket(first, nowMs), fullBucket(second, nowMs)] as const;
      for (const { waitMs, amount } of all) {
        nowMs += waitMs;
        const allowed = buckets.map((bucket) => look(bucket, nowMs).allowed);
        if (amount === 1 && !allowed.includes(false)) for (const bucket of buckets) take(bucket, nowMs);
        const levels = await ask(keys, [first, second], amount, nowMs);
        expect(levels).toEqual(buckets.map(({ debt }, at) => ({ allowed: allowed[at] === true, debt })));
      }
    });
    await fc.assert(property, { numRuns: 100 });
  });

  test('many requests in one call are counted one after another, the same client twice too', async () => {
    const requests = fc.array(
      fc.record({ whose: fc.constantFrom('a', 'b', 'c'), amount: fc.constantFrom<0 | 1>(1, 1, 0), pair: fc.boolean() }),
      { minLength: 1, maxLength: 30 },
    );
    const property = fc.asyncProperty(limits, requests, async (limit, all) => {
      const nowMs = 1_767_225_600_000;
      const [run, whole] = [++runs, { ...limit, count: 2 * limit.count }];
      const buckets = new Map(
        ['a', 'b', 'c', 'whole'].map((key) => [key, fullBucket(key === 'whole' ? whole : limit, nowMs)]),
      );
      const keysOf = ({ whose, pair }: { whose: string; pair: boolean }) => (pair ? [whose, 'whole'] : [whose]);
      const expected = all.map((request) => {
        const mine = keysOf(request).map((key) => buckets.get(key) ?? fullBucket(limit, nowMs));
        const allowed = mine.map((bucket) => look(bucket, nowMs).allowed);
        if (request.amount === 1 && !allowed.includes(false)) for (const bucket of mine) take(bucket, nowMs);
        return mine.map(({ debt }, at) => ({ allowed: allowed[at] === true, debt }));
      });
      const keys = all.flatMap(keysOf).map((key) => `${key}-${run}`);
      const groups = all.map(({ amount, pair }) => ({ amount, limits: pair ? [limit, whole] : [limit] }));
      expect(await askAll(keys, groups, nowMs)).toEqual(expected);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  test('a clock that is set back takes nothing away and gives nothing', async () => {
    const limit = { count: 2, periodMs: 1_000 };
    const allowed = async (nowMs: number) => (await ask(['back'], [limit], 1, nowMs))[0]?.allowed;
    expect([await allowed(10_000), await allowed(10_000), await allowed(5_000)]).toEqual([true, true, false]);
    expect([await allowed(5_499), await allowed(5_500), await allowed(5_500)]).toEqual([false, true, false]);
  });

  test('a key goes by itself, not long after nothing is owed any more; looking makes none', async () => {
    const limit = { count: 4, periodMs: 60_000 };
    await ask(['looked-at'], [limit], 0, Date.now());
    expect(await client.exists('looked-at')).toBe(false);
    for (const _ of Array(2)) await ask(['taken'], [limit], 1, Date.now());
    const leftMs = await client.pttl('taken');
    expect(leftMs).toBeGreaterThan(29_000);
    expect(leftMs).toBeLessThanOrEqual(31_000);
  });
});
