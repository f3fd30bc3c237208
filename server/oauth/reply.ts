import { OAUTH_ERRORS, type OAuthError } from './errors';

/** Answers with tokens or errors are never stored by anyone (RFC 6749 §5.1). */
const NO_STORE = { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' };

/** A token answer (RFC 6749 §5.1). */
export interface TokenAnswer {
  readonly accessToken: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  readonly expiresInSeconds: number;
  readonly scope: string;
  /** Headers beside the usual ones; null: none. */
  readonly headers: Readonly<Record<string, string>> | null;
}

/** 200 with the token. No member can hold a character that JSON would escape, so the text is put together by hand. */
export function tokenReply({ accessToken, tokenType, expiresInSeconds, scope, headers }: TokenAnswer): Response {
  const body = `{"access_token":"${accessToken}","token_type":"${tokenType}","expires_in":${expiresInSeconds},"scope":"${scope}"}`;
  return new Response(body, { headers: headers === null ? NO_STORE : { ...NO_STORE, ...headers } });
}

/** 200 with ready JSON that nobody may keep. */
export function jsonReply(body: string): Response {
  return new Response(body, { headers: NO_STORE });
}

/** The answer, with further headers (null: none). */
export function withHeaders(answer: Response, headers: Readonly<Record<string, string>> | null): Response {
  for (const name in headers) answer.headers.set(name, headers[name] ?? '');
  return answer;
}

/** 200 without a body (RFC 7009 §2.2). */
export function emptyReply(headers: Readonly<Record<string, string>> | null): Response {
  return new Response(null, { headers: { 'cache-control': 'no-store', pragma: 'no-cache', ...headers } });
}

/** How clients may authenticate, for every 401 (RFC 7617 §2). */
export const BASIC_CHALLENGE = 'Basic realm="crypto-server", charset="UTF-8"';

/** The refusal of RFC 6749 §5.2; every 401 names the scheme by which a client may authenticate. */
export function errorReply({ code, description, headers }: OAuthError): Response {
  const { status } = OAUTH_ERRORS[code];
  const challenge = status === 401 ? { 'www-authenticate': BASIC_CHALLENGE } : {};
  const body = JSON.stringify({ error: code, error_description: description });
  return new Response(body, { status, headers: { ...NO_STORE, ...challenge, ...headers } });
}
