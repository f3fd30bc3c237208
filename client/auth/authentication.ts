import { ASSERTION_TYPE } from './assertion';
import type { TokenEndpoint } from './discovery';
import { TokenError } from './token';

/** A client id and its secret. */
export interface ClientSecret {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** How a client says who it is: by a secret, or by an assertion that it signs for this issuer (RFC 7523). */
export type Authentication =
  | ({ readonly kind: 'secret' } & ClientSecret)
  | { readonly kind: 'assertion'; readonly clientId: string; readonly assertion: string };

/** What is asked for beside the grant. */
export interface Asked {
  /** Scopes separated by spaces; null: all that the client may have. */
  readonly scope: string | null;
  /** The resource server that the token is for (RFC 8707); null: the usual one. */
  readonly resource: string | null;
}

/** The token request (RFC 6749 §4.4.2), the client authenticated in the endpoint's own way. Throws {@link TokenError}. */
export function tokenRequest(endpoint: TokenEndpoint, who: Authentication, asked: Asked, signal: AbortSignal): Request {
  const headers = new Headers({ accept: 'application/json' });
  const parameters: Record<string, string> = { grant_type: 'client_credentials' };
  if (asked.scope !== null) parameters['scope'] = asked.scope;
  if (asked.resource !== null) parameters['resource'] = asked.resource;
  const isJson = endpoint.style === 'json';
  if (who.kind === 'assertion') {
    if (isJson) throw new TokenError({ kind: 'malformed', detail: 'it has no metadata, and so takes secrets alone' });
    parameters['client_id'] = who.clientId;
    parameters['client_assertion_type'] = ASSERTION_TYPE;
    parameters['client_assertion'] = who.assertion;
  } else if (endpoint.style === 'keys')
    throw new TokenError({ kind: 'malformed', detail: 'it takes keys (private_key_jwt) and no secrets' });
  else if (endpoint.style === 'basic') headers.set('authorization', basic(who));
  else {
    parameters['client_id'] = who.clientId;
    parameters['client_secret'] = who.clientSecret;
  }
  headers.set('content-type', isJson ? 'application/json' : 'application/x-www-form-urlencoded');
  const body = isJson ? shortForm(parameters) : new URLSearchParams(parameters).toString();
  // A redirect would carry the secret to an address that nobody configured.
  return new Request(endpoint.url, { method: 'POST', headers, body, signal, redirect: 'manual' });
}

/** `Authorization: Basic` with id and secret form-encoded before they are joined (RFC 6749 §2.3.1). */
export function basic({ clientId, clientSecret }: ClientSecret): string {
  const pair = `${formEncode(clientId)}:${formEncode(clientSecret)}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

/** The short JSON form: servers that know it alone need not know of grant types. */
function shortForm({ grant_type: _, ...parameters }: Record<string, string>): string {
  return JSON.stringify(parameters);
}

/** `application/x-www-form-urlencoded` of one value. */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
