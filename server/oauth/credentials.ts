import { invalidRequest, OAuthError } from './errors';
import { decodeForm, hasControl, type Parameters } from './form';

/** How a client says who it is (RFC 6749 §2.3.1). */
export interface Credentials {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * Client authentication of a request: exactly one method at a time (RFC 6749 §2.3).
 * @throws OAuthError invalid_request when two methods are used or the Basic header is malformed; invalid_client when
 * there is none, or one that is not supported.
 */
export function parseCredentials(authorization: string | null, parameters: Parameters): Credentials {
  const clientId = parameters.get('client_id')?.[0];
  const clientSecret = parameters.get('client_secret')?.[0];
  if (authorization !== null) {
    if (!/^basic(?: |$)/i.test(authorization))
      throw new OAuthError('invalid_client', 'authorization_scheme_unsupported');
    const basic = parseBasic(authorization);
    if (clientSecret !== undefined) throw invalidRequest('The client authenticates in two ways at once; use one.');
    if (clientId !== undefined && clientId !== basic.clientId) {
      throw invalidRequest('The client_id parameter differs from the one in the Authorization header.');
    }
    return basic;
  }
  if (clientId === undefined || clientSecret === undefined)
    throw new OAuthError('invalid_client', 'credentials_missing');
  return { method: 'client_secret_post', clientId, clientSecret };
}

/**
 * `Basic base64(form(id):form(secret))` (RFC 6749 §2.3.1, RFC 7617): both parts are form-decoded once.
 * @throws OAuthError invalid_request when the header does not follow that grammar.
 */
export function parseBasic(authorization: string): Credentials {
  const encoded = authorization.slice('basic '.length).trim();
  const text = decodeBase64(encoded);
  const colon = text?.indexOf(':') ?? -1;
  if (text === null || colon < 0 || hasControl(text))
    throw invalidRequest('The Basic Authorization header is malformed.');
  const clientId = decodeForm(text.slice(0, colon));
  const clientSecret = decodeForm(text.slice(colon + 1));
  if (hasControl(clientId) || hasControl(clientSecret)) {
    throw invalidRequest('The Basic Authorization header contains a control character.');
  }
  return { method: 'client_secret_basic', clientId, clientSecret };
}

/** Base64 (RFC 4648 §4, padding optional) of UTF-8 → text; null when it is neither. */
function decodeBase64(encoded: string): string | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, 'base64'));
  } catch {
    return null;
  }
}
