import { createHash } from 'node:crypto';
import { Problem } from '../../kit/http/problem';
import { DPOP_AGE_MAX_SECONDS, DPOP_SKEW_MAX_SECONDS } from '../oauth/dpop';

/** Proofs that were used, so that none is good twice (RFC 9449 §11.1). */
export interface ReplayMemory {
  /** @returns false when it was used before. @throws Problem 503 when no more can be remembered. */
  use(jkt: string, jti: string): boolean;
}

/** From when it is used a proof can be good this long at most: it may come from ahead, and then has all its age before it. */
const PROOF_LIFE_MS = (DPOP_AGE_MAX_SECONDS + DPOP_SKEW_MAX_SECONDS) * 1_000;

/**
 * Proofs remembered; some 100 bytes each, so 50 MB when full: seven thousand proofs a second, more than one process
 * verifies. When it is full nothing is forgotten to make room, which would let a replay through.
 */
const REMEMBERED_MAX = 500_000;

/** Digests of key and id in order of use, so that those that have ended are in front. */
export function createReplayMemory(options: { now: () => number; max?: number }): ReplayMemory {
  const { now, max = REMEMBERED_MAX } = options;
  const endsMsOf = new Map<string, number>();
  const forget = (nowMs: number): void => {
    for (const [id, endsMs] of endsMsOf) {
      if (endsMs > nowMs) return;
      endsMsOf.delete(id);
    }
  };
  return {
    use: (jkt, jti) => {
      const nowMs = now();
      forget(nowMs);
      const id = createHash('sha256').update(`${jkt}.${jti}`).digest('base64url').slice(0, 22);
      if (endsMsOf.has(id)) return false;
      if (endsMsOf.size >= max) throw full();
      endsMsOf.set(id, nowMs + PROOF_LIFE_MS);
      return true;
    },
  };
}

function full(): Problem {
  const detail = 'Too many DPoP proofs are in use; try again.';
  return new Problem(503, 'Service Unavailable', detail, { 'retry-after': '5' });
}
