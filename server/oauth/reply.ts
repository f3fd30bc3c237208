import { OAUTH_ERRORS, type OAuthError } from './errors';

/** Answers with tokens or errors are never stored by anyone (RFC 6749 §5.1). */
const NO_STORE = { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' };

/** A token answer (RFC 6749 §5.1). `expires_in` is in seconds. */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
}

/** 200 with the token. */
export function tokenReply(answer: TokenAnswer): Response {
  return new Response(JSON.stringify(answer), { headers: NO_STORE });
}

/** The refusal of RFC 6749 §5.2; every 401 names the scheme by which a client may authenticate. */
export function errorReply({ code, description }: OAuthError): Response {
  const { status } = OAUTH_ERRORS[code];
  const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="crypto-server", charset="UTF-8"' } : {};
  const body = JSON.stringify({ error: code, error_description: description });
  return new Response(body, { status, headers: { ...NO_STORE, ...challenge } });
}
