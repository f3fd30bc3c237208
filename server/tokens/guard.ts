import { pathOf } from '../../kit/http/url-path';
import type { Take } from '../../kit/limit';
import { parsePresented, type Scheme } from '../oauth/bearer';
import { OAuthError } from '../oauth/errors';
import type { Tell } from '../oauth/event';
import { hasParameter, queryOf } from '../oauth/query';
import { withHeaders } from '../oauth/reply';
import type { Reason } from '../oauth/words';
import type { AccessTokens } from './access';
import { Challenge, createRefusals } from './challenges';
import { charged } from './charged';
import type { AccessClaims, Binding } from './model';
import type { Proofs, Proven } from './proofs';

/** A request that may go on: the claims of its token, and headers that its answer is to carry. */
export interface Admitted {
  readonly claims: AccessClaims;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Stands before an answer of a protected resource (RFC 6750): gives what `answer` makes once the request is admitted, at
 * once when its token was verified before. The answer gets `headers`; they are named for one that is no `Response`. It is called in each handler, because a hook would make every one of them wait.
 * @throws Problem 400, 401 or 403 with the challenge of RFC 6750 §3 or RFC 9449 §7.1; 429 beyond the client's limit.
 */
export type Guard = (
  request: Request,
  answer: (claims: AccessClaims, headers: Readonly<Record<string, string>>) => Response | Promise<Response>,
) => Response | Promise<Response>;

/** What a guard is told of the resource, and what it asks. */
export interface GuardOptions {
  readonly tokens: Pick<AccessTokens, 'recall' | 'read' | 'endOf'>;
  readonly proofs: Proofs;
  readonly audience: string;
  readonly scope: string;
  /** Where RFC 9728 metadata of the resource is; null: there are none. */
  readonly metadataUrl: string | null;
  /** `x5t#S256` of the client certificate that a trusted proxy passed on; null: there is none. */
  readonly certificate: (request: Request) => string | null;
  /** One more request of this client; null: there is no limit. */
  readonly take: Take<string> | null;
  readonly tell: Tell;
}

const NO_HEADERS = {};

/**
 * Admits requests to one resource with one scope, or gives the refusal; for those who answer by other means than a
 * {@link Guard}. @throws Problem 429 beyond the client's limit, 503.
 */
export function createAdmission(options: GuardOptions): (request: Request) => Promise<Admitted | Challenge> {
  const checks = createChecks(options);
  return async (request) => {
    try {
      return await checks.admit(request, request.headers.get('authorization'), queryOf(request.url));
    } catch (error) {
      if (error instanceof Challenge) return error;
      throw error;
    }
  };
}

/** The guard of one resource and one scope. */
export function createGuard(options: GuardOptions): Guard {
  const { tokens, take } = options;
  const checks = createChecks(options);
  const admitFirst: Guard = async (request, answer) => {
    const authorization = request.headers.get('authorization');
    const { claims, headers } = await checks.admit(request, authorization, queryOf(request.url));
    try {
      return withHeaders(await answer(claims, headers), headers);
    } catch (error) {
      throw charged(error, claims.clientId, headers);
    }
  };
  return (request, answer) => {
    const authorization = request.headers.get('authorization');
    // A header that was read before need not be read again; a query may hold a token, which would be one too many.
    const known =
      authorization === null || hasParameter(queryOf(request.url), 'access_token')
        ? undefined
        : tokens.recall(authorization);
    if (known === undefined || known.binding !== null) return admitFirst(request, answer);
    checks.inForce(known, 'Bearer', request);
    if (take === null) return answer(known, NO_HEADERS);
    const taken = take(known.clientId);
    return taken instanceof Promise
      ? taken.then((headers) => answerWith(headers, known, answer))
      : answerWith(taken, known, answer);
  };
}

type Answer = Parameters<Guard>[1];

function answerWith(
  headers: Readonly<Record<string, string>>,
  claims: AccessClaims,
  answer: Answer,
): Response | Promise<Response> {
  try {
    const response = answer(claims, headers);
    return response instanceof Promise ? finish(response, claims.clientId, headers) : withHeaders(response, headers);
  } catch (error) {
    throw charged(error, claims.clientId, headers);
  }
}

async function finish(
  answer: Promise<Response>,
  clientId: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  try {
    return withHeaders(await answer, headers);
  } catch (error) {
    throw charged(error, clientId, headers);
  }
}

function createChecks({ tokens, proofs, audience, scope, metadataUrl, certificate, take, tell }: GuardOptions) {
  const metadata = metadataUrl === null ? {} : { resource_metadata: metadataUrl };
  const refusals = createRefusals({ realm: 'crypto-server', ...metadata });
  const refuse = (scheme: Scheme, reason: Reason, request: Request, claims?: AccessClaims) => {
    const clientId = claims?.clientId ?? null;
    void tell({ event: 'resource_access', outcome: 'failure', reason, clientId }, request);
    return reason === 'dpop_token_as_bearer' ? refusals.boundToken() : refusals.invalidToken(scheme);
  };
  /** All of a verified token that can change or differ from place to place. */
  const inForce = (claims: AccessClaims, scheme: Scheme, request: Request): void => {
    const end = tokens.endOf(claims);
    if (end !== null) throw refuse(scheme, end, request, claims);
    if (claims.audience !== audience) throw refuse(scheme, 'token_audience_other', request, claims);
    if (claims.scopes.includes(scope)) return;
    const { clientId } = claims;
    void tell({ event: 'resource_access', outcome: 'failure', reason: 'scope_missing', clientId }, request);
    throw refusals.insufficientScope(scheme, scope);
  };
  const refusedProof = (error: unknown, request: Request, clientId: string): unknown => {
    if (!(error instanceof OAuthError)) return error;
    const { reason, routine } = error;
    void tell({ event: 'resource_access', outcome: 'failure', reason, clientId, routine }, request);
    return refusals.badProof(error);
  };
  const proven = async (request: Request, token: string, jkt: string, clientId: string): Promise<Proven> => {
    const { method, url, headers } = request;
    const given = { header: headers.get('dpop'), method, path: pathOf(url), bound: { token, jkt } };
    try {
      return await proofs.check(given);
    } catch (error) {
      throw refusedProof(error, request, clientId);
    }
  };
  /** A bound token is good with a proof of what it is bound to only, and a proof proves nothing for a bearer token. */
  const possessed = async (
    claims: AccessClaims,
    scheme: Scheme,
    token: string,
    request: Request,
  ): Promise<Proven | null> => {
    const { jkt, certificate: thumbprint }: Binding = claims.binding ?? { jkt: null, certificate: null };
    if (jkt === null && scheme === 'DPoP') throw refuse(scheme, 'dpop_token_unbound', request, claims);
    if (jkt !== null && scheme === 'Bearer') throw refuse(scheme, 'dpop_token_as_bearer', request, claims);
    if (thumbprint !== null && certificate(request) !== thumbprint)
      throw refuse(scheme, 'certificate_mismatch', request, claims);
    return jkt === null ? null : proven(request, token, jkt, claims.clientId);
  };
  const admit = async (request: Request, authorization: string | null, query: string): Promise<Admitted> => {
    const presented = parsePresented(authorization, query);
    if (presented.kind === 'none') throw refusals.unauthenticated();
    if (presented.kind === 'malformed') throw refusals.malformed(presented.reason);
    const { scheme, token } = presented;
    const claims = await tokens.read(token);
    if (typeof claims === 'string') throw refuse(scheme, claims, request);
    inForce(claims, scheme, request);
    const proof = await possessed(claims, scheme, token, request);
    const headers = take === null ? NO_HEADERS : await take(claims.clientId);
    try {
      await proof?.use(claims.clientId);
    } catch (error) {
      throw charged(refusedProof(error, request, claims.clientId), claims.clientId, headers);
    }
    const nonce = proof?.nextNonce ?? null;
    return { claims, headers: nonce === null ? headers : { ...headers, 'dpop-nonce': nonce } };
  };
  return { inForce, admit };
}
