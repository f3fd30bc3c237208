/**
 * Whose request it is: the peer, or where the peer is a trusted proxy the last address in `X-Forwarded-For` that is none of
 * them. What stands further left was written by strangers.
 */
export function createSource(trusted: (address: string) => boolean): (peer: string, headers: Headers) => string {
  return (peer, headers) => {
    const forwarded = trusted(peer) ? headers.get('x-forwarded-for') : null;
    const hops = forwarded === null ? [] : forwarded.split(',').map((hop) => hop.trim());
    return hops.findLast((hop) => ADDRESS.test(hop) && !trusted(hop)) ?? peer;
  };
}

/** What looks like an address; a port or anything else is not believed. */
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i;
