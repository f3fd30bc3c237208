import { hasParameter } from './query';

/** How an access token is presented (RFC 6750 §2.1, RFC 9449 §7.1). */
export type Scheme = 'Bearer' | 'DPoP';

/** What a request to a protected resource brings along (RFC 6750 §2). */
export type Presented =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'token'; readonly scheme: Scheme; readonly token: string };

/** The two schemes, and no other that only begins like them (RFC 9110 §5.6.2, §11.1). */
const SCHEME = /^(bearer|dpop)(?![\w!#$%&'*+.^`|~-])/i;

/** `1*SP b64token` (RFC 6750 §2.1). */
const TOKEN = /^ +([A-Za-z0-9._~+/-]+=*)$/;

/**
 * The token of a request: from the `Authorization` header and from nowhere else (RFC 6750 §2.1). A token in the query
 * string is refused even beside a good header, since it has already been written to somebody's log (RFC 9700 §4.3.2).
 */
export function parsePresented(authorization: string | null, query: string): Presented {
  if (hasParameter(query, 'access_token')) return { kind: 'malformed', reason: 'The token is in the query string.' };
  const [scheme] = SCHEME.exec(authorization ?? '') ?? [];
  if (authorization === null || scheme === undefined) return { kind: 'none' };
  const [, token] = TOKEN.exec(authorization.slice(scheme.length).trimEnd()) ?? [];
  if (token === undefined) return { kind: 'malformed', reason: 'The Authorization header is malformed.' };
  return { kind: 'token', scheme: scheme.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', token };
}

/** Parameters of a challenge; all values are ours and free of `"` and `\`. */
export type ChallengeParameters = Readonly<Record<string, string>>;

/** One challenge of `WWW-Authenticate` (RFC 6750 §3, RFC 9449 §7.1); several are joined by a comma. */
export function challengeOf(scheme: Scheme, parameters: ChallengeParameters): string {
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return `${scheme} ${list.join(', ')}`;
}
