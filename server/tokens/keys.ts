import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { jwt } from '@elysiajs/jwt';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { KeyStore, StoredKey } from './store';

/** The algorithm of access tokens: ECDSA on P-256 with SHA-256 (RFC 7518 §3.4). */
export const SIGNING_ALG = 'ES256';

/** Media type of access tokens in the `typ` header (RFC 9068 §2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

/** Claims that a key signs; times are seconds since the epoch. */
export type Payload = Readonly<Record<string, string | number | Readonly<Record<string, string>>>>;

/** What a token must say to be believed. */
export interface Expected {
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** The signing keys of this server. Only `open` may be called before it was opened. */
export interface Keyring {
  /** Reads the keys of the database and makes the first one. @throws KeyUnreadable when they do not open. */
  open(): Promise<void>;
  /** Signs with the active key. */
  sign(payload: Payload): Promise<string>;
  /** The claims of a token that one of our keys signed and that says what is expected; null for any other. */
  verify(token: string, kid: string, expected: Expected): Promise<Readonly<Record<string, unknown>> | null>;
  /** The public keys (RFC 7517 §5). */
  jwks(): { readonly keys: readonly JWK[] };
}

/** The key-encryption key does not open what is in the database. */
export class KeyUnreadable extends Error {
  override readonly name = 'KeyUnreadable';
}

/** What the keyring stands on. */
export interface KeyringOptions {
  readonly store: KeyStore;
  /**
   * Encrypts private keys at rest. Asked for only once it is known whether the database already holds keys, since a new
   * one may be made only while it does not.
   */
  readonly encryptionKey: (holdsKeys: boolean) => string;
  readonly randomBytes: (n: number) => Buffer;
}

/** The keys in the database: the oldest one signs, every one verifies. */
export function createKeyring({ store, encryptionKey, randomBytes }: KeyringOptions): Keyring {
  let keys: readonly OpenKey[] = [];
  const active = (): OpenKey => {
    const [first] = keys;
    if (first === undefined) throw new Error('The keyring has not been opened.');
    return first;
  };
  return {
    open: async () => {
      const there = await store.all();
      const box = createBox(encryptionKey(there.length > 0), randomBytes);
      const stored = there.length > 0 ? there : await store.insertFirst(await makeKey(box));
      keys = await Promise.all(stored.map((key) => openKey(key, box)));
    },
    sign: (payload) => active().sign(payload),
    verify: async (token, kid, expected) =>
      (await keys.find((key) => key.kid === kid)?.verify(token, expected)) ?? null,
    jwks: () => ({ keys: keys.map((key) => key.publicJwk) }),
  };
}

async function makeKey(box: Box): Promise<StoredKey> {
  const pair = await generateKeyPair(SIGNING_ALG, { extractable: true });
  const publicJwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const privateKey = box.seal(JSON.stringify(await exportJWK(pair.privateKey)), kid);
  return { kid, alg: SIGNING_ALG, publicJwk: { ...publicJwk, kid, alg: SIGNING_ALG, use: 'sig' }, privateKey };
}

interface OpenKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  sign(payload: Payload): Promise<string>;
  verify(token: string, expected: Expected): Promise<Readonly<Record<string, unknown>> | null>;
}

/** One plugin instance signs and another verifies: with asymmetric keys no single one can do both. */
async function openKey({ kid, publicJwk, privateKey }: StoredKey, box: Box): Promise<OpenKey> {
  const secret = await importJWK(JSON.parse(box.open(privateKey ?? '', kid)), SIGNING_ALG);
  const signer = jwt({ name: 'signer', secret, alg: SIGNING_ALG, kid, typ: ACCESS_TOKEN_TYPE }).decorator.signer;
  const verifier = jwt({ name: 'verifier', secret: await importJWK(publicJwk, SIGNING_ALG) }).decorator.verifier;
  return {
    kid,
    publicJwk,
    sign: (payload) => signer.sign(payload),
    verify: async (token, { issuer, audience, nowMs }) => {
      const claims = await verifier.verify(token, {
        algorithms: [SIGNING_ALG],
        issuer,
        audience,
        typ: ACCESS_TOKEN_TYPE,
        requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id', 'scope'],
        currentDate: new Date(nowMs),
      });
      return claims === false ? null : claims;
    },
  };
}

interface Box {
  seal(text: string, name: string): string;
  /** @throws KeyUnreadable when the key is another one, or the text was changed. */
  open(sealed: string, name: string): string;
}

/** AES-256-GCM under a key derived from the key-encryption key; the key's name is bound in, so rows cannot be swapped. */
function createBox(encryptionKey: string, randomBytes: (n: number) => Buffer): Box {
  const key = Buffer.from(hkdfSync('sha256', encryptionKey, '', 'crypto-server signing keys', 32));
  return {
    seal: (text, name) => {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(name));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return ['v1', iv, cipher.getAuthTag(), sealed]
        .map((part) => (typeof part === 'string' ? part : part.toString('base64url')))
        .join('.');
    },
    open: (sealed, name) => {
      const [version, iv = '', tag = '', text = ''] = sealed.split('.');
      try {
        if (version !== 'v1') throw new Error(`sealed in version ${version}`);
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: 16 });
        decipher.setAAD(Buffer.from(name)).setAuthTag(Buffer.from(tag, 'base64url'));
        return Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new KeyUnreadable(
          'KEY_ENCRYPTION_KEY does not open the signing keys in this database; give the one they were encrypted with.',
          { cause },
        );
      }
    },
  };
}
