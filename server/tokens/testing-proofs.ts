// DPoP proofs as tests send them: good ones, and each of the bad ones.
import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { basic, form, type TestClient, type TestServer } from '../testing';

/** A key that signs proofs. */
export interface Prover {
  readonly alg: string;
  readonly key: CryptoKey;
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
  readonly jkt: string;
}

/** What a proof says in place of what a good one would; undefined leaves a member out. */
export interface ProofChange {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signs in place of the prover's own key. */
  readonly key?: CryptoKey;
}

/** A new key for one algorithm. */
export async function createProver(alg = 'ES256'): Promise<Prover> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const [publicJwk, privateJwk] = [await exportJWK(publicKey), await exportJWK(privateKey)];
  return { alg, key: privateKey, publicJwk, privateJwk, jkt: await calculateJwkThumbprint(publicJwk) };
}

/** `ath` of a token (RFC 9449 §4.2). */
export function athOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** A proof for `claims` (htm, htu, nonce, iat, ath), with what is to be different. */
export async function prove(
  prover: Prover,
  claims: Readonly<Record<string, unknown>>,
  change: ProofChange = {},
): Promise<string> {
  const kept = (all: Readonly<Record<string, unknown>>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  const header = kept({ alg: prover.alg, typ: 'dpop+jwt', jwk: prover.publicJwk, ...change.header });
  const payload = kept({ jti: randomUUID(), ...claims, ...change.claims });
  if (header['alg'] === prover.alg)
    return new SignJWT(payload).setProtectedHeader(header as { alg: string }).sign(change.key ?? prover.key);
  // No signer signs with `none` or without `alg`; the signature of a good header stands in.
  const [, , signature] = (await prove(prover, claims)).split('.');
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode(header)}.${encode(payload)}.${signature}`;
}

/** Asks for a token with this `DPoP` header. */
export function askWith(server: TestServer, client: TestClient, dpop: string | null, more = ''): Promise<Response> {
  const headers = { authorization: basic(client), ...(dpop !== null && { dpop }) };
  return server.ask('/api/auth/token', form(`grant_type=client_credentials${more}`, headers));
}

/** The nonce that the server gives to a proof without one. */
export async function nonceOf(server: TestServer, client: TestClient, prover: Prover): Promise<string> {
  const claims = { htm: 'POST', htu: `${server.issuer}/api/auth/token`, iat: server.now() / 1000 };
  const answer = await askWith(server, client, await prove(prover, claims));
  return answer.headers.get('dpop-nonce') ?? '';
}

/** A token that is bound to the prover's key. */
export async function boundToken(server: TestServer, client: TestClient, prover: Prover, more = ''): Promise<string> {
  const nonce = await nonceOf(server, client, prover);
  const claims = { htm: 'POST', htu: `${server.issuer}/api/auth/token`, iat: server.now() / 1000, nonce };
  const answer = await askWith(server, client, await prove(prover, claims), more);
  if (answer.status !== 200) throw new Error(`token: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { access_token: string }).access_token;
}
