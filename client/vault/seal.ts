import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { RandomBytes } from '../ports';

/** How sealed bytes are made: nonce, tag, ciphertext of AES-256-GCM. */
export const SEAL_VERSION = 1;

/** Length of the key, in bytes. */
export const KEY_BYTES = 32;

/** NIST SP 800-38D §8.2: 96 bits, here random; one row is written far fewer times than 2^32. */
const NONCE_BYTES = 12;

const TAG_BYTES = 16;

/** Encrypts a text so that it can only be opened with the same key, under the same name and version. */
export function seal(plain: string, name: string, key: Uint8Array, randomBytes: RandomBytes): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(associated(name, SEAL_VERSION));
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** The text again, or null: another key, another name or version, or bytes that were changed. */
export function unseal(sealed: Buffer, name: string, version: number, key: Uint8Array): string | null {
  if (version !== SEAL_VERSION || sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(associated(name, version));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const plain = [decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()];
    return Buffer.concat(plain).toString('utf8');
  } catch {
    return null;
  }
}

function associated(name: string, version: number): Buffer {
  return Buffer.from(JSON.stringify(['crypto-client vault', version, name]), 'utf8');
}
