/** What a request to a protected resource brings along (RFC 6750 §2). */
export type Bearer =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'token'; readonly token: string };

/** `b64token` (RFC 6750 §2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * The token of a request: from the `Authorization` header and from nowhere else (RFC 6750 §2.1). A token in the query
 * string is refused even beside a good header, since it has already been written to somebody's log (RFC 9700 §4.3.2).
 */
export function parseBearer(authorization: string | null, query: string): Bearer {
  if (/(?:^|&)access_token(?:=|&|$)/.test(query))
    return { kind: 'malformed', reason: 'The token is in the query string.' };
  if (authorization === null || !/^bearer(?: |$)/i.test(authorization)) return { kind: 'none' };
  const token = authorization.slice('bearer '.length).trim();
  if (!TOKEN.test(token)) return { kind: 'malformed', reason: 'The Authorization header is malformed.' };
  return { kind: 'token', token };
}

/** Parameters of a challenge; all values are ours and free of `"` and `\`. */
export type ChallengeParameters = Readonly<Record<string, string>>;

/** The value of `WWW-Authenticate` (RFC 6750 §3). */
export function bearerChallenge(parameters: ChallengeParameters): string {
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return `Bearer ${list.join(', ')}`;
}
