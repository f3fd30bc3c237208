import { SignJWT } from 'jose';
import type { Clock, RandomBytes } from '../ports';
import { type SigningKey, signer } from './keys';

/** `client_assertion_type` (RFC 7523 §2.2). */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Life of an assertion, in seconds: used at once, and once; clocks may differ by most of it. */
export const ASSERTION_LIFE_SECONDS = 60;

/** 128 bits: no two are the same, and nobody guesses the next. */
const JTI_BYTES = 16;

/** What {@link createAssertions} needs. */
export interface AssertionDeps {
  readonly key: SigningKey;
  readonly clock: Pick<Clock, 'now'>;
  readonly randomBytes: RandomBytes;
}

/** Makes client assertions (RFC 7523 §3): a new one for each request; `aud` is the issuer alone, as one string, so that no other server takes it. */
export function createAssertions({ key, clock, randomBytes }: AssertionDeps) {
  const signing = signer(key);
  // Whoever awaits an assertion hears of a key that does not load.
  signing.catch(() => {});
  return async (clientId: string, issuer: string): Promise<string> => {
    const nowSeconds = Math.floor(clock.now() / 1000);
    return new SignJWT({})
      .setProtectedHeader({ alg: key.alg, typ: 'JWT', ...(key.kid === null ? {} : { kid: key.kid }) })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + ASSERTION_LIFE_SECONDS)
      .setJti(Buffer.from(randomBytes(JTI_BYTES)).toString('base64url'))
      .sign(await signing);
  };
}
