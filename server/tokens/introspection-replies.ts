import { jsonReply } from '../oauth/reply';
import { type AccessClaims, confirmationOf } from './model';

/** The answer about a token that is not good, or not for the caller to know of (RFC 7662 §2.2). */
const INACTIVE = jsonReply('{"active":false}');

/**
 * Answers about tokens (null: one that is not good). What is said of a token never changes while it is in force, so it is
 * written once; a copy of a ready `Response` costs less than a new one.
 */
export function createIntrospectionReplies(issuer: string): (claims: AccessClaims | null) => Response {
  const ready = new WeakMap<AccessClaims, Response>();
  const readyFor = (claims: AccessClaims): Response => {
    const known = ready.get(claims);
    if (known !== undefined) return known;
    const made = jsonReply(describe(claims, issuer));
    ready.set(claims, made);
    return made;
  };
  // Bun's own types name another Response here.
  return (claims) => (claims === null ? INACTIVE : readyFor(claims)).clone() as Response;
}

function describe(
  { clientId, scopes, binding, expiresAt, issuedAt, audience, jti }: AccessClaims,
  issuer: string,
): string {
  return JSON.stringify({
    active: true,
    scope: scopes.join(' '),
    client_id: clientId,
    token_type: binding?.jkt == null ? 'Bearer' : 'DPoP',
    exp: expiresAt,
    iat: issuedAt,
    sub: clientId,
    aud: audience,
    iss: issuer,
    jti,
    ...(binding !== null && { cnf: confirmationOf(binding) }),
  });
}
