import { describe, expect, test } from 'bun:test';
import { readPrice } from './price';

describe('a price', () => {
  test.each([
    ['67012.34', '67012.34'],
    ['67012.34000000', '67012.34'],
    ['0.00001234', '0.00001234'],
    ['0.000000001234', '0.000000001234'],
    ['123456789012.3456789', '123456789012.346'],
    ['1000000000000', '1000000000000'],
    ['1000000000001', null],
    ['0', null],
    ['0.0000000001', null],
    ['-1', null],
    ['1e3', null],
    ['1,000', null],
    ['٣', null],
    [67, null],
    [undefined, null],
  ])('%p is %p', (given, price) => {
    expect(readPrice(given)).toBe(price);
  });
});
