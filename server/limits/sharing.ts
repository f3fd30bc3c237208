import { createHmac } from 'node:crypto';
import type { Limit } from '../../kit/limit';
import { type Bucket, type Level, levelOf } from '../../kit/limits/gcra';
import { limitArguments, limitScript, readLevels, type SharedLevel } from './script';

/** Memory that replicas share, which runs scripts (Lua). */
export interface SharedMemory {
  /** False while it is away. */
  up(): boolean;
  /** Rejects soon when it is away. */
  run(
    script: { readonly text: string; readonly sha: string },
    keys: readonly string[],
    args: readonly string[],
  ): Promise<unknown>;
}

/** One limit of one client or address. */
export interface Counted {
  readonly policy: string;
  readonly key: string;
  readonly limit: Limit;
}

/** Limits in the memory of all replicas. */
export interface Sharing {
  up(): boolean;
  /** Takes one from each when all allow it, else from none; amount 0 only looks. Null: the memory is away. Never rejects. */
  take(counted: readonly Counted[], amount: 0 | 1): Promise<readonly SharedLevel[] | null>;
}

const PREFIX = 'crypto-server:limit:';

/** Half of an HMAC-SHA-256 in base64url: enough that no two meet. */
const NAME_CHARACTERS = 22;

const SCRIPT = limitScript();

/**
 * Shares limits. Names in that memory are an HMAC under a key of this installation: they say of no address or client that it was
 * here, and another installation beside it has others. With another limit it is another name, and so begins anew.
 */
export function createSharing({ memory, key }: { memory: SharedMemory; key: () => Buffer }): Sharing {
  const nameOf = ({ policy, key: whose, limit: { count, periodMs } }: Counted): string => {
    const mac = createHmac('sha256', key()).update(`limit ${policy} ${count}/${periodMs} ${whose}`).digest('base64url');
    return PREFIX + mac.slice(0, NAME_CHARACTERS);
  };
  return {
    up: memory.up,
    take: async (counted, amount) => {
      const limits = counted.map(({ limit }) => limit);
      try {
        return readLevels(await memory.run(SCRIPT, counted.map(nameOf), limitArguments(limits, amount)), limits);
      } catch {
        return null;
      }
    },
  };
}

/** Keeps in the bucket of this process what all replicas know. */
export function settleAs(bucket: Bucket, { allowed, debt }: SharedLevel, nowMs: number): Level {
  bucket.debt = debt;
  bucket.atMs = nowMs;
  return levelOf(bucket, allowed);
}
