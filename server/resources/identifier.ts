import { malformed } from '../../kit/http/faults';
import { isLoopbackName } from '../../kit/http/origin';
import type { Problem } from '../../kit/http/problem';

/** Where this server itself is; nothing below may belong to somebody else. */
export interface Known {
  readonly issuer: string;
  readonly publicUrls: readonly string[];
}

/** Characters of a URI (RFC 3986 §2) without `#`: an identifier has no fragment (RFC 8707 §2). */
const URI = /^https?:\/\/(?![/?])[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=%]+$/i;

/**
 * The identifier of somebody else's resource server: an absolute URI without fragment and user, https, or http on this
 * machine, and not below our own URLs. @throws Problem 422
 */
export function checkIdentifier(identifier: string, { issuer, publicUrls }: Known): void {
  const url = URI.test(identifier) ? URL.parse(identifier) : null;
  if (url === null || url.username !== '' || url.password !== '')
    throw refusal('must be an absolute https URI without a fragment');
  if (url.protocol === 'http:' && !isLoopbackName(url.hostname))
    throw refusal('must be an https URI; http is for loopback hosts alone');
  if ([issuer, ...publicUrls].some((base) => isBelow(url, base)))
    throw refusal("is below this server's own URL; its own resources are built in");
}

function isBelow(url: URL, base: string): boolean {
  const { origin, pathname } = new URL(base);
  const folder = pathname.replace(/\/$/, '');
  return url.origin === origin && (url.pathname === folder || url.pathname.startsWith(`${folder}/`));
}

function refusal(detail: string): Problem {
  return malformed([{ path: '/identifier', detail }]);
}
