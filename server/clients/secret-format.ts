// The form of all secrets and tokens that this server makes: `<prefix>_` and 48 base64url characters, which are 32 random bytes and a
// CRC-32 over them. Scanners for leaked secrets find them by it, and a check knows which way to go before it looks anything up.
import { createHash, timingSafeEqual } from 'node:crypto';

/** `cs` a client secret, `rt` an initial access token (RFC 7591 §3), `rat` a registration access token (RFC 7592 §3). */
export type SecretPrefix = 'cs' | 'rt' | 'rat';

/** Live secrets of one client: one in use, one to come, and room for a fleet that changes over in several steps. */
export const LIVE_SECRETS_MAX = 5;

/** 256 bits: nobody can guess them, so their hash needs neither salt nor cost. */
const RANDOM_BYTES = 32;

const CRC_BYTES = 4;

const HINT_CHARACTERS = 4;

/** A chosen secret this long or longer keeps enough to itself when its last four characters are shown. */
const HINT_CHOSEN_CHARACTERS_MIN = 24;

const BODY = /^[A-Za-z0-9_-]{48}$/;

/** A new secret of the form. */
export function makeSecret(prefix: SecretPrefix, randomBytes: (n: number) => Buffer): string {
  const random = randomBytes(RANDOM_BYTES);
  return `${prefix}_${Buffer.concat([random, crcOf(random)]).toString('base64url')}`;
}

/** True for a text of the form with the right checksum, whoever made it. */
export function isMadeSecret(prefix: SecretPrefix, text: string): boolean {
  const head = `${prefix}_`;
  if (!text.startsWith(head) || !BODY.test(text.slice(head.length))) return false;
  const bytes = Buffer.from(text.slice(head.length), 'base64url');
  return crcOf(bytes.subarray(0, RANDOM_BYTES)).equals(bytes.subarray(RANDOM_BYTES));
}

/** True for what may have been a text of the form, with a mistake or not: it must be kept nowhere in clear. */
export function looksMade(text: string): boolean {
  return /^(?:cs|rt|rat)_[A-Za-z0-9_-]{40,60}$/.test(text);
}

const STORED = 'sha256:';

/** How a made client secret is stored: `sha256:` and the digest in base64url. */
export function storedSecret(secret: string): string {
  return `${STORED}${digestSecret(secret).toString('base64url')}`;
}

/** True when the hash is that of a made secret, not of a chosen one. */
export function isStoredMade(hash: string): boolean {
  return hash.startsWith(STORED);
}

/** SHA-256 of a made secret. */
export function digestSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** True when the digest is the stored one; takes the same time whatever it is. */
export function isDigestOf(hash: string, digest: Buffer): boolean {
  const stored = Buffer.from(hash.slice(STORED.length), 'base64url');
  return stored.length === digest.length && timingSafeEqual(stored, digest);
}

/** The last four characters, by which people tell secrets apart; null for a chosen one that is too short to spare them. */
export function hintOf(secret: string): string | null {
  return [...secret].length >= HINT_CHOSEN_CHARACTERS_MIN ? lastFour(secret) : null;
}

/** The last four characters. */
export function lastFour(text: string): string {
  return [...text].slice(-HINT_CHARACTERS).join('');
}

function crcOf(bytes: Buffer): Buffer {
  const crc = Buffer.alloc(CRC_BYTES);
  crc.writeUInt32BE(Bun.hash.crc32(bytes));
  return crc;
}
