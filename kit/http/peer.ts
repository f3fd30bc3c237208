import { isIP } from 'node:net';

/**
 * Whose request it is: the peer, or where the peer is a trusted proxy the last address in `X-Forwarded-For` that is none of
 * them. What stands further left was written by strangers, so the search ends at whatever a trusted proxy wrote that is no
 * address.
 */
export function createSource(trusted: (address: string) => boolean): (peer: string, headers: Headers) => string {
  return (peer, headers) => {
    const forwarded = trusted(peer) ? headers.get('x-forwarded-for') : null;
    const hops = forwarded === null ? [] : forwarded.split(',').map(addressOf);
    const first = hops.findLast((address) => address === null || !trusted(address));
    return first ?? peer;
  };
}

/** `192.0.2.1`, `192.0.2.1:443` or `[2001:db8::1]:443` → the address alone: a port would make each connection somebody else. */
function addressOf(hop: string): string | null {
  const [, bracketed, plain] = /^\s*(?:\[([^\]]*)\](?::\d*)?|([^:]*)(?::\d*)?)\s*$/.exec(hop) ?? [];
  const address = bracketed ?? plain ?? hop.trim();
  return isIP(address) === 0 ? null : address;
}
