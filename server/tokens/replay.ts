import { createHash } from 'node:crypto';
import { Problem } from '../../kit/http/problem';
import { DPOP_AGE_MAX_SECONDS, DPOP_SKEW_MAX_SECONDS } from '../oauth/dpop';

/**
 * Proofs that were used, so that none is good twice (RFC 9449 §11.1). A proof belongs to one memory, the one that its nonce
 * names: so it does not matter who else remembers what, or that one of them is away.
 */
export interface ReplayMemory {
  /** Null while it cannot be asked. */
  standing(): Standing | null;
  /**
   * `clientId` is whose memory it fills, whoever made the proof.
   * @returns false when it was used before. @throws MemoryAway; Problem 429 when this client has too many in use, 503 when no more can be remembered.
   */
  use(jkt: string, jti: string, clientId: string): boolean | Promise<boolean>;
}

/** Which nonces a memory answers for. */
export interface Standing {
  /** Sealed into its nonces. */
  readonly name: string;
  /** What was used with earlier nonces it does not know, so they are not good; milliseconds since the epoch, 0: it knows. */
  readonly sinceMs: number;
}

/** It is not known whether the proof was used before: it is not good, another one will be. */
export class MemoryAway extends Error {
  constructor() {
    super('the memory of used proofs is away');
  }
}

/** The memory of one process. */
export interface ProcessMemory extends ReplayMemory {
  use(jkt: string, jti: string, clientId: string): boolean;
}

/** What a proof is remembered by: half a SHA-256, 22 characters of base64url. A thumbprint holds no dot. */
export function proofId(jkt: string, jti: string): string {
  return createHash('sha256').update(`${jkt}.${jti}`).digest('base64url').slice(0, 22);
}

/** From when it is used a proof can be good this long at most: it may come from ahead, and then has all its age before it. */
export const PROOF_LIFE_MS = (DPOP_AGE_MAX_SECONDS + DPOP_SKEW_MAX_SECONDS) * 1_000;

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

/** The memory of this process. */
export function createReplayMemory(options: { now: () => number; max?: number }): ProcessMemory {
  const { now, max = REMEMBERED_MAX } = options;
  const standing = { name: 'process', sinceMs: now() };
  const shareMax = Math.ceil(max * SHARE);
  const clients = new Map<string, Used['by']>();
  const used = createUsed(({ by }) => {
    by.inUse -= 1;
    if (by.inUse === 0) clients.delete(by.clientId);
  });
  return {
    standing: () => standing,
    use: (jkt, jti, clientId) => {
      const nowMs = now();
      used.forget(nowMs);
      const id = proofId(jkt, jti);
      if (used.has(id)) return false;
      const by = clients.get(clientId) ?? { clientId, inUse: 0 };
      if (used.size() >= max) throw full();
      if (by.inUse >= shareMax) throw tooMany();
      by.inUse += 1;
      clients.set(clientId, by);
      used.add(id, { endsMs: nowMs + PROOF_LIFE_MS, by });
      return true;
    },
  };
}

/** A clock that steps back by less changes nothing but that some are forgotten so much later, in milliseconds. */
const STEP_MS = 1_000;

/**
 * Digests of key and id in order of use, so that those that have ended are in front. A clock that is set back begins another list:
 * what was used before is good again once that clock is there, and must not keep others from being forgotten until then.
 */
function createUsed(forgotten: (used: Used) => void) {
  let lists: Map<string, Used>[] = [new Map()];
  let latestMs = Number.NEGATIVE_INFINITY;
  const forgetIn = (list: Map<string, Used>, nowMs: number): void => {
    for (const [id, one] of list) {
      if (one.endsMs > nowMs) return;
      list.delete(id);
      forgotten(one);
    }
  };
  return {
    has: (id: string): boolean => lists.some((list) => list.has(id)),
    size: (): number => lists.reduce((size, list) => size + list.size, 0),
    add: (id: string, one: Used): void => void lists.at(-1)?.set(id, one),
    forget: (nowMs: number): void => {
      for (const list of lists) forgetIn(list, nowMs);
      if (nowMs < latestMs - STEP_MS) lists = [...lists.filter(({ size }) => size > 0), new Map()];
      latestMs = nowMs;
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
