import { describe, expect, test } from 'bun:test';
import { holm, mannWhitney, median, medianDifferenceInterval, percentile, shuffle, slope } from './statistics';

/** A repeatable [0, 1) (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Times as a busy server has them: a floor, a spread, a long tail. */
function times(count: number, floor: number, random: () => number): number[] {
  return Array.from({ length: count }, () => floor + 1_000 * random() + (random() < 0.05 ? 20_000 * random() : 0));
}

describe('statistics', () => {
  test('a percentile is a value that there was', () => {
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect([95, 50, 100].map((hundredths) => percentile(hundred, hundredths))).toEqual([95, 50, 100]);
    expect(percentile([3, 1, 2], 95)).toBe(3);
    expect(percentile([], 95)).toBeNaN();
  });

  test('the slope of a line, whatever scatters evenly about it', () => {
    const points = Array.from({ length: 100 }, (_, x): [number, number] => [x, 7 + 3 * x + (x % 2 === 0 ? 1 : -1)]);
    expect(slope(points)).toBeCloseTo(3, 2);
    expect(slope([[1, 5]])).toBeNaN();
  });

  test('the median of an odd and of an even count', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([1, 2, 3, 10])).toBe(2.5);
  });

  test('Mann–Whitney gives the p value of scipy.stats.mannwhitneyu with method=asymptotic', () => {
    const a = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
    const b = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
    expect(mannWhitney(a, b)).toBeCloseTo(0.1329, 3);
    expect(mannWhitney([1, 1, 1], [1, 1, 1])).toBe(1);
  });

  test('samples of one distribution are told apart about as often as chance says', () => {
    const random = seeded(1);
    const found = Array.from({ length: 400 }, () =>
      mannWhitney(times(60, 25_000, random), times(60, 25_000, random)),
    ).filter((p) => p < 0.05).length;
    expect(found).toBeGreaterThan(5);
    expect(found).toBeLessThan(40);
  });

  test('a shift of 200 µs in a spread of 1 ms with outliers is found', () => {
    const random = seeded(2);
    const [a, b] = [times(300, 25_200, random), times(300, 25_000, random)];
    expect(mannWhitney(a, b)).toBeLessThan(0.001);
    const [low, high] = medianDifferenceInterval(a, b, random);
    expect(low).toBeGreaterThan(0);
    expect(high).toBeLessThan(400);
  });

  test('Holm multiplies the smallest p by the number of tests and keeps the order', () => {
    expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
  });

  test('shuffling keeps every value', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8];
    const shuffled = shuffle(values, seeded(3));
    expect(shuffled).not.toEqual(values);
    expect(shuffled.toSorted()).toEqual(values);
  });
});
