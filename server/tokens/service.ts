import { Problem } from '../../kit/http/problem';
import type { Authentication, ClientRequest } from '../clients/authentication';
import { invalidRequest, OAuthError } from '../oauth/errors';
import { type Parameters, parseForm, parseJson } from '../oauth/form';
import type { TokenAnswer } from '../oauth/reply';
import { formatScope, parseScope } from '../oauth/scope';
import type { Keyring } from './keys';

/** Without news of changed clients for this long, no token is issued: a disabled one could still get it. */
export const CHANGES_SILENT_MAX_MS = 5_000;

/** What a caller is told to wait while the database is away, in seconds. */
export const AWAY_RETRY_AFTER_SECONDS = 2;

/** A token request as it came in. */
export interface RawTokenRequest extends Omit<ClientRequest, 'parameters'> {
  readonly contentType: string;
  /** The query string without `?`. */
  readonly query: string;
  readonly body: string;
}

/** Issues access tokens. */
export interface Tokens {
  /** The token endpoint (RFC 6749 §4.4). @throws OAuthError as RFC 6749 §5.2 says; Problem 503 when the database is away or the server busy. */
  issue(request: RawTokenRequest): Promise<TokenAnswer>;
}

/** What is asked of a client that is who it says. */
export interface TokenClient {
  readonly clientId: string;
  readonly epoch: number;
  readonly grants: Readonly<Record<string, readonly string[]>>;
}

/** What the service stands on. */
export interface TokensOptions {
  readonly authentication: Authentication<TokenClient>;
  readonly keyring: Pick<Keyring, 'sign'>;
  readonly issuer: string;
  /** The one resource server whose tokens are issued here. */
  readonly audience: string;
  readonly ttlSeconds: number;
  readonly now: () => number;
  readonly newId: () => string;
  /** Milliseconds since the change feed last proved alive. */
  readonly silentMs: () => number;
}

/** The token service of the client-credentials grant. */
export function createTokens(options: TokensOptions): Tokens {
  const { authentication, keyring, issuer, audience, ttlSeconds, now, newId, silentMs } = options;
  return {
    issue: async (request) => {
      refuseSecretInQuery(request.query);
      const parameters = parseParameters(request);
      checkGrantType(parameters, isJson(request.contentType));
      if (silentMs() > CHANGES_SILENT_MAX_MS) throw databaseAway();
      const { authorization, certificate, address } = request;
      const { client } = await authentication.authenticate({ authorization, parameters, certificate, address });
      checkResource(parameters, audience);
      const scope = formatScope(grantScopes(parameters.get('scope')?.[0], client.grants['/api/currency'] ?? []));
      const token = await keyring.sign({
        iss: issuer,
        sub: client.clientId,
        aud: audience,
        // `iat` is written by the plugin that signs, from the clock of this machine, whatever it is given.
        exp: Math.floor(now() / 1000) + ttlSeconds,
        jti: newId(),
        client_id: client.clientId,
        scope,
        epoch: client.epoch,
      });
      return { access_token: token, token_type: 'Bearer', expires_in: ttlSeconds, scope };
    },
  };
}

/** The answer while clients cannot be looked up or news of them may be missing. */
export function databaseAway(): Problem {
  const detail = 'The database is not reachable; try again.';
  return new Problem(503, 'Service Unavailable', detail, { 'retry-after': String(AWAY_RETRY_AFTER_SECONDS) });
}

/** A secret in a URL has been written to somebody's log (RFC 6749 §2.3.1: it MUST NOT be there). */
function refuseSecretInQuery(query: string): void {
  if (/(?:^|&)client_secret=/.test(query))
    throw invalidRequest('The client_secret is in the query string; send it in the body.');
}

function isJson(contentType: string): boolean {
  return mediaType(contentType) === 'application/json';
}

function mediaType(contentType: string): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function parseParameters({ contentType, body }: RawTokenRequest): Parameters {
  if (isJson(contentType)) return parseJson(body);
  if (mediaType(contentType) === 'application/x-www-form-urlencoded') return parseForm(body);
  throw invalidRequest('Send the request as application/x-www-form-urlencoded or application/json.');
}

/** Only the JSON short form may leave the grant type out. */
function checkGrantType(parameters: Parameters, optional: boolean): void {
  const grantType = parameters.get('grant_type')?.[0];
  if (grantType === undefined && optional) return;
  if (grantType === undefined) throw invalidRequest('The grant_type parameter is missing.');
  if (grantType !== 'client_credentials') throw new OAuthError('unsupported_grant_type', 'grant_type_unsupported');
}

function checkResource(parameters: Parameters, audience: string): void {
  const asked = parameters.get('resource') ?? [];
  if (asked.length > 1) throw new OAuthError('invalid_target', 'resource_repeated');
  if (asked.some((resource) => resource !== audience)) throw new OAuthError('invalid_target', 'resource_unknown');
}

/** What was asked for, or else all that was granted; never silently less (RFC 6749 §3.3 allows it, callers do not expect it). */
function grantScopes(asked: string | undefined, granted: readonly string[]): readonly string[] {
  if (asked === undefined) return granted;
  const scopes = parseScope(asked);
  if (scopes === null) throw new OAuthError('invalid_scope', 'scope_malformed');
  if (!scopes.every((scope) => granted.includes(scope))) throw new OAuthError('invalid_scope', 'scope_not_granted');
  return scopes;
}
