import { decodeJwt, decodeProtectedHeader, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import { OAuthError } from './errors';
import { hasControl } from './form';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from './jwk';
import type { Reason } from './words';

/** A client assertion whose claims are in order; its signature has not been looked at. */
export interface Assertion {
  readonly alg: SignatureAlgorithm;
  /** Which key signed it; null: it does not say. */
  readonly kid: string | null;
  readonly clientId: string;
  readonly jti: string;
  /** Until when it would be accepted, in milliseconds since the epoch. */
  readonly endsAtMs: number;
}

/** What an assertion is held against. */
export interface AssertionExpected {
  readonly issuer: string;
  /** The `client_id` parameter of the request; null: left out. */
  readonly clientId: string | null;
  readonly nowMs: number;
}

/** Long enough for an RSA-4096 signature and many claims; a longer one is not worth the work of reading it. */
const ASSERTION_CHARACTERS_MAX = 8_192;

/** An assertion is made for one request: the longer it lives, the longer its id must be kept. */
const LIFE_MAX_SECONDS = 300;

/** How far the clocks of client and server may differ (FAPI 2.0 §5.3.2.1: at least 10 seconds must be accepted). */
const ASSERTION_SKEW_SECONDS = 10;

/** `jti` and `kid` are names, not payloads. */
const NAME_CHARACTERS_MAX = 256;

/** `typ` of a client assertion: left out, any JWT, or said outright. */
const TYPES = new Set(['jwt', 'client-authentication+jwt', 'application/client-authentication+jwt']);

/**
 * Reads a client assertion and checks all that needs no key (RFC 7523 §3, FAPI 2.0 §5.3.2.1).
 * @throws OAuthError invalid_client with the exact reason `assertion_…`.
 */
export function readAssertion(jwt: string, expected: AssertionExpected): Assertion {
  const { header, claims } = decode(jwt);
  const clientId = typeof claims.sub === 'string' ? claims.sub : '';
  const refuse = (reason: Reason): OAuthError => new OAuthError('invalid_client', reason, { clientId });
  const alg = SIGNATURE_ALGORITHMS.find((known) => known === header.alg);
  if (alg === undefined) throw refuse('assertion_alg');
  const fault = faultOfHeader(header) ?? faultOfNames(claims, expected) ?? faultOfTimes(claims, expected.nowMs);
  if (fault !== null) throw refuse(fault);
  const { exp = 0, jti = '' } = claims;
  return { alg, kid: header.kid ?? null, clientId, jti, endsAtMs: (exp + ASSERTION_SKEW_SECONDS) * 1000 };
}

function decode(jwt: string): { header: ProtectedHeaderParameters; claims: JWTPayload } {
  try {
    if (jwt.length > ASSERTION_CHARACTERS_MAX) throw new Error('too long');
    return { header: decodeProtectedHeader(jwt), claims: decodeJwt(jwt) };
  } catch {
    throw new OAuthError('invalid_client', 'assertion_malformed');
  }
}

function faultOfHeader({ typ, kid, crit }: ProtectedHeaderParameters): Reason | null {
  if (typ !== undefined && !(typeof typ === 'string' && TYPES.has(typ.toLowerCase()))) return 'assertion_type';
  if (kid !== undefined && !isName(kid)) return 'assertion_malformed';
  // Nothing that must be understood (RFC 7515 §4.1.11) is known here.
  return crit === undefined ? null : 'assertion_critical_header';
}

function faultOfNames({ iss, sub, aud, jti }: JWTPayload, { issuer, clientId }: AssertionExpected): Reason | null {
  if (!isName(sub) || hasControl(sub) || iss !== sub) return 'assertion_issuer';
  if (clientId !== null && clientId !== sub) return 'assertion_client_id_differs';
  // One string: an assertion for several servers could be used by each of them at the others.
  if (aud !== issuer) return 'assertion_audience';
  if (jti === undefined || jti === '') return 'assertion_jti_missing';
  return isName(jti) ? null : 'assertion_malformed';
}

function faultOfTimes({ exp, iat, nbf }: JWTPayload, nowMs: number): Reason | null {
  const now = nowMs / 1000;
  const latest = now + ASSERTION_SKEW_SECONDS;
  if (!isTime(exp)) return 'assertion_expiry_missing';
  if (!(isTime(iat) || iat === undefined) || !(isTime(nbf) || nbf === undefined)) return 'assertion_malformed';
  if (exp <= now - ASSERTION_SKEW_SECONDS) return 'assertion_expired';
  if (exp > latest + LIFE_MAX_SECONDS) return 'assertion_too_long_lived';
  return (iat ?? 0) > latest || (nbf ?? 0) > latest ? 'assertion_not_yet_valid' : null;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= NAME_CHARACTERS_MAX;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
