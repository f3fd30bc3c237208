import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { BACKOFF_MAX_MS, backoffMs, RETRY_AFTER_MAX_MS, retryAfterMs } from './backoff';

/** 2026-01-01T00:00:00.000Z */
const START_MS = 1_767_225_600_000;
const chance = fc.double({ min: 0, max: 0.999999, noNaN: true });

describe('backoffMs', () => {
  test.each([
    [1, 0, 500],
    [1, 0.999999, 1000],
    [2, 0, 1000],
    [3, 0.5, 3000],
    [7, 0.999999, 60_000],
    [50, 0, 30_000],
  ])('after %p failures with chance %p it is about %p ms', (failures, random, expected) => {
    expect(backoffMs(failures, null, () => random)).toBeCloseTo(expected, -1);
  });

  test('is at least half a second and at most a minute', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), chance, (failures, random) => {
        const ms = backoffMs(failures, null, () => random);
        expect(ms).toBeGreaterThanOrEqual(500);
        expect(ms).toBeLessThanOrEqual(BACKOFF_MAX_MS);
      }),
    );
  });

  test('is never less than what was asked for, and at most a tenth more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60_000, max: RETRY_AFTER_MAX_MS }), chance, (asked, random) => {
        const ms = backoffMs(1, asked, () => random);
        expect(ms).toBeGreaterThanOrEqual(asked);
        expect(ms).toBeLessThanOrEqual(asked * 1.1);
      }),
    );
  });

  test('does not believe a pause of years', () => {
    expect(backoffMs(1, 1e12, () => 0)).toBe(RETRY_AFTER_MAX_MS);
  });
});

describe('retryAfterMs', () => {
  test.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Thursday, 01-Jan-26 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    [null, null],
    ['', null],
    ['soon', null],
    ['-5', null],
    ['1.5', null],
    ['1e3', null],
    ['99999999999', null],
  ])('%p is %p', (header, expected) => {
    expect(retryAfterMs(header, START_MS)).toBe(expected);
  });
});
