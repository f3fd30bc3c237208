import type { Clock, Fetch } from '../ports';
import type { Servers } from '../servers/servers';
import { busy, quote, readObject, send } from './answer';
import { type Asked, type Authentication, tokenRequest } from './authentication';
import type { TokenEndpoint } from './discovery';
import type { Prover } from './dpop';
import type { ServerTime } from './server-time';
import {
  type AccessToken,
  OAUTH_ERRORS,
  type OAuthError,
  TokenError,
  type TokenSource,
  type TokenTrouble,
} from './token';

/** Longest wait for a token, in milliseconds, over all servers. */
export const TOKEN_DEADLINE_MS = 10_000;

/** Life of a token whose end nobody states: renewal on `invalid_token` mends a guess that is too long. */
export const ASSUMED_LIFE_MS = 300_000;

/** Longest life that is believed, in milliseconds, a year: what is longer is no moment that can be written any more, and costs one request a year. */
export const LIFE_MAX_MS = 31_536_000_000;

/** One way of authenticating, made anew for each request: an assertion is good once. */
export interface Proof {
  readonly authenticate: (issuer: string) => Promise<Authentication>;
  /** Told when a token was granted by it. */
  readonly worked: () => void;
}

/** What {@link clientCredentials} needs. */
export interface ClientCredentialsDeps {
  readonly servers: Pick<Servers, 'run' | 'issuer'>;
  /** What the client may show, best first: the next is tried when the server does not take the one before. */
  readonly proofs: () => readonly Proof[];
  readonly asked: Asked;
  /** Binds the tokens to a key; null: they are plain. */
  readonly prover: Prover | null;
  /** By which proofs and assertions are dated. */
  readonly time: ServerTime;
  readonly fetch: Fetch;
  readonly clock: Pick<Clock, 'now'>;
}

/** A source that asks the token endpoint each time (RFC 6749 §4.4): find it, send, judge. */
export function clientCredentials(deps: ClientCredentialsDeps): TokenSource {
  return {
    async token() {
      let refused: TokenTrouble = { kind: 'malformed', detail: 'there is nothing to authenticate with' };
      for (const proof of deps.proofs()) {
        const outcome = await deps.servers.run(
          async (server, signal) => {
            const outcome = await ask(await server.endpoint(), proof, signal, deps);
            // A refusal is the answer of all servers; what else went wrong another one may do better.
            if (outcome.kind === 'granted' || outcome.kind === 'refused') return outcome;
            throw new TokenError(outcome);
          },
          { deadlineMs: TOKEN_DEADLINE_MS },
        );
        if (outcome.kind === 'granted') {
          proof.worked();
          return outcome.token;
        }
        if (outcome.error !== 'invalid_client') throw new TokenError(outcome);
        refused = outcome;
      }
      throw new TokenError(refused);
    },
  };
}

/** One token request; again when the server wants its nonce in the proof (RFC 9449 §8), or has another time than what was dated by ours. */
async function ask(
  endpoint: TokenEndpoint,
  { authenticate }: Proof,
  signal: AbortSignal,
  { servers, asked, prover, time, fetch, clock }: ClientCredentialsDeps,
): Promise<TokenOutcome> {
  for (let [nonces, times] = [0, 0]; ; ) {
    const who = await authenticate(servers.issuer);
    const request = tokenRequest(endpoint, who, asked, signal);
    if (prover !== null) request.headers.set('dpop', await prover.proof(request, null));
    const response = await send(fetch, request);
    const isNews = prover?.heard(response, endpoint.url) ?? false;
    const shown = who.kind === 'secret' ? who.clientSecret : null;
    const outcome = await judgeTokenAnswer(response, clock.now(), prover !== null, shown);
    const error = outcome.kind === 'refused' ? outcome.error : null;
    const mayBeTime = error === 'invalid_dpop_proof' || (error === 'invalid_client' && who.kind === 'assertion');
    if (error === 'use_dpop_nonce' && isNews && nonces === 0) nonces += 1;
    else if (mayBeTime && times === 0 && time.learn(response)) times += 1;
    else {
      // What the other time does not mend, ours must not be blamed for.
      if (times > 0 && mayBeTime) time.forget();
      return outcome;
    }
  }
}

/** What came of a token request. */
export type TokenOutcome = { readonly kind: 'granted'; readonly token: AccessToken } | TokenTrouble;

/**
 * Judges the answer of a token endpoint (RFC 6749 §5.1, §5.2; RFC 9449 §5 when the token must be bound to a key). Rejects as {@link readObject} and in no other way.
 * `shown` is the secret that was sent: words of the server that hold it are not repeated.
 */
export async function judgeTokenAnswer(
  response: Response,
  nowMs: number,
  bound = false,
  shown: string | null = null,
): Promise<TokenOutcome> {
  const passing = busy(response, nowMs);
  if (passing !== null) return passing;
  const body = await readObject(response);
  const refused = refusal(response.status, body, shown);
  if (refused !== null) return refused;
  if (response.status !== 200) return malformed(`the token endpoint answers with status ${response.status}`);
  if (body === null) return malformed('the token answer is not a JSON object of reasonable size');
  const { access_token: value, token_type: type, scope } = body;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    return malformed('the token answer has no access_token');
  const wanted = bound ? 'DPoP' : 'Bearer';
  if (typeof type !== 'string' || type.toLowerCase() !== wanted.toLowerCase())
    return malformed(`the token is not of type ${wanted}`);
  const lifeMs = statedLifeMs(body['expires_in']) ?? jwtLifeMs(value, nowMs) ?? ASSUMED_LIFE_MS;
  const expiresAtMs = nowMs + Math.min(lifeMs, LIFE_MAX_MS);
  const granted = typeof scope === 'string' ? scope : null;
  return { kind: 'granted', token: { value, type: wanted, obtainedAtMs: nowMs, expiresAtMs, scope: granted } };
}

/** Servers from before the standard send no code; these statuses alone then mean the client. Any other is of something in between, as while a server is updated. */
const PLAIN_REFUSALS: readonly number[] = [400, 401, 403, 422];

function refusal(
  status: number,
  body: Readonly<Record<string, unknown>> | null,
  shown: string | null,
): TokenTrouble | null {
  const named = status < 400 ? undefined : OAUTH_ERRORS.find((code) => code === body?.['error']);
  if (named === undefined && !PLAIN_REFUSALS.includes(status)) return null;
  const error: OAuthError = named ?? (status === 401 ? 'invalid_client' : 'invalid_request');
  const said = body?.['error_description'] ?? body?.['detail'];
  return { kind: 'refused', error, description: quote(said, shown === null ? [] : [shown]) };
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
    if (typeof exp !== 'number' || !Number.isFinite(exp)) return null;
    if ('iat' in claims && typeof claims.iat === 'number') return Math.max(0, (exp - claims.iat) * 1000);
    // No server gives out a token that is over: the clock here is wrong, and says nothing of its life.
    const lifeMs = exp * 1000 - nowMs;
    return lifeMs > 0 ? lifeMs : null;
  } catch {
    return null;
  }
}
