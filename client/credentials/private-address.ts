import { BlockList, isIP } from 'node:net';

/** Finds all addresses of a name; rejects when there are none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

const LOCAL = new BlockList();
LOCAL.addSubnet('127.0.0.0', 8, 'ipv4');
// RFC 1918 and RFC 4193: addresses that never leave the operator's own network.
LOCAL.addSubnet('10.0.0.0', 8, 'ipv4');
LOCAL.addSubnet('172.16.0.0', 12, 'ipv4');
LOCAL.addSubnet('192.168.0.0', 16, 'ipv4');
LOCAL.addAddress('::1', 'ipv6');
LOCAL.addSubnet('fc00::', 7, 'ipv6');

/** True for loopback and private addresses (RFC 1918, RFC 4193), also when written as IPv4 inside IPv6. */
export function isLocalAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && LOCAL.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/**
 * True when an administrator's secret may go there: over https, or to a host all of whose addresses are loopback or
 * private. A name that cannot be found may not.
 */
export async function mayCarrySecret(url: string, lookup: Lookup): Promise<boolean> {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:') return true;
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return isLocalAddress(host);
  try {
    const addresses = await lookup(host);
    return addresses.length > 0 && addresses.every(isLocalAddress);
  } catch {
    return false;
  }
}
