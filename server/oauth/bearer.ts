/** How an access token is presented (RFC 6750 §2.1, RFC 9449 §7.1). */
export type Scheme = 'Bearer' | 'DPoP';

/** What a request to a protected resource brings along (RFC 6750 §2). */
export type Presented =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'token'; readonly scheme: Scheme; readonly token: string };

/** `b64token` (RFC 6750 §2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * The token of a request: from the `Authorization` header and from nowhere else (RFC 6750 §2.1). A token in the query
 * string is refused even beside a good header, since it has already been written to somebody's log (RFC 9700 §4.3.2).
 */
export function parsePresented(authorization: string | null, query: string): Presented {
  if (/(?:^|&)access_token(?:=|&|$)/.test(query))
    return { kind: 'malformed', reason: 'The token is in the query string.' };
  const [, scheme, rest = ''] = /^(bearer|dpop)(?: (.*)|)$/i.exec(authorization ?? '') ?? [];
  if (scheme === undefined) return { kind: 'none' };
  const token = rest.trim();
  if (!TOKEN.test(token)) return { kind: 'malformed', reason: 'The Authorization header is malformed.' };
  return { kind: 'token', scheme: scheme.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', token };
}

/** Parameters of a challenge; all values are ours and free of `"` and `\`. */
export type ChallengeParameters = Readonly<Record<string, string>>;

/** One challenge of `WWW-Authenticate` (RFC 6750 §3, RFC 9449 §7.1); several are joined by a comma. */
export function challengeOf(scheme: Scheme, parameters: ChallengeParameters): string {
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return `${scheme} ${list.join(', ')}`;
}
