import type { Limit } from '../../kit/limit';
import { addressGroup } from '../../kit/limits/address';
import { type Buckets, createBuckets } from '../../kit/limits/buckets';
import { look, take } from '../../kit/limits/gcra';
import { createFailures, type Failures } from './failures';
import { type Policy, type Taken, takenOf } from './refusal';
import { type Sharing, settleAs } from './sharing';

/** The limits of this server, or of all replicas where they share. */
export interface Limits {
  /**
   * One request of a client (`api`, `token`, `revocation`: key is the client id) or address (`register`). `limit` replaces the
   * policy's own. At once where nothing has to be asked.
   */
  take(policy: 'api' | 'token' | 'revocation' | 'register', key: string, limit?: Limit | null): Taken | Promise<Taken>;
  readonly failed: Failures;
  /** Keys remembered, by policy. */
  sizes(): Readonly<Record<string, number>>;
}

/** The limits in force. */
export interface LimitsOptions {
  readonly limits: {
    readonly api: Limit;
    readonly token: Limit;
    readonly failed: Limit;
    readonly register: Limit;
  } | null;
  /** The memory of all replicas, which counts; null: each counts by itself. */
  readonly sharing: Sharing | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Keys that are remembered per policy: together some 28 MB when all are in use at once. */
const KEYS_MAX = {
  api: 20_000,
  token: 20_000,
  revocation: 20_000,
  register: 20_000,
  'failed-authentication': 60_000,
  'failed-authentication-address': 20_000,
} as const;

/** A client that has used up its limit at the API must still be able to take back a token that leaked. */
const REVOCATION_LIMIT: Limit = { count: 10, periodMs: 1_000 };

/**
 * The limits, or none of them (`limits` null). Where they are shared, each process keeps what it last heard of each key: it
 * refuses by that without asking, since others can only have taken more, and goes by it while the shared memory is away.
 */
export function createLimits({ limits, sharing, now }: LimitsOptions): Limits {
  if (limits === null) return NO_LIMITS;
  const limitOf = { ...limits, revocation: REVOCATION_LIMIT };
  const buckets = new Map(Object.entries(KEYS_MAX).map(([policy, max]) => [policy, createBuckets(max)]));
  const of = (policy: Policy): Buckets => buckets.get(policy) ?? createBuckets(0);
  const [api, token, revocation, register] = [of('api'), of('token'), of('revocation'), of('register')];
  const bucketsOf = { api, token, revocation, register };
  const keyOf = { api: identity, token: identity, revocation: identity, register: addressGroup };
  return {
    take: (policy, given, own) => {
      const limit = own ?? limitOf[policy];
      const key = keyOf[policy](given);
      const nowMs = now();
      const bucket = bucketsOf[policy].of(key, limit, nowMs);
      if (sharing === null || !sharing.up()) return takenOf(policy, limit, take(bucket, nowMs));
      const known = look(bucket, nowMs);
      if (!known.allowed) return takenOf(policy, limit, known);
      return sharing.take([{ policy, key, limit }], 1).then((levels) => {
        const level = levels?.[0];
        return takenOf(policy, limit, level === undefined ? take(bucket, now()) : settleAs(bucket, level, now()));
      });
    },
    failed: createFailures({
      limit: limits.failed,
      pairs: of('failed-authentication'),
      addresses: of('failed-authentication-address'),
      sharing,
      now,
    }),
    sizes: () => Object.fromEntries([...buckets].map(([policy, { size }]) => [policy, size()])),
  };
}

function identity(key: string): string {
  return key;
}

/** Without limits there is nothing to count, and no header to send. */
const UNLIMITED: Omit<Taken, 'policy'> = {
  limit: null,
  allowed: true,
  remaining: Number.POSITIVE_INFINITY,
  resetSeconds: 0,
  retryAfterSeconds: 0,
};

const NONE_TAKEN = {
  api: { ...UNLIMITED, policy: 'api' },
  token: { ...UNLIMITED, policy: 'token' },
  revocation: { ...UNLIMITED, policy: 'revocation' },
  register: { ...UNLIMITED, policy: 'register' },
} as const;

const NO_LIMITS: Limits = {
  take: (policy) => NONE_TAKEN[policy],
  failed: { check: () => {}, confirm: () => {}, count: () => {} },
  sizes: () => ({}),
};
