import { describe, expect, test } from 'bun:test';
import { createHistogram } from './histogram';

describe('a histogram', () => {
  test('tells percentiles to within a hundredth, and the maximum exactly', () => {
    const histogram = createHistogram();
    for (let ms = 1; ms <= 10_000; ms++) histogram.record(ms / 10);
    expect(histogram.count()).toBe(10_000);
    for (const hundredths of [1, 50, 99, 99.9])
      expect(Math.abs(histogram.percentile(hundredths) / (hundredths * 10) - 1)).toBeLessThan(0.011);
    expect(histogram.maxMs()).toBe(1_000);
    expect(histogram.percentile(100)).toBeLessThanOrEqual(1_000);
  });

  test('has nothing to tell of nothing', () => {
    const histogram = createHistogram();
    expect([histogram.count(), histogram.percentile(50), histogram.maxMs()]).toEqual([0, Number.NaN, Number.NaN]);
  });

  test('takes what is beyond its ends', () => {
    const histogram = createHistogram();
    for (const ms of [0, 1e9]) histogram.record(ms);
    expect(histogram.maxMs()).toBe(1e9);
    expect(histogram.percentile(50)).toBeLessThan(0.02);
  });
});
