// Ranges of addresses as an operator writes them.
import { expect, test } from 'bun:test';
import { addressRanges, unmapped } from './address-ranges';

test.each([
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['192.0.2.7', '192.0.2.7', true],
  ['192.0.2.7', '192.0.2.8', false],
  ['fd00::/8', 'fd12::1', true],
  ['2001:db8::1', '2001:DB8:0::1', true],
  ['2001:db8::1', '2001:db8::2', false],
  ['::ffff:0:0/96', '10.0.0.1', false],
  ['10.0.0.0/8', '::ffff:10.0.0.1', false],
  ['0.0.0.0/0', 'localhost', false],
])('of %s is %s: %p', (range, address, expected) => {
  expect(addressRanges(['198.51.100.0/24', range])(address)).toBe(expected);
});

test('a socket of both families shows IPv4 mapped into IPv6', () => {
  expect(['::ffff:10.0.0.1', '::FFFF:10.0.0.1', '10.0.0.1', '::1'].map(unmapped)).toEqual([
    ...['10.0.0.1', '10.0.0.1', '10.0.0.1', '::1'],
  ]);
});
