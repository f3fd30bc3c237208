import { BlockList, isIP } from 'node:net';

/** IPv4 that is not for everybody (IANA special-purpose registry, RFC 6890), multicast and what is reserved. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** Where public IPv6 lives; mapped, translated (NAT64), unique local, link local and multicast addresses are outside. */
const GLOBAL_IPV6 = ['2000::/3'];

/** Inside of it: Teredo and other protocols, documentation, 6to4, which leads to any IPv4 address. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

/** Never a place of keys, even in a private network: this host's "any", link local (cloud metadata), multicast, broadcast. */
const NOWHERE_IPV4 = ['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '255.255.255.255/32'];

/** The same, and IPv4 inside of IPv6 (mapped, NAT64, 6to4), which would be another address than it seems. */
const NOWHERE_IPV6 = [
  '::/128',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
  'fe80::/10',
  'ff00::/8',
];

// Lists of one family each: a list that holds mapped addresses takes every IPv4 address for one of them.
const specialIpv4 = ranges(SPECIAL_IPV4);
const globalIpv6 = ranges(GLOBAL_IPV6);
const specialIpv6 = ranges(SPECIAL_IPV6);
const nowhereIpv4 = ranges(NOWHERE_IPV4);
const nowhereIpv6 = ranges(NOWHERE_IPV6);

/** True for an address that belongs to the public internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !specialIpv4.check(address, 'ipv4');
  return family === 6 && globalIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6');
}

/** True for an address of one host, public or private. */
export function isHostAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !nowhereIpv4.check(address, 'ipv4');
  return family === 6 && !nowhereIpv6.check(address, 'ipv6');
}

function ranges(written: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of written) {
    const [address = '', bits = ''] = range.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
