import { decodeProtectedHeader } from 'jose';
import { Problem } from '../../kit/http/problem';
import type { Clients } from '../clients/service';
import { bearerChallenge, type ChallengeParameters, parseBearer } from '../oauth/bearer';
import type { Tell } from '../oauth/event';
import { queryOf } from '../oauth/query';
import type { Keyring } from './keys';
import { type AccessClaims, readClaims } from './model';

/**
 * Stands before an answer of a protected resource (RFC 6750): gives what `answer` makes once the request is admitted, at
 * once when its token was verified before. It is called in each handler, because a hook would make every one of them wait.
 * @throws Problem 400, 401 or 403 with the challenge of RFC 6750 §3.
 */
export type Guard = (request: Request, answer: (claims: AccessClaims) => Response) => Response | Promise<Response>;

/** What a guard is told of the resource. */
export interface GuardOptions {
  readonly keyring: Pick<Keyring, 'verify'>;
  readonly clients: Pick<Clients, 'isCurrent'>;
  readonly issuer: string;
  readonly audience: string;
  readonly scope: string;
  /** Where RFC 9728 metadata of the resource is. */
  readonly metadataUrl: string;
  readonly now: () => number;
  readonly tell: Tell;
}

/** Tokens remembered, in characters of token: some ten thousand. A token is about 600 characters. */
const REMEMBERED_CHARACTERS_MAX = 8 * 1024 * 1024;

/** A longer token is nobody's of ours, and is not worth the work of verifying it. */
const TOKEN_CHARACTERS_MAX = 4_096;

/**
 * The guard of one resource and one scope. The signature of the very same token is verified once: the same bytes under
 * the same keys cannot come out differently. All that can change (time, revocation) is checked on every request.
 */
export function createGuard(options: GuardOptions): Guard {
  const { keyring, clients, issuer, audience, scope, metadataUrl, now, tell } = options;
  const remembered = createTokenMemory(REMEMBERED_CHARACTERS_MAX);
  const challenge = { realm: 'crypto-server', resource_metadata: metadataUrl };

  const refuse = (reason: string, request: Request): Problem => {
    void tell({ event: 'resource_access', outcome: 'failure', reason }, request);
    return invalidToken(challenge);
  };
  const admit = (claims: AccessClaims, request: Request): AccessClaims => {
    if (claims.expiresAt * 1000 <= now()) throw refuse('token_expired', request);
    if (!clients.isCurrent(claims.clientId, claims.epoch)) throw refuse('client_disabled', request);
    if (!claims.scopes.includes(scope)) throw insufficientScope(challenge, scope);
    return claims;
  };
  const verify = async (token: string, request: Request): Promise<AccessClaims> => {
    const kid = token.length > TOKEN_CHARACTERS_MAX ? null : readKid(token);
    if (kid === null) throw refuse('token_malformed', request);
    const payload = await keyring.verify(token, kid, { issuer, audience, nowMs: now() });
    const claims = payload && readClaims(payload);
    if (claims === null) throw refuse('token_not_valid_here', request);
    return admit(claims, request);
  };

  const readToken = (authorization: string | null, query: string): string => {
    const bearer = parseBearer(authorization, query);
    if (bearer.kind === 'none') throw unauthenticated(challenge);
    if (bearer.kind === 'malformed') throw malformed(challenge, bearer.reason);
    return bearer.token;
  };

  return (request, answer) => {
    const authorization = request.headers.get('authorization');
    const query = queryOf(request.url);
    // A header that was read before need not be read again; a query may hold a token, which would be one too many.
    const known = authorization === null || query.includes('access_token') ? undefined : remembered.get(authorization);
    if (known !== undefined) return answer(admit(known, request));
    const token = readToken(authorization, query);
    return verify(token, request).then((claims) => {
      if (authorization !== null) remembered.add(authorization, claims);
      return answer(claims);
    });
  };
}

/** `Authorization` values with verified tokens, oldest out first, bounded by their length. */
function createTokenMemory(charactersMax: number) {
  const claimsOf = new Map<string, AccessClaims>();
  let characters = 0;
  return {
    get: (authorization: string): AccessClaims | undefined => claimsOf.get(authorization),
    add: (authorization: string, claims: AccessClaims): void => {
      if (!claimsOf.has(authorization)) characters += authorization.length;
      claimsOf.set(authorization, claims);
      for (const oldest of claimsOf.keys()) {
        if (characters <= charactersMax) return;
        claimsOf.delete(oldest);
        characters -= oldest.length;
      }
    },
  };
}

/** The `kid` of a JWS header (RFC 7515 §4.1.4), not yet verified; null when there is none to read. */
function readKid(token: string): string | null {
  try {
    return decodeProtectedHeader(token).kid ?? null;
  } catch {
    return null;
  }
}

function unauthenticated(challenge: ChallengeParameters): Problem {
  const detail = 'This resource needs an access token in the Authorization header: Bearer <token>.';
  return new Problem(401, 'Unauthorized', detail, { 'www-authenticate': bearerChallenge(challenge) });
}

function malformed(challenge: ChallengeParameters, reason: string): Problem {
  const error = { ...challenge, error: 'invalid_request', error_description: reason };
  return new Problem(400, 'Bad Request', reason, { 'www-authenticate': bearerChallenge(error) });
}

function invalidToken(challenge: ChallengeParameters): Problem {
  const detail = 'The access token is malformed, expired, revoked or not meant for this resource; obtain a new one.';
  const error = { ...challenge, error: 'invalid_token', error_description: detail };
  return new Problem(401, 'Unauthorized', detail, { 'www-authenticate': bearerChallenge(error) });
}

function insufficientScope(challenge: ChallengeParameters, scope: string): Problem {
  const detail = `The access token does not have the scope ${scope}.`;
  const error = { ...challenge, error: 'insufficient_scope', error_description: detail, scope };
  return new Problem(403, 'Forbidden', detail, { 'www-authenticate': bearerChallenge(error) });
}
