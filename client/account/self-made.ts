import type { RandomBytes } from '../ports';
import type { StoredCredential } from './store';

/** RFC 4648 §6 in lower case: no two letters that people confuse. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** 60 random bits: two of a million clients meet once in two million tries. */
const ID_LENGTH = 12;

/** 256 bits: beyond guessing, whatever the server does with it. */
const SECRET_BYTES = 32;

/** A new credential with an id such as `crypto-client-k5zq2m7xw3ab` and a random secret. */
export function makeCredential(appName: string, randomBytes: RandomBytes): StoredCredential {
  const letters = [...randomBytes(ID_LENGTH)].map((byte) => BASE32.charAt(byte % BASE32.length));
  const clientSecret = Buffer.from(randomBytes(SECRET_BYTES)).toString('base64url');
  return {
    clientId: `crypto-client-${letters.join('')}`,
    clientSecret,
    appName,
    origin: 'self-made',
    registered: false,
  };
}
