import type { Fetch } from '../ports';
import type { AccessToken } from './token';

/** What the wrapper needs of a token cache. */
export interface RenewableTokens {
  token(): Promise<AccessToken>;
  /** A token other than the rejected one, or that same one when it was renewed a moment ago already. */
  renew(rejected: string): Promise<AccessToken>;
}

/**
 * A fetch that adds the access token (RFC 6750 §2.1) to a copy of the request. When the server no longer takes the
 * token, it is renewed once and the request repeated once; a missing scope is not mended by a new token.
 * Rejects with `TokenError` when there is no token, else as the fetch it wraps.
 */
export function authorizedFetch(inner: Fetch, tokens: RenewableTokens): Fetch {
  return async (request) => {
    const token = await tokens.token();
    const response = await inner(withToken(request, token));
    if (!isTokenRejected(response)) return response;
    const renewed = await tokens.renew(token.value);
    if (renewed.value === token.value) return response;
    await response.body?.cancel();
    return inner(withToken(request, renewed));
  };
}

/** On a copy, so that the body is still there for the repetition. */
function withToken(request: Request, token: AccessToken): Request {
  const copy = request.clone() as Request; // Bun's own types name another Request here.
  copy.headers.set('authorization', `Bearer ${token.value}`);
  return copy;
}

/**
 * 401 with `error="invalid_token"` (RFC 6750 §3.1), or without any code: since a token was sent, a server that says
 * nothing more can only mean the token.
 */
export function isTokenRejected(response: Response): boolean {
  if (response.status !== 401) return false;
  const error = challengeParameter(response.headers.get('www-authenticate') ?? '', 'error');
  return error === null || error === 'invalid_token';
}

/** A parameter of a challenge (RFC 9110 §11.2). Quoted values are stepped over, so their text is never taken for one. */
function challengeParameter(challenge: string, name: string): string | null {
  for (const [, key, quoted, bare] of challenge.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
    if (key?.toLowerCase() === name) return quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
  }
  return null;
}
