import { createHmac, timingSafeEqual } from 'node:crypto';
import { DPOP_SKEW_MAX_SECONDS } from '../oauth/dpop';

/** Nonces that a DPoP proof must carry (RFC 9449 §8). They are computed, not remembered. */
export interface Nonces {
  /** The one to use from now on. */
  current(): string;
  /** Whether a nonce is good, good but soon to be replaced, or none of ours or too old. */
  judge(nonce: string | null): 'good' | 'ageing' | 'bad';
}

/** A nonce is good in the minute it was made and in the next. */
const WINDOW_MS = 60_000;

const TIME_BYTES = 6;
/** Half of an HMAC-SHA-256: 128 bits cannot be guessed. */
const MAC_BYTES = 16;

/**
 * A nonce is the time it was made and an HMAC of it under a key that all replicas share. One made before this process
 * began is refused: which proofs were used with it, this process does not know.
 */
export function createNonces({ key, now }: { key: () => Buffer; now: () => number }): Nonces {
  const startedMs = now();
  let made: { readonly window: number; readonly nonce: string } | null = null;
  const seal = (time: Buffer): Buffer =>
    createHmac('sha256', key()).update('dpop-nonce').update(time).digest().subarray(0, MAC_BYTES);
  const windowOf = (ms: number): number => Math.floor(ms / WINDOW_MS);
  return {
    current: () => {
      const window = windowOf(now());
      if (made?.window !== window) {
        const time = Buffer.alloc(TIME_BYTES);
        time.writeUIntBE(Math.max(startedMs, window * WINDOW_MS), 0, TIME_BYTES);
        made = { window, nonce: Buffer.concat([time, seal(time)]).toString('base64url') };
      }
      return made.nonce;
    },
    judge: (nonce) => {
      if (nonce !== null && nonce === made?.nonce && made.window === windowOf(now())) return 'good';
      const bytes = Buffer.from(nonce ?? '', 'base64url');
      if (bytes.length !== TIME_BYTES + MAC_BYTES) return 'bad';
      const time = bytes.subarray(0, TIME_BYTES);
      if (!timingSafeEqual(seal(time), bytes.subarray(TIME_BYTES))) return 'bad';
      const ms = time.readUIntBE(0, TIME_BYTES);
      if (ms < startedMs || ms > now() + DPOP_SKEW_MAX_SECONDS * 1_000) return 'bad';
      const age = windowOf(now()) - windowOf(ms);
      if (age > 1) return 'bad';
      return age === 1 ? 'ageing' : 'good';
    },
  };
}
