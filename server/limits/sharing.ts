import { createHmac } from 'node:crypto';
import type { Limit } from '../../kit/limit';
import { type Bucket, type Level, levelOf } from '../../kit/limits/gcra';
import { type Group, limitArguments, limitScript, readLevels, type SharedLevel } from './script';

/** Memory that replicas share, which runs scripts (Lua). */
export interface SharedMemory {
  /** False while it is away. */
  up(): boolean;
  /** Rejects soon when it is away. */
  run(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
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

/** Redis does nothing else while it runs a script: for so many requests it takes a millisecond. */
const BATCH_MAX = 200;

interface Asked extends Group {
  readonly keys: readonly string[];
  readonly answer: (levels: readonly SharedLevel[] | null) => void;
}

/**
 * Shares limits. Names in that memory are an HMAC under a key of this installation: they say of no address or client that it was
 * here, and another installation beside it has others. With another limit it is another name, and so begins anew. Requests that
 * come in together are asked for together.
 */
export function createSharing({ memory, key }: { memory: SharedMemory; key: () => Buffer }): Sharing {
  const nameOf = ({ policy, key: whose, limit: { count, periodMs } }: Counted): string => {
    const mac = createHmac('sha256', key()).update(`limit ${policy} ${count}/${periodMs} ${whose}`).digest('base64url');
    return PREFIX + mac.slice(0, NAME_CHARACTERS);
  };
  let batch: Asked[] = [];
  const flush = async (): Promise<void> => {
    const asked = batch;
    if (asked.length === 0) return;
    batch = [];
    const keys = asked.flatMap((one) => one.keys);
    const levels = await memory
      .run(SCRIPT, keys, limitArguments(asked))
      .then((reply) => readLevels(reply, asked))
      .catch(() => null);
    for (const [at, { answer }] of asked.entries()) answer(levels?.[at] ?? null);
  };
  return {
    up: memory.up,
    take: (counted, amount) =>
      new Promise((answer) => {
        // After all that has come in by now, so that one call does for them.
        if (batch.length === 0) setImmediate(flush);
        batch.push({ keys: counted.map(nameOf), limits: counted.map(({ limit }) => limit), amount, answer });
        if (batch.length === BATCH_MAX) void flush();
      }),
  };
}

/** Keeps in the bucket of this process what all replicas know. */
export function settleAs(bucket: Bucket, { allowed, debt }: SharedLevel, nowMs: number): Level {
  bucket.debt = debt;
  bucket.atMs = nowMs;
  return levelOf(bucket, allowed);
}
