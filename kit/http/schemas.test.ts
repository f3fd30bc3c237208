import { describe, expect, test } from 'bun:test';
import { Value } from '@sinclair/typebox/value';
import { displayName, instant, plainText } from './schemas';

const GRIN = '\u{1F600}';

describe('text', () => {
  test.each([
    ['', 0, 2, true],
    ['', 1, 2, false],
    ['ab', 0, 2, true],
    ['abc', 0, 2, false],
    [GRIN + GRIN, 0, 2, true],
    [GRIN.repeat(3), 0, 2, false],
    ['\uD83D', 0, 2, false],
    ['\uDE00\uD83D', 0, 2, false],
    ['a\nb', 0, 9, false],
    ['a\u007F', 0, 9, false],
    ['a\u0085', 0, 9, false],
    ['ż\u2028', 0, 9, true],
    [' ', 1, 9, true],
  ])('%j as %d to %d characters: %p', (given, min, max, expected) => {
    expect(Value.Check(plainText(min, max), given)).toBe(expected);
  });
});

describe('a name', () => {
  test.each([
    ['', false],
    ['a', true],
    [' ', false],
    [' a', false],
    ['a ', false],
    ['a\u00A0', false],
    ['a b', true],
    [GRIN.repeat(4), true],
    [GRIN.repeat(5), false],
    ['a\tb', false],
    ['\uD83D', false],
  ])('%j of at most 4 characters: %p', (given, expected) => {
    expect(Value.Check(displayName(4), given)).toBe(expected);
  });
});

describe('a time', () => {
  test.each([
    ['2026-01-01T00:00:00Z', true],
    ['2026-12-31T23:59:59.123456789+14:00', true],
    ['2024-02-29T00:00:00-10:30', true],
    ['2000-02-29T00:00:00Z', true],
    ['2026-01-01t00:00:00.5z', true],
    ['2026-01-01t00:00:00+01:00', true],
    ['2026-01-01 00:00:00Z', false],
    ['2026-02-29T00:00:00Z', false],
    ['1900-02-29T00:00:00Z', false],
    ['2026-02-30T00:00:00Z', false],
    ['2026-04-31T00:00:00Z', false],
    ['2026-13-01T00:00:00Z', false],
    ['2026-01-01T24:00:00Z', false],
    ['2026-01-01T00:00:00', false],
    ['2026-01-01', false],
    ['0000-01-01T00:00:00Z', false],
    ['now', false],
  ])('%j: %p', (given, expected) => {
    expect(Value.Check(instant('A time.'), given)).toBe(expected);
  });
});
