import type { Fetch } from '../ports';
import type { Route } from '../servers/failover';
import type { AccessToken } from './token';

/** What the wrapper needs of a token cache. */
export interface RenewableTokens {
  token(): Promise<AccessToken>;
  /** A token other than the rejected one, or that same one when it was renewed a moment ago already. */
  renew(rejected: string): Promise<AccessToken>;
}

/** Tokens, and how they are shown. */
export interface Tokens extends RenewableTokens {
  /** Puts the token, and the proof of its key where it is bound to one, on these headers of a request (RFC 6750 §2.1, RFC 9449 §7.1). */
  authorize(
    headers: Headers,
    request: { readonly method: string; readonly url: string },
    token: AccessToken,
  ): Promise<void>;
  /** Takes the nonce of an answer (RFC 9449 §8.2). @returns whether it is news, so that a request refused for want of it may be repeated. */
  heard(response: Response, url: string): boolean;
}

/** Sends one request with a token. `once`: its body cannot be kept, so that nothing is repeated. */
export type AuthorizedFetch = (request: Request, once?: boolean) => Promise<Response>;

/**
 * A fetch that adds the access token to a copy of the request. When the server no longer takes the token, it is renewed
 * once and the request repeated once; a missing scope is not mended by a new token. A request refused for want of the
 * server's nonce is repeated once with it. `route` chooses the server, since a proof is for one address alone.
 * Rejects with `TokenError` when there is no token, else as the fetch it wraps.
 */
export function authorizedFetch(inner: Fetch, tokens: Tokens, route: Route): AuthorizedFetch {
  const send = async (request: Request, token: AccessToken, once: boolean): Promise<Response> => {
    const again = once || request.body === null ? request : (request.clone() as Request); // Bun's own types name another one.
    await tokens.authorize(request.headers, request, token);
    const response = await inner(request);
    const isNews = tokens.heard(response, request.url);
    if (once || !isNews || !wantsNonce(response)) return response;
    await response.body?.cancel();
    await tokens.authorize(again.headers, request, token);
    const repeated = await inner(again);
    tokens.heard(repeated, request.url);
    return repeated;
  };
  const attempt = (request: Request, token: AccessToken, once: boolean): Promise<Response> =>
    route(request, (routed) => send(routed, token, once), once);
  return async (request, once = false) => {
    const token = await tokens.token();
    const response = await attempt(request, token, once);
    if (once || !isTokenRejected(response)) return response;
    const renewed = await tokens.renew(token.value);
    if (renewed.value === token.value) return response;
    await response.body?.cancel();
    return attempt(request, renewed, once);
  };
}

/** True for a refusal that a proof with the server's nonce mends (RFC 9449 §9). */
export function wantsNonce(response: Response): boolean {
  return response.status === 401 && challengeParameter(response, 'error') === 'use_dpop_nonce';
}

/**
 * 401 with `error="invalid_token"` (RFC 6750 §3.1), or without any code: since a token was sent, a server that says
 * nothing more can only mean the token.
 */
export function isTokenRejected(response: Response): boolean {
  if (response.status !== 401) return false;
  const error = challengeParameter(response, 'error');
  return error === null || error === 'invalid_token';
}

/** A parameter of a challenge (RFC 9110 §11.2). Quoted values are stepped over, so their text is never taken for one. */
function challengeParameter(response: Response, name: string): string | null {
  const challenge = response.headers.get('www-authenticate') ?? '';
  for (const [, key, quoted, bare] of challenge.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
    if (key?.toLowerCase() === name) return quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
  }
  return null;
}
