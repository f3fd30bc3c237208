/** What a protected resource answers to who may not (RFC 6750 §3, RFC 9449 §7.1). */
import { Problem } from '../../kit/http/problem';
import { type ChallengeParameters, challengeOf, type Scheme } from '../oauth/bearer';
import type { OAuthError } from '../oauth/errors';
import { SIGNATURE_ALGORITHMS } from '../oauth/jwk';

const ALGS = SIGNATURE_ALGORITHMS.join(' ');

/** A refusal of a protected resource: whoever asks may not, or must show more. */
export class Challenge extends Problem {}

/** The refusals of one resource; `challenge` names it. */
export function createRefusals(challenge: ChallengeParameters) {
  const ask = (scheme: Scheme, more: ChallengeParameters): string =>
    challengeOf(scheme, { ...challenge, ...more, ...(scheme === 'DPoP' && { algs: ALGS }) });
  return {
    unauthenticated: (): Challenge => {
      const detail = 'This resource needs an access token in the Authorization header: Bearer <token> or DPoP <token>.';
      return new Challenge(401, 'Unauthorized', detail, { 'www-authenticate': ask('Bearer', {}) });
    },
    malformed: (reason: string): Challenge => {
      const error = { error: 'invalid_request', error_description: reason };
      return new Challenge(400, 'Bad Request', reason, { 'www-authenticate': ask('Bearer', error) });
    },
    invalidToken: (scheme: Scheme): Challenge => {
      const detail =
        'The access token is malformed, expired, revoked, bound to something else or not meant for this resource; obtain a new one.';
      const error = { error: 'invalid_token', error_description: detail };
      return new Challenge(401, 'Unauthorized', detail, { 'www-authenticate': ask(scheme, error) });
    },
    /** A DPoP-bound token that came as a bearer token (RFC 9449 §7.2): both schemes, so that the caller sees which to use. */
    boundToken: (): Challenge => {
      const detail = 'The access token is bound to a key: send it as DPoP <token> with a proof.';
      const error = { error: 'invalid_token', error_description: detail };
      const both = `${ask('Bearer', error)}, ${challengeOf('DPoP', { algs: ALGS })}`;
      return new Challenge(401, 'Unauthorized', detail, { 'www-authenticate': both });
    },
    insufficientScope: (scheme: Scheme, scope: string): Challenge => {
      const detail = `The access token does not have the scope ${scope}.`;
      const error = { error: 'insufficient_scope', error_description: detail, scope };
      return new Challenge(403, 'Forbidden', detail, { 'www-authenticate': ask(scheme, error) });
    },
    /** `invalid_dpop_proof` or `use_dpop_nonce`, which comes with the nonce. */
    badProof: ({ code, description, headers }: OAuthError): Challenge => {
      const error = { error: code, error_description: description };
      return new Challenge(401, 'Unauthorized', description, { 'www-authenticate': ask('DPoP', error), ...headers });
    },
  };
}
