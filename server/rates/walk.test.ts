import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { chance, walk } from './walk';

/** Any rate that is served: up to 15 significant digits, as a plain decimal. */
const rate = fc
  .tuple(fc.integer({ min: 1, max: 999_999_999_999_999 }), fc.integer({ min: 0, max: 20 }))
  .map(([digits, places]) => {
    const text = String(digits).padStart(places + 1, '0');
    return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
  });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const volatility = fc.double({ min: 0, max: 0.5, noNaN: true });

const significantDigits = (decimal: string): number =>
  decimal.replace('.', '').replace(/^0+/, '').replace(/0+$/, '').length;

describe('the walk', () => {
  test('a step is bounded, positive, a plain decimal of at most 15 significant digits', () => {
    fc.assert(
      fc.property(rate, rate, volatility, random, (from, anchor, bound, chance) => {
        const to = walk({ rate: from, anchorRate: anchor, volatility: bound, random: chance });
        expect(to).toMatch(/^\d+(\.\d+)?$/);
        expect(significantDigits(to)).toBeLessThanOrEqual(15);
        expect(Number(to)).toBeGreaterThan(0);
        expect(Math.abs(Number(to) - Number(from))).toBeLessThanOrEqual(Number(from) * bound * (1 + 1e-12));
      }),
      { numRuns: 2_000 },
    );
  });

  test('it moves both ways, and over a thousand steps stays near its anchor', () => {
    let at = '45000';
    let ups = 0;
    for (let seq = 1; seq <= 1_000; seq++) {
      const next = walk({ rate: at, anchorRate: '45000', volatility: 0.005, random: chance('seed', seq, 'BTC') });
      if (Number(next) > Number(at)) ups += 1;
      at = next;
    }
    expect(ups).toBeGreaterThan(400);
    expect(ups).toBeLessThan(600);
    expect(Number(at)).toBeGreaterThan(45_000 * 0.7);
    expect(Number(at)).toBeLessThan(45_000 * 1.4);
  });

  test('far from its anchor it is drawn back', () => {
    const next = walk({ rate: '90000', anchorRate: '45000', volatility: 0.005, random: 0.5 });
    expect(Number(next)).toBeLessThan(90_000);
  });

  test('chance is the same for the same seed, tick and symbol, and another for any other', () => {
    expect(chance('s', 1, 'BTC')).toBe(chance('s', 1, 'BTC'));
    const others = [chance('t', 1, 'BTC'), chance('s', 2, 'BTC'), chance('s', 1, 'ETH')];
    expect(others).not.toContain(chance('s', 1, 'BTC'));
  });

  test('chance spreads evenly over [0, 1)', () => {
    const drawn = Array.from({ length: 10_000 }, (_, seq) => chance('s', seq, 'BTC'));
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThan(1);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
  });
});
