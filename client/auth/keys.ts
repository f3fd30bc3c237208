import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { importJWK, type JWK } from 'jose';

/** Algorithms that assertions are signed with (RFC 7518 §3.1, RFC 8037 §3.1). */
export const SIGNING_ALGS = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;

/** One of {@link SIGNING_ALGS}. */
export type SigningAlg = (typeof SIGNING_ALGS)[number];

/** A private key and how it signs. */
export interface SigningKey {
  readonly jwk: JWK;
  readonly alg: SigningAlg;
  /** By what the server tells several keys of a client apart; null: it has one. */
  readonly kid: string | null;
}

/** Members of a private key by `kty`; all others of a given JWK are dropped (RFC 7518 §6, RFC 8037 §2). */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'x', 'y', 'd'],
  OKP: ['crv', 'x', 'd'],
  RSA: ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'],
};

/** Members of a public key by `kty`, in the order of RFC 7638 §3.2. */
const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
};

/** Shorter RSA keys can be forged (RFC 7518 §3.3). In bits. */
const RSA_BITS_MIN = 2_048;

/**
 * Reads a private key, PEM (PKCS #8) or JWK as text or object. Without `alg` the key's own or the usual one of its kind.
 * Throws Error with what is expected, never with what was given.
 */
export function readSigningKey(
  given: string | Readonly<Record<string, unknown>>,
  { alg = null, kid = null }: { alg?: SigningAlg | null; kid?: string | null } = {},
): SigningKey {
  const named = typeof given === 'string' ? readText(given) : given;
  const jwk = exported(keyObject(named));
  const own = SIGNING_ALGS.find((known) => 'alg' in named && known === named['alg']) ?? null;
  const chosen = alg ?? own ?? usualAlg(jwk);
  if (chosen === null || !fits(jwk, chosen)) throw new Error(EXPECTED);
  const ownKid = 'kid' in named && typeof named['kid'] === 'string' ? named['kid'] : null;
  return { jwk, alg: chosen, kid: kid ?? ownKid };
}

/** A new P-256 key. */
export function makeSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = exported(privateKey);
  return { jwk, alg: 'ES256', kid: thumbprint(jwk) };
}

/** The public part, as it may be registered (RFC 7517). */
export function publicJwk({ jwk, alg, kid }: SigningKey): Record<string, unknown> {
  return { ...publicPart(jwk), alg, use: 'sig', ...(kid === null ? {} : { kid }) };
}

/** The members that make up the public key, and no other. */
export function publicPart(jwk: JWK): JWK {
  const members = PUBLIC_MEMBERS[jwk.kty ?? ''] ?? [];
  return Object.fromEntries(members.map((name) => [name, (jwk as Record<string, unknown>)[name]])) as JWK;
}

/** SHA-256 thumbprint (RFC 7638). */
export function thumbprint(jwk: JWK): string {
  return createHash('sha256')
    .update(JSON.stringify(publicPart(jwk)))
    .digest('base64url');
}

/** The key, ready to sign. */
export async function signer({ jwk, alg }: Pick<SigningKey, 'jwk' | 'alg'>): Promise<CryptoKey> {
  const key = await importJWK(jwk, alg);
  if (key instanceof Uint8Array) throw new Error('not an asymmetric key');
  return key;
}

const EXPECTED = `a private key in PEM (PKCS #8) or as JWK, without a passphrase: P-256, Ed25519, or RSA of ${RSA_BITS_MIN} bits or more, that fits the algorithm`;

function readText(text: string): { readonly pem: string } | Readonly<Record<string, unknown>> {
  if (text.includes('-----BEGIN')) return { pem: text };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Said below in words that repeat nothing of it.
  }
  throw new Error(EXPECTED);
}

function keyObject(given: { readonly pem: string } | Readonly<Record<string, unknown>>): KeyObject {
  try {
    if (typeof given['pem'] === 'string') return createPrivateKey(given['pem']);
    return createPrivateKey({ key: given, format: 'jwk' } as Parameters<typeof createPrivateKey>[0]);
  } catch {
    throw new Error(EXPECTED);
  }
}

function exported(key: KeyObject): JWK {
  const whole = key.export({ format: 'jwk' }) as Record<string, unknown>;
  const members = MEMBERS[String(whole['kty'])];
  if (members === undefined) throw new Error(EXPECTED);
  return Object.fromEntries(['kty', ...members].map((name) => [name, whole[name]])) as JWK;
}

function usualAlg({ kty, crv }: JWK): SigningAlg | null {
  if (kty === 'RSA') return 'RS256';
  if (kty === 'EC' && crv === 'P-256') return 'ES256';
  return kty === 'OKP' && crv === 'Ed25519' ? 'EdDSA' : null;
}

function fits(jwk: JWK, alg: SigningAlg): boolean {
  if (jwk.kty !== 'RSA') return usualAlg(jwk) === alg;
  const bits = Buffer.from(jwk.n ?? '', 'base64url').length * 8;
  return bits >= RSA_BITS_MIN && (alg === 'RS256' || alg === 'PS256');
}
