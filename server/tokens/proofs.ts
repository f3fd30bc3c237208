/** DPoP proofs as this server takes them (RFC 9449): its nonces, its URLs, its memory of what was used. */
import { checkProof, invalidProof } from '../oauth/dpop';
import { OAuthError } from '../oauth/errors';
import { createTargets } from '../oauth/htu';
import { createNonces, type Judged } from './nonces';
import { MemoryAway, type ReplayMemory } from './replay';

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
   * @throws OAuthError invalid_dpop_proof when it was used before, use_dpop_nonce when nobody can say; Problem 429, 503
   */
  use(clientId: string): Promise<void>;
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
  /** Memories of used proofs: the first one that can be asked gives the nonces, all that can be asked take theirs. */
  readonly memories: readonly ReplayMemory[];
}

/** The judge of proofs of one process. */
export function createProofs({ urls, nonceKey, now, memories }: ProofsOptions): Proofs {
  const nonces = createNonces({ key: nonceKey, now, memories });
  const isTarget = createTargets(urls);
  const wrongNonce = (reason: 'dpop_nonce_missing' | 'dpop_nonce_old'): OAuthError =>
    new OAuthError('use_dpop_nonce', reason, { headers: { 'dpop-nonce': nonces.current() } });
  const isFirst = async (memory: ReplayMemory, jkt: string, jti: string, clientId: string): Promise<boolean> => {
    try {
      return await memory.use(jkt, jti, clientId);
    } catch (error) {
      throw error instanceof MemoryAway ? wrongNonce('dpop_nonce_old') : error;
    }
  };
  return {
    check: async ({ header, method, path, bound }) => {
      // Set by the check below, which comes before the signature.
      const seen: { nonce: Judged | null } = { nonce: null };
      const checkNonce = (nonce: string | null): void => {
        seen.nonce = nonces.judge(nonce);
        if (seen.nonce === null) throw wrongNonce(nonce === null ? 'dpop_nonce_missing' : 'dpop_nonce_old');
      };
      const [accessToken, boundTo] = [bound?.token ?? null, bound?.jkt ?? null];
      const expected = { method, isTarget: isTarget(path), accessToken, jkt: boundTo, checkNonce, nowMs: now() };
      const { jkt, jti } = await checkProof(header, expected);
      const { nonce } = seen;
      if (nonce === null) throw wrongNonce('dpop_nonce_missing');
      return {
        jkt,
        nextNonce: nonce.ageing ? nonces.current() : null,
        use: async (clientId) => {
          if (!(await isFirst(nonce.memory, jkt, jti, clientId))) throw invalidProof('dpop_replayed');
        },
      };
    },
  };
}
