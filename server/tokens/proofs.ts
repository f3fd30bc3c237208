/** DPoP proofs as this server takes them (RFC 9449): its nonces, its URLs, its memory of what was used. */
import { checkProof, invalidProof } from '../oauth/dpop';
import { OAuthError } from '../oauth/errors';
import { createTargets } from '../oauth/htu';
import { createNonces } from './nonces';
import { createReplayMemory, type ReplayMemory } from './replay';

/** A `DPoP` header and the request that it came with. */
export interface GivenProof {
  readonly header: string | null;
  readonly method: string;
  /** The path of the request. */
  readonly path: string;
  /** The access token beside it, and the key that it is bound to; null at the token endpoint. */
  readonly bound: { readonly token: string; readonly jkt: string } | null;
}

/** A proof that was good. */
export interface Proven {
  readonly jkt: string;
  /** A `DPoP-Nonce` for the next one, when the one used will soon be too old; else null. */
  readonly nextNonce: string | null;
  /**
   * Uses it up: each is good once. Not before all else is known to be good, or refused requests would fill the memory.
   * @throws OAuthError invalid_dpop_proof when it was used before; Problem 429, 503
   */
  use(clientId: string): void;
}

/** Judges proofs. */
export interface Proofs {
  /** Whether it was used before, `use` says. @throws OAuthError invalid_dpop_proof, use_dpop_nonce (with the nonce) */
  check(given: GivenProof): Promise<Proven>;
}

/** What judging stands on. */
export interface ProofsOptions {
  /** Base URLs by which we are known. */
  readonly urls: readonly string[];
  /** All replicas have the same. */
  readonly nonceKey: () => Buffer;
  readonly now: () => number;
  /** The memory of used proofs; one of the usual size when left out. */
  readonly used?: ReplayMemory;
}

/** The judge of proofs of one process. */
export function createProofs({ urls, nonceKey, now, used = createReplayMemory({ now }) }: ProofsOptions): Proofs {
  const nonces = createNonces({ key: nonceKey, now });
  const isTarget = createTargets(urls);
  return {
    check: async ({ header, method, path, bound }) => {
      let nextNonce: string | null = null;
      const checkNonce = (nonce: string | null): void => {
        const verdict = nonces.judge(nonce);
        if (verdict === 'bad') throw wrongNonce(nonce, nonces.current());
        if (verdict === 'ageing') nextNonce = nonces.current();
      };
      const [accessToken, boundTo] = [bound?.token ?? null, bound?.jkt ?? null];
      const expected = { method, isTarget: isTarget(path), accessToken, jkt: boundTo, checkNonce, nowMs: now() };
      const { jkt, jti } = await checkProof(header, expected);
      const use = (clientId: string): void => {
        if (!used.use(jkt, jti, clientId)) throw invalidProof('dpop_replayed');
      };
      return { jkt, nextNonce, use };
    },
  };
}

function wrongNonce(given: string | null, nonce: string): OAuthError {
  const reason = given === null ? 'dpop_nonce_missing' : 'dpop_nonce_old';
  return new OAuthError('use_dpop_nonce', reason, { headers: { 'dpop-nonce': nonce } });
}
