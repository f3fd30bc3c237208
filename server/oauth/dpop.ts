/** Proofs of possession (RFC 9449 §4): what one must be, judged without any state. */
import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import { OAuthError } from './errors';
import {
  type GivenJwk,
  isOfKind,
  isPrivate,
  isSound,
  publicPart,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
} from './jwk';
import type { Reason } from './words';

/** A proof may be this old, in seconds: time for the way here, for a queue, and for a clock that is late. */
export const DPOP_AGE_MAX_SECONDS = 60;

/** A proof may come from this far ahead, in seconds: clocks differ. */
export const DPOP_SKEW_MAX_SECONDS = 10;

/** Longer than the proof of a 4096-bit RSA key with the longest URI; more is not worth reading. */
const PROOF_CHARACTERS_MAX = 8_192;

/** Ids are remembered as digests, so this bounds no memory, only nonsense. */
const JTI_CHARACTERS_MAX = 256;

/** What a proof must fit. */
export interface ProofExpected {
  /** The request's method. */
  readonly method: string;
  /** True for a URI (without query and fragment) that means this request. */
  readonly isTarget: (htu: string) => boolean;
  /** The access token beside it; null at the token endpoint. */
  readonly accessToken: string | null;
  /** Thumbprint of the key that the access token is bound to (RFC 7638); null at the token endpoint. */
  readonly jkt: string | null;
  /** Throws when the nonce is none of ours. */
  readonly checkNonce: (nonce: string | null) => void;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** A good proof: the thumbprint of its key, and its id. */
export interface Proof {
  readonly jkt: string;
  readonly jti: string;
}

/** A refusal that says why to the operator alone. */
export function invalidProof(reason: Reason): OAuthError {
  return new OAuthError('invalid_dpop_proof', reason);
}

/**
 * Judges the `DPoP` header of a request by all of RFC 9449 §4.3 but replay. What is cheap comes first, the signature last.
 * @throws OAuthError invalid_dpop_proof with the exact reason, and whatever `checkNonce` throws.
 */
export async function checkProof(header: string | null, expected: ProofExpected): Promise<Proof> {
  const proof = readCompact(header);
  const { alg, jwk } = readHeader(proof);
  const jti = checkClaims(readClaims(proof), expected);
  const jkt = await calculateJwkThumbprint(jwk).catch(() => fail('dpop_jwk'));
  if (expected.jkt !== null && jkt !== expected.jkt) throw invalidProof('dpop_key');
  await verifySignature(proof, jwk, alg);
  return { jkt, jti };
}

/** Exactly one header: two are joined by a comma, which no compact JWS has. */
function readCompact(header: string | null): string {
  if (header === null || header === '') throw invalidProof('dpop_missing');
  if (header.includes(',')) throw invalidProof('dpop_repeated');
  if (header.length > PROOF_CHARACTERS_MAX || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(header))
    throw invalidProof('dpop_malformed');
  return header;
}

function readHeader(proof: string): { alg: string; jwk: JWK } {
  const { typ, alg: given, jwk, crit } = decode(() => decodeProtectedHeader(proof));
  const alg = SIGNATURE_ALGORITHMS.find((known) => known === given);
  if (typ !== 'dpop+jwt') throw invalidProof('dpop_typ');
  if (alg === undefined) throw invalidProof('dpop_alg');
  if (crit !== undefined) throw invalidProof('dpop_crit');
  return { alg, jwk: readKey(jwk, alg) };
}

/** The public key, its defining members alone. */
function readKey(given: unknown, alg: SignatureAlgorithm): JWK {
  if (typeof given !== 'object' || given === null) throw invalidProof('dpop_jwk');
  const jwk: GivenJwk = { ...given };
  if (isPrivate(jwk)) throw invalidProof('dpop_private_key');
  const key = publicPart(jwk);
  if (key === null || !isOfKind(key, alg)) throw invalidProof('dpop_jwk');
  if (!isSound(key)) throw invalidProof('dpop_key_size');
  return key;
}

function readClaims(proof: string): Readonly<Record<string, unknown>> {
  const claims = decode(
    () => JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString('utf8')) as unknown,
  );
  if (typeof claims !== 'object' || claims === null) throw invalidProof('dpop_malformed');
  return { ...claims };
}

/** @returns the `jti`. */
function checkClaims(claims: Readonly<Record<string, unknown>>, expected: ProofExpected): string {
  const { jti, htm, htu, iat, ath, nonce } = claims;
  if (typeof jti !== 'string' || jti === '' || jti.length > JTI_CHARACTERS_MAX) throw invalidProof('dpop_jti');
  if (htm !== expected.method) throw invalidProof('dpop_htm');
  if (typeof htu !== 'string' || !expected.isTarget(htu)) throw invalidProof('dpop_htu');
  if (typeof iat !== 'number' || !isRecent(iat, expected.nowMs / 1000)) throw invalidProof('dpop_iat');
  if (expected.accessToken !== null && ath !== hash(expected.accessToken)) throw invalidProof('dpop_ath');
  expected.checkNonce(typeof nonce === 'string' ? nonce : null);
  return jti;
}

function isRecent(iat: number, nowSeconds: number): boolean {
  return iat >= nowSeconds - DPOP_AGE_MAX_SECONDS && iat <= nowSeconds + DPOP_SKEW_MAX_SECONDS;
}

function hash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest('base64url');
}

async function verifySignature(proof: string, jwk: JWK, alg: string): Promise<void> {
  try {
    await compactVerify(proof, await importJWK(jwk, alg), { algorithms: [alg] });
  } catch {
    throw invalidProof('dpop_signature');
  }
}

function decode<T>(work: () => T): T {
  try {
    return work();
  } catch {
    throw invalidProof('dpop_malformed');
  }
}

function fail(reason: Reason): never {
  throw invalidProof(reason);
}
