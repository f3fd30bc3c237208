import { createHash } from 'node:crypto';
import { type JWK, SignJWT } from 'jose';
import { createBoundedMap } from '../../kit/bounded-map';
import type { Clock, RandomBytes } from '../ports';
import { publicPart, signer, thumbprint } from './keys';

/** Proves with each request that the client holds a key (RFC 9449). */
export interface Prover {
  /** Thumbprint of the key (RFC 7638), to which tokens are bound. */
  readonly jkt: string;
  /** The `DPoP` header for one request, with the last nonce of its server; `accessToken` is null at the token endpoint. */
  proof(request: { readonly method: string; readonly url: string }, accessToken: string | null): Promise<string>;
  /** Keeps the nonce that an answer brings (RFC 9449 §8.2). @returns whether it is another one than before. */
  heard(response: Response, url: string): boolean;
}

/** What {@link createProver} needs. */
export interface ProverDeps {
  readonly jwk: JWK;
  readonly clock: Pick<Clock, 'now'>;
  readonly randomBytes: RandomBytes;
}

/** Servers whose nonces are remembered: far more than a credential has, and another one costs a request. */
const ORIGINS_MAX = 64;

/** Longest nonce that is taken: it comes from outside and goes into every proof. */
const NONCE_CHARACTERS_MAX = 512;

/** 128 bits: no two proofs are the same, and nobody guesses the next. */
const JTI_BYTES = 16;

/** Proofs by an ES256 key. */
export function createProver({ jwk, clock, randomBytes }: ProverDeps): Prover {
  const signing = signer({ jwk, alg: 'ES256' });
  // Whoever awaits a proof hears of a key that does not load.
  signing.catch(() => {});
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: publicPart(jwk) };
  const nonces = createBoundedMap<string, string>(ORIGINS_MAX);
  return {
    jkt: thumbprint(jwk),
    async proof({ method, url }, accessToken) {
      const { origin, pathname } = new URL(url);
      const nonce = nonces.get(origin);
      const claims = {
        htm: method,
        // RFC 9449 §4.2: without query and fragment.
        htu: `${origin}${pathname}`,
        ...(nonce === undefined ? {} : { nonce }),
        ...(accessToken === null ? {} : { ath: createHash('sha256').update(accessToken).digest('base64url') }),
      };
      return new SignJWT(claims)
        .setProtectedHeader(header)
        .setIssuedAt(Math.floor(clock.now() / 1000))
        .setJti(Buffer.from(randomBytes(JTI_BYTES)).toString('base64url'))
        .sign(await signing);
    },
    heard(response, url) {
      const nonce = response.headers.get('dpop-nonce');
      // RFC 9449 §8.1: NQCHAR alone.
      if (nonce === null || nonce.length > NONCE_CHARACTERS_MAX || !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(nonce))
        return false;
      const { origin } = new URL(url);
      if (nonces.get(origin) === nonce) return false;
      nonces.set(origin, nonce);
      return true;
    },
  };
}
