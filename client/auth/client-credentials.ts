import type { Clock, Deadline, Fetch } from '../ports';
import { busy, quote, readObject, send } from './answer';
import type { TokenEndpoint } from './discovery';
import {
  type AccessToken,
  OAUTH_ERRORS,
  type OAuthError,
  TokenError,
  type TokenSource,
  type TokenTrouble,
} from './token';

/** A client id and its secret. */
export interface Credential {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Longest wait for an answer of the token endpoint, in milliseconds. */
export const TOKEN_DEADLINE_MS = 10_000;

/** Life of a token whose end nobody states: renewal on `invalid_token` mends a guess that is too long. */
export const ASSUMED_LIFE_MS = 300_000;

/** What {@link clientCredentials} needs. */
export interface ClientCredentialsDeps {
  readonly endpoint: () => Promise<TokenEndpoint>;
  readonly credential: Credential;
  readonly fetch: Fetch;
  readonly deadline: Deadline;
  readonly clock: Pick<Clock, 'now'>;
}

/** A source that asks the token endpoint each time (RFC 6749 §4.4): find it, send, judge. */
export function clientCredentials(deps: ClientCredentialsDeps): TokenSource {
  return {
    async token() {
      const endpoint = await deps.endpoint();
      const request = tokenRequest(endpoint, deps.credential, deps.deadline(TOKEN_DEADLINE_MS));
      const outcome = await judgeTokenAnswer(await send(deps.fetch, request), deps.clock.now());
      if (outcome.kind === 'granted') return outcome.token;
      throw new TokenError(outcome);
    },
  };
}

/** The token request (RFC 6749 §4.4.2), the client authenticated in the endpoint's own way. */
export function tokenRequest(endpoint: TokenEndpoint, credential: Credential, signal: AbortSignal): Request {
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  const headers = new Headers({ accept: 'application/json' });
  if (endpoint.style === 'basic') headers.set('authorization', basic(credential));
  if (endpoint.style === 'post') {
    form.set('client_id', credential.clientId);
    form.set('client_secret', credential.clientSecret);
  }
  const json = JSON.stringify({ client_id: credential.clientId, client_secret: credential.clientSecret });
  const body = endpoint.style === 'json' ? json : form.toString();
  headers.set('content-type', endpoint.style === 'json' ? 'application/json' : 'application/x-www-form-urlencoded');
  // A redirect would carry the secret to an address that nobody configured.
  return new Request(endpoint.url, { method: 'POST', headers, body, signal, redirect: 'manual' });
}

/** `Authorization: Basic` with id and secret form-encoded before they are joined (RFC 6749 §2.3.1). */
export function basic(credential: Credential): string {
  const pair = `${formEncode(credential.clientId)}:${formEncode(credential.clientSecret)}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

/** What came of a token request. */
export type TokenOutcome = { readonly kind: 'granted'; readonly token: AccessToken } | TokenTrouble;

/** Judges the answer of a token endpoint (RFC 6749 §5.1, §5.2). Never throws. */
export async function judgeTokenAnswer(response: Response, nowMs: number): Promise<TokenOutcome> {
  const passing = busy(response, nowMs);
  if (passing !== null) return passing;
  const body = await readObject(response);
  if (response.status >= 400) return refusal(response.status, body);
  if (response.status !== 200) return malformed(`the token endpoint answers with status ${response.status}`);
  if (body === null) return malformed('the token answer is not a JSON object of reasonable size');
  const { access_token: value, token_type: type, scope } = body;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    return malformed('the token answer has no access_token');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') return malformed('the token is not of type Bearer');
  const expiresAtMs = nowMs + (statedLifeMs(body['expires_in']) ?? jwtLifeMs(value, nowMs) ?? ASSUMED_LIFE_MS);
  const token = { value, obtainedAtMs: nowMs, expiresAtMs, scope: typeof scope === 'string' ? scope : null };
  return { kind: 'granted', token };
}

function refusal(status: number, body: Readonly<Record<string, unknown>> | null): TokenTrouble {
  const named = OAUTH_ERRORS.find((code) => code === body?.['error']);
  // Servers from before the standard send no code; the status alone then tells whom they mean.
  const error: OAuthError = named ?? (status === 401 ? 'invalid_client' : 'invalid_request');
  const description = quote(body?.['error_description'] ?? body?.['detail']);
  return { kind: 'refused', error, description };
}

function malformed(detail: string): TokenTrouble {
  return { kind: 'malformed', detail };
}

function statedLifeMs(expiresIn: unknown): number | null {
  const seconds = typeof expiresIn === 'string' && /^\d{1,10}$/.test(expiresIn) ? Number(expiresIn) : expiresIn;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

/** Life by the token's own claims. Against its `iat` where there is one: the two clocks need not agree then. */
function jwtLifeMs(token: string, nowMs: number): number | null {
  const payload = token.split('.')[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return null;
    const { exp } = claims;
    const start = 'iat' in claims && typeof claims.iat === 'number' ? claims.iat * 1000 : nowMs;
    return typeof exp === 'number' && Number.isFinite(exp) ? Math.max(0, exp * 1000 - start) : null;
  } catch {
    return null;
  }
}

/** `application/x-www-form-urlencoded` of one value. */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
