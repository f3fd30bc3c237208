import { createHmac, timingSafeEqual } from 'node:crypto';
import { DPOP_SKEW_MAX_SECONDS } from '../oauth/dpop';
import type { ReplayMemory, Standing } from './replay';

/** Nonces that a DPoP proof must carry (RFC 9449 §8). They are computed, not remembered. */
export interface Nonces {
  /** The one to use from now on, of the first memory that can be asked. */
  current(): string;
  /** What a nonce is worth; null: it is none of ours, too old, or its memory cannot be asked. */
  judge(nonce: string | null): Judged | null;
}

/** A nonce that is good. */
export interface Judged {
  /** Where proofs that carry it are remembered, all of them and no others. */
  readonly memory: ReplayMemory;
  /** True when it is soon to be replaced. */
  readonly ageing: boolean;
}

/** What nonces stand on. */
export interface NoncesOptions {
  /** All replicas have the same. */
  readonly key: () => Buffer;
  readonly memories: readonly ReplayMemory[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A nonce is good in the minute it was made and in the next. */
const WINDOW_MS = 60_000;

const TIME_BYTES = 6;
/** Half of an HMAC-SHA-256: 128 bits cannot be guessed. */
const MAC_BYTES = 16;

/** A nonce is the time it was made and an HMAC, under a key that all replicas share, of it and of the memory it belongs to. */
export function createNonces({ key, memories, now }: NoncesOptions): Nonces {
  let made: { readonly window: number; readonly name: string; readonly nonce: string } | null = null;
  const seal = (name: string, time: Buffer): Buffer =>
    createHmac('sha256', key()).update(`dpop-nonce ${name}`).update(time).digest().subarray(0, MAC_BYTES);
  const windowOf = (ms: number): number => Math.floor(ms / WINDOW_MS);
  const make = ({ name, sinceMs }: Standing, window: number): string => {
    const time = Buffer.alloc(TIME_BYTES);
    time.writeUIntBE(Math.max(sinceMs, window * WINDOW_MS), 0, TIME_BYTES);
    return Buffer.concat([time, seal(name, time)]).toString('base64url');
  };
  /** The memory whose seal it is; null: none that can be asked. */
  const ownerOf = (time: Buffer, mac: Buffer, ms: number): ReplayMemory | null => {
    for (const memory of memories) {
      const standing = memory.standing();
      if (standing !== null && timingSafeEqual(seal(standing.name, time), mac))
        return ms < standing.sinceMs ? null : memory;
    }
    return null;
  };
  return {
    current: () => {
      const standing = memories.map((memory) => memory.standing()).find((one) => one !== null);
      if (standing === undefined) throw new Error('there is no memory of used proofs');
      const window = windowOf(now());
      if (made?.window !== window || made.name !== standing.name)
        made = { window, name: standing.name, nonce: make(standing, window) };
      return made.nonce;
    },
    judge: (nonce) => {
      const bytes = Buffer.from(nonce ?? '', 'base64url');
      if (bytes.length !== TIME_BYTES + MAC_BYTES) return null;
      const time = bytes.subarray(0, TIME_BYTES);
      const ms = time.readUIntBE(0, TIME_BYTES);
      const age = windowOf(now()) - windowOf(ms);
      if (age > 1 || ms > now() + DPOP_SKEW_MAX_SECONDS * 1_000) return null;
      const memory = ownerOf(time, bytes.subarray(TIME_BYTES), ms);
      return memory === null ? null : { memory, ageing: age === 1 };
    },
  };
}
