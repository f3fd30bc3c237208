import { isIP } from 'node:net';
import { addressRanges } from '../../kit/address-ranges';

/** Addresses that are not for everybody (IANA special-purpose registries, RFC 6890), multicast and what is reserved. */
const isSpecial = addressRanges([
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
  // Inside of public IPv6: Teredo and other protocols, documentation, 6to4, which leads to any IPv4 address.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
]);

/** Where public IPv6 lives; mapped, translated (NAT64), unique local, link local and multicast addresses are outside. */
const isGlobalIpv6 = addressRanges(['2000::/3']);

const isLoopbackIpv6 = addressRanges(['::1']);

/** Never a place of keys, even in a private network. */
const isNowhere = addressRanges([
  // This host's "any", link local, multicast, broadcast.
  '0.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '255.255.255.255',
  'fe80::/10',
  'ff00::/8',
  // Where clouds tell a machine its secrets, beside 169.254.169.254: Alibaba, Oracle, Azure, Amazon, Google.
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  'fd00:ec2::254',
  'fd20:ce::254',
  // IPv4 inside of IPv6 would be another address than it seems: compatible, mapped, translated, NAT64, Teredo, 6to4.
  '::/96',
  '::ffff:0:0/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2001::/32',
  '2002::/16',
]);

/** True for an address that belongs to the public internet. */
export function isPublicAddress(address: string): boolean {
  return isHostAddress(address) && !isSpecial(address) && (isIP(address) === 4 || isGlobalIpv6(address));
}

/** True for an address of one host, public or private. */
export function isHostAddress(address: string): boolean {
  return isIP(address) !== 0 && (!isNowhere(address) || isLoopbackIpv6(address));
}
