import { Problem } from '../../kit/http/problem';

/** Cost of an argon2id hash: memory in KiB, time in passes. */
export interface HashCost {
  readonly memoryCost: number;
  readonly timeCost: number;
}

/** Cost of a chosen secret's hash: 19 MiB, two passes (OWASP Password Storage Cheat Sheet), 20 to 30 ms. */
export const CHOSEN_SECRET_COST: HashCost = { memoryCost: 19_456, timeCost: 2 };

/** Hashes that may wait. At some 25 ms each the last one waits under two seconds. */
const QUEUE_MAX = 64;

/** What a busy server tells a caller to wait, in seconds. */
const RETRY_AFTER_SECONDS = 2;

/** Slow hashing of chosen secrets, a bounded number at a time. */
export interface SecretHasher {
  /** Secret → PHC string. @throws Problem 503 when too many wait. */
  hash(secret: string): Promise<string>;
  /**
   * True when the secret belongs to the hash. Without a hash, the same work is done for nothing, so that an unknown
   * client costs what a wrong secret costs. @throws Problem 503 when too many wait.
   */
  matches(secret: string, hash: string | null): Promise<boolean>;
}

/** What hashing stands on. */
export interface SecretHasherOptions {
  /** Hashes at a time. */
  readonly concurrency: number;
  readonly cost: HashCost;
  readonly randomBytes: (n: number) => Buffer;
}

/**
 * Bun hashes on the pool that also serves files and DNS, as many threads as cores: `concurrency` must leave one free,
 * and guessing must not starve the rest, so the queue is bounded.
 */
export function createSecretHasher({ concurrency, cost, randomBytes }: SecretHasherOptions): SecretHasher {
  const run = createGate(concurrency, QUEUE_MAX);
  const decoy = decoyHash(cost, randomBytes);
  return {
    hash: (secret) => run(() => Bun.password.hash(secret, { algorithm: 'argon2id', ...cost })),
    matches: async (secret, hash) => {
      const verified = await run(() => Bun.password.verify(secret, hash ?? decoy));
      return verified && hash !== null;
    },
  };
}

/** A well-formed hash of this cost that no secret has. */
function decoyHash({ memoryCost, timeCost }: HashCost, randomBytes: (n: number) => Buffer): string {
  const part = (bytes: number): string => randomBytes(bytes).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=1$${part(32)}$${part(32)}`;
}

/** At most `concurrency` at a time, at most `queueMax` waiting, first come first served. */
function createGate(concurrency: number, queueMax: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= concurrency) {
      if (waiting.length >= queueMax) throw tooBusy();
      await new Promise<void>((start) => waiting.push(start));
    } else running += 1;
    try {
      return await work();
    } finally {
      // The place is handed on, so that nobody slips in between.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function tooBusy(): Problem {
  const detail = 'Too many secrets are being checked at once; try again.';
  return new Problem(503, 'Service Unavailable', detail, { 'retry-after': String(RETRY_AFTER_SECONDS) });
}
