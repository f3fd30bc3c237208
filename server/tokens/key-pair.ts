import { jwt } from '@elysiajs/jwt';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { SigningAlg } from './key-schedule';

/** Media type of access tokens in the `typ` header (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

/** A claim's value: JSON. */
export type ClaimValue = string | number | boolean | readonly ClaimValue[] | { readonly [name: string]: ClaimValue };

/** Claims that a key signs; times are seconds since the epoch. */
export type Payload = Readonly<Record<string, ClaimValue>>;

/** Verified claims. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a token must say to be believed. For whom it is, everybody asks who is shown one. */
export interface Expected {
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** A new key, its private part in clear. */
export interface KeyPair {
  /** The thumbprint of the public key (RFC 7638). */
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly publicJwk: JWK;
  /** A JWK as JSON. */
  readonly privateText: string;
}

/** Makes a key. RSA keys have 2048 bits (RFC 7518 §3.3) and may take a second. */
export async function makeKeyPair(alg: SigningAlg): Promise<KeyPair> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const publicJwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const privateText = JSON.stringify(await exportJWK(pair.privateKey));
  return { kid, alg, publicJwk: { ...publicJwk, kid, alg, use: 'sig' }, privateText };
}

/** Members of a public key that anyone may see (RFC 7518 §6, RFC 8037 §2); a private one has none of its own among them. */
const PUBLIC_MEMBERS = ['kty', 'kid', 'alg', 'use', 'crv', 'x', 'y', 'n', 'e'] as const;

/** The key as it is published. */
export function publicPart(jwk: JWK): JWK {
  return Object.fromEntries(PUBLIC_MEMBERS.flatMap((name) => (jwk[name] === undefined ? [] : [[name, jwk[name]]])));
}

/** Signs access tokens. */
export type Signer = (payload: Payload) => Promise<string>;

/** The claims of a token that this key signed, with this key's own algorithm, and that says what is expected; null for any other. */
export type Verifier = (token: string, expected: Expected) => Promise<Claims | null>;

/** One plugin instance signs and another verifies: with asymmetric keys no single one can do both. */
export async function openSigner(kid: string, alg: string, privateText: string): Promise<Signer> {
  const secret = (await importJWK(JSON.parse(privateText), alg)) as CryptoKey; // A symmetric key would be bytes.
  const { signer } = jwt({ name: 'signer', secret, alg, kid, typ: ACCESS_TOKEN_TYPE }).decorator;
  return (payload) => signer.sign(payload as Parameters<typeof signer.sign>[0]);
}

/** See {@link Verifier}. */
export async function openVerifier(publicJwk: JWK, alg: string): Promise<Verifier> {
  const secret = (await importJWK(publicJwk, alg)) as CryptoKey;
  const { verifier } = jwt({ name: 'verifier', secret }).decorator;
  return async (token, { issuer, nowMs }) => {
    const claims = await verifier.verify(token, {
      algorithms: [alg],
      issuer,
      typ: ACCESS_TOKEN_TYPE,
      requiredClaims: ['sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'scope'],
      currentDate: new Date(nowMs),
    });
    return claims === false ? null : claims;
  };
}
