// Where a server may be sent by a stranger.
import { expect, test } from 'bun:test';
import { isHostAddress, isPublicAddress } from './public-address';

test.each([
  '1.1.1.1',
  '93.184.216.34',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '2606:4700::1111',
  '2a00::1',
])('%s is public', (address) => {
  expect([isPublicAddress(address), isHostAddress(address)]).toEqual([true, true]);
});

const REFUSED: [string, string, boolean][] = [
  ['this network', '0.0.0.0', false],
  ['private, class A', '10.0.0.1', true],
  ['carrier-grade NAT', '100.64.0.1', true],
  ['loopback', '127.0.0.1', true],
  ['loopback, not the usual one', '127.8.8.8', true],
  ['link local, where clouds tell secrets', '169.254.169.254', false],
  ['private, class B', '172.16.0.1', true],
  ['protocol assignments', '192.0.0.8', true],
  ['documentation', '192.0.2.1', true],
  ['6to4 relays', '192.88.99.1', true],
  ['private, class C', '192.168.1.1', true],
  ['benchmarks', '198.18.0.1', true],
  ['multicast', '224.0.0.1', false],
  ['reserved', '250.0.0.1', true],
  ['broadcast', '255.255.255.255', false],
  ['IPv6 unspecified', '::', false],
  ['IPv6 loopback', '::1', true],
  ['IPv4 mapped into IPv6', '::ffff:127.0.0.1', false],
  ['IPv4 mapped, in hexadecimal', '::ffff:7f00:1', false],
  ['IPv4 mapped, in full', '0:0:0:0:0:ffff:a9fe:a9fe', false],
  ['a public IPv4 address mapped', '::ffff:1.1.1.1', false],
  ['IPv4-compatible', '::127.0.0.1', false],
  ['IPv4-translated', '::ffff:0:127.0.0.1', false],
  ['the metadata of Amazon', 'fd00:ec2::254', false],
  ['the metadata of Google', 'fd20:ce::254', false],
  ['the metadata of Alibaba', '100.100.100.200', false],
  ['the metadata of Oracle', '192.0.0.192', false],
  ['the wire server of Azure', '168.63.129.16', false],
  ['loopback, written at length', '0:0:0:0:0:0:0:1', true],
  ['NAT64', '64:ff9b::7f00:1', false],
  ['local NAT64', '64:ff9b:1::1', false],
  ['unique local', 'fd00::1', true],
  ['link local', 'fe80::1', false],
  ['site local, of old', 'fec0::1', true],
  ['multicast', 'ff02::1', false],
  ['6to4 of loopback', '2002:7f00:1::1', false],
  ['Teredo', '2001:0:1::1', false],
  ['documentation', '2001:db8::1', true],
  ['new documentation', '3fff::1', true],
  ['a name', 'localhost', false],
  ['an address with a zone', 'fe80::1%eth0', false],
  ['an octal address', '0177.0.0.1', false],
  ['a short address', '127.1', false],
];
test.each(REFUSED)('%s (%s) is not public', (_name, address, isPrivate) => {
  expect(isPublicAddress(address)).toBe(false);
  expect(isHostAddress(address)).toBe(isPrivate);
});
