import type { RandomBytes } from '../ports';
import { chosenSecret, PLAIN, type StoredCredential } from './stored';

/** RFC 4648 §6 in lower case: no two letters that people confuse. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** 60 random bits: two of a million clients meet once in two million tries. */
const ID_LENGTH = 12;

/** 256 bits: beyond guessing, whatever the server does with it. */
const SECRET_BYTES = 32;

/** A new credential with an id such as `crypto-client-k5zq2m7xw3ab` and a random secret. */
export function makeCredential(appName: string, randomBytes: RandomBytes, nowMs: number): StoredCredential {
  const secrets = [chosenSecret(makeSecret(randomBytes), nowMs)];
  return { ...PLAIN, clientId: `crypto-client-${randomName(randomBytes)}`, appName, origin: 'self-made', secrets };
}

/** A random secret, as it may be chosen at a registration. */
export function makeSecret(randomBytes: RandomBytes): string {
  return Buffer.from(randomBytes(SECRET_BYTES)).toString('base64url');
}

/** Twelve letters and digits that nobody else has. */
export function randomName(randomBytes: RandomBytes): string {
  return [...randomBytes(ID_LENGTH)].map((byte) => BASE32.charAt(byte % BASE32.length)).join('');
}
