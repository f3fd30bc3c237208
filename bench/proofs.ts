// Requests that may be sent once only: client assertions (RFC 7523) and DPoP proofs (RFC 9449), signed ahead in numbers.
import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';

/** An ES256 key that signs ahead. */
export interface Signer {
  readonly privateKey: KeyObject;
  readonly publicJwk: Readonly<Record<string, unknown>>;
}

/** A new key on P-256. */
export function newSigner(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, publicJwk: { ...publicKey.export({ format: 'jwk' }) } };
}

/** So many assertions of a client, each with a `jti` of its own, good for a minute. */
export function assertions(signer: Signer, about: { clientId: string; issuer: string }, count: number): string[] {
  const { clientId, issuer } = about;
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: clientId, sub: clientId, aud: issuer, iat: now, exp: now + 60 };
  return signAll(signer, { alg: 'ES256', kid: 'bench' }, claims, count);
}

/** So many proofs for one method and URI, each with a `jti` of its own; with a token, for that token. */
export function proofs(
  signer: Signer,
  about: { method: string; uri: string; nonce: string; token?: string },
  count: number,
): string[] {
  const { method, uri, nonce, token } = about;
  const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') };
  const claims = { htm: method, htu: uri, iat: Math.floor(Date.now() / 1000), nonce, ...ath };
  return signAll(signer, { typ: 'dpop+jwt', alg: 'ES256', jwk: signer.publicJwk }, claims, count);
}

function signAll({ privateKey }: Signer, header: object, claims: object, count: number): string[] {
  const head = encode(header);
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  return Array.from({ length: count }, () => {
    const text = `${head}.${encode({ ...claims, jti: randomUUID() })}`;
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  });
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
