import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { RandomBytes } from '../ports';

/** How sealed bytes are made: nonce, tag, ciphertext of AES-256-GCM; kind, name and version are bound in. */
export const SEAL_VERSION = 2;

/** The same, without a kind: rows of the first version of the file. */
export const FIRST_SEAL_VERSION = 1;

/** Length of the key, in bytes. */
export const KEY_BYTES = 32;

/** NIST SP 800-38D §8.2: 96 bits, here random; one key seals far fewer rows than 2^32. */
export const NONCE_BYTES = 12;

/** Length of what tells a change, in bytes; the longest that GCM has. */
export const TAG_BYTES = 16;

/** Which row it is: sealed bytes open in no other one. */
export interface Place {
  readonly kind: string;
  readonly name: string;
}

/** Encrypts a text so that it can only be opened with the same key, in the same place. */
export function seal(plain: string, place: Place, key: Uint8Array, randomBytes: RandomBytes): Buffer {
  return encrypt(plain, associated(place), key, randomBytes(NONCE_BYTES));
}

/** The text again, or null: another key, another place or version, or bytes that were changed. */
export function unseal(sealed: Buffer, place: Place, version: number, key: Uint8Array): string | null {
  if (version === SEAL_VERSION) return decrypt(sealed, associated(place), key);
  if (version === FIRST_SEAL_VERSION) return decrypt(sealed, firstAssociated(place.name), key);
  return null;
}

/** Nonce, tag and ciphertext in one. `nonce` must be used once with this key. */
export function encrypt(plain: string, associated: string, key: Uint8Array, nonce: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(associated, 'utf8'));
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** What {@link encrypt} was given, or null. */
export function decrypt(sealed: Buffer, associated: string, key: Uint8Array): string | null {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(associated, 'utf8'));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const plain = [decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()];
    return Buffer.concat(plain).toString('utf8');
  } catch {
    return null;
  }
}

function associated({ kind, name }: Place): string {
  return JSON.stringify(['crypto-client vault', SEAL_VERSION, kind, name]);
}

function firstAssociated(name: string): string {
  return JSON.stringify(['crypto-client vault', FIRST_SEAL_VERSION, name]);
}
