import { createHash } from 'node:crypto';
import { Problem } from '../../kit/http/problem';
import { DPOP_AGE_MAX_SECONDS, DPOP_SKEW_MAX_SECONDS } from '../oauth/dpop';

/** Proofs that were used, so that none is good twice (RFC 9449 §11.1). */
export interface ReplayMemory {
  /**
   * `clientId` is whose memory it fills, whoever made the proof.
   * @returns false when it was used before. @throws Problem 429 when this client has too many in use, 503 when no more can be remembered.
   */
  use(jkt: string, jti: string, clientId: string): boolean;
}

/** From when it is used a proof can be good this long at most: it may come from ahead, and then has all its age before it. */
const PROOF_LIFE_MS = (DPOP_AGE_MAX_SECONDS + DPOP_SKEW_MAX_SECONDS) * 1_000;

/**
 * Proofs remembered; some 120 bytes each, so 60 MB when full: seven thousand a second for as long as one is good. One process
 * verifies ten thousand (RS256), so it is the limits of clients that keep it from being filled. When it is full nothing is
 * forgotten to make room, which would let a replay through.
 */
const REMEMBERED_MAX = 500_000;

/** No client has more of it than this part, whatever its limits: 1,700 proofs a second. */
const SHARE = 1 / 4;

interface Used {
  readonly endsMs: number;
  readonly by: { readonly clientId: string; inUse: number };
}

/** Digests of key and id in order of use, so that those that have ended are in front. */
export function createReplayMemory(options: { now: () => number; max?: number }): ReplayMemory {
  const { now, max = REMEMBERED_MAX } = options;
  const shareMax = Math.ceil(max * SHARE);
  const used = new Map<string, Used>();
  const clients = new Map<string, Used['by']>();
  const forget = (nowMs: number): void => {
    for (const [id, { endsMs, by }] of used) {
      if (endsMs > nowMs) return;
      used.delete(id);
      by.inUse -= 1;
      if (by.inUse === 0) clients.delete(by.clientId);
    }
  };
  return {
    use: (jkt, jti, clientId) => {
      const nowMs = now();
      forget(nowMs);
      const id = createHash('sha256').update(`${jkt}.${jti}`).digest('base64url').slice(0, 22);
      if (used.has(id)) return false;
      const by = clients.get(clientId) ?? { clientId, inUse: 0 };
      if (used.size >= max) throw full();
      if (by.inUse >= shareMax) throw tooMany();
      by.inUse += 1;
      clients.set(clientId, by);
      used.set(id, { endsMs: nowMs + PROOF_LIFE_MS, by });
      return true;
    },
  };
}

/** Proofs end all the time: the next place is free soon. */
const RETRY_AFTER_SECONDS = '5';

function tooMany(): Problem {
  const detail = 'This client has too many DPoP proofs in use; wait.';
  return new Problem(429, 'Too Many Requests', detail, { 'retry-after': RETRY_AFTER_SECONDS });
}

function full(): Problem {
  const detail = 'Too many DPoP proofs are in use; try again.';
  return new Problem(503, 'Service Unavailable', detail, { 'retry-after': RETRY_AFTER_SECONDS });
}
