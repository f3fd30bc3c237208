import { expect, test } from 'bun:test';
import { createSource } from './peer';

const PROXIES = new Set(['10.0.0.1', '10.0.0.2', 'fd00::1']);
const source = createSource((address) => PROXIES.has(address));

test.each([
  ['nobody in front', '192.0.2.1', null, '192.0.2.1'],
  ['a stranger who claims to be in front', '192.0.2.1', '198.51.100.1', '192.0.2.1'],
  ['behind a proxy', '10.0.0.1', '192.0.2.1', '192.0.2.1'],
  ['behind two', '10.0.0.1', '192.0.2.1, 10.0.0.2', '192.0.2.1'],
  ['further left is what the caller wrote', '10.0.0.1', '198.51.100.1, 192.0.2.1', '192.0.2.1'],
  ['a proxy that says nothing', '10.0.0.1', null, '10.0.0.1'],
  ['proxies alone', '10.0.0.1', '10.0.0.2', '10.0.0.1'],
  ['a port is left out', '10.0.0.1', '198.51.100.1, 192.0.2.1:5678', '192.0.2.1'],
  ['IPv6', 'fd00::1', '2001:db8::1', '2001:db8::1'],
  ['IPv6 with a port', '10.0.0.1', '[2001:db8::1]:5678', '2001:db8::1'],
  ['no address, behind which the caller may have written anything', '10.0.0.1', '198.51.100.1, unknown', '10.0.0.1'],
  ['half an address', '10.0.0.1', '198.51.100.1, 1.2.3', '10.0.0.1'],
  ['colons', '10.0.0.1', '198.51.100.1, ::::', '10.0.0.1'],
  ['nothing at the end', '10.0.0.1', '198.51.100.1, ', '10.0.0.1'],
])('whose request it is: %s', (_name, peer, forwarded, expected) => {
  const headers = new Headers(forwarded === null ? {} : { 'x-forwarded-for': forwarded });
  expect(source(peer, headers)).toBe(expected);
});
