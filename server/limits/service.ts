import type { Limit } from '../../kit/limit';
import { addressGroup } from '../../kit/limits/address';
import { type Buckets, createBuckets } from '../../kit/limits/buckets';
import { charge, fullBucket, type Level, look, take } from '../../kit/limits/gcra';
import { LimitExceeded, type Policy, type Taken } from './refusal';

/** Finds out whence a request comes. Every token request comes by here: it is asked only when there is something to look up. */
export type Address = () => string;

/** The limits of this server, each of its own memory. */
export interface Limits {
  /** One request of a client (`api`, `token`, `revocation`: key is the client id) or address (`register`). `limit` replaces the policy's own. */
  take(policy: 'api' | 'token' | 'revocation' | 'register', key: string, limit?: Limit | null): Taken;
  /** Failed authentication: per client and address, so that nobody can lock a client out elsewhere, and per address. */
  readonly failed: {
    /** `clientId` is of bounded length. Before anything is compared: a right secret is refused too, or guessing would go on. Takes nothing. @throws LimitExceeded */
    check(clientId: string, address: Address): void;
    /** After a failure. */
    count(clientId: string, address: Address): void;
  };
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

/** An address may fail for so many clients; behind one address there may be many. */
const ADDRESS_FACTOR = 10;

/** A client that has used up its limit at the API must still be able to take back a token that leaked. */
const REVOCATION_LIMIT: Limit = { count: 10, periodMs: 1_000 };

/** The limits, or none of them (`limits` null). */
export function createLimits({ limits, now }: LimitsOptions): Limits {
  if (limits === null) return NO_LIMITS;
  const limitOf = { ...limits, revocation: REVOCATION_LIMIT };
  const buckets = new Map(Object.entries(KEYS_MAX).map(([policy, max]) => [policy, createBuckets(max)]));
  const of = (policy: Policy): Buckets => buckets.get(policy) ?? createBuckets(0);
  const [api, token, revocation, register] = [of('api'), of('token'), of('revocation'), of('register')];
  const bucketsOf = { api, token, revocation, register };
  const keyOf = { api: identity, token: identity, revocation: identity, register: addressGroup };
  return {
    take: (policy, key, own) => {
      const limit = own ?? limitOf[policy];
      const nowMs = now();
      return takenOf(policy, limit, take(bucketsOf[policy].of(keyOf[policy](key), limit, nowMs), nowMs));
    },
    failed: createFailures(limits.failed, of('failed-authentication'), of('failed-authentication-address'), now),
    sizes: () => Object.fromEntries([...buckets].map(([policy, { size }]) => [policy, size()])),
  };
}

function createFailures(limit: Limit, pairs: Buckets, addresses: Buckets, now: () => number): Limits['failed'] {
  const addressLimit = { ...limit, count: limit.count * ADDRESS_FACTOR };
  const check = (policy: Policy, of: Limit, level: Level, clientId: string): void => {
    if (!level.allowed) throw new LimitExceeded(takenOf(policy, of, level), clientId);
  };
  return {
    check: (clientId, address) => {
      if (pairs.size() + addresses.size() === 0) return;
      const nowMs = now();
      pairs.tidy(nowMs);
      addresses.tidy(nowMs);
      const group = addressGroup(address());
      const [pair, whole] = [pairs.find(pairKey(clientId, group)), addresses.find(group)];
      check('failed-authentication', limit, look(pair ?? fullBucket(limit, nowMs), nowMs), clientId);
      check(
        'failed-authentication-address',
        addressLimit,
        look(whole ?? fullBucket(addressLimit, nowMs), nowMs),
        clientId,
      );
    },
    count: (clientId, address) => {
      const nowMs = now();
      const group = addressGroup(address());
      charge(pairs.of(pairKey(clientId, group), limit, nowMs), nowMs);
      charge(addresses.of(group, addressLimit, nowMs), nowMs);
    },
  };
}

function pairKey(clientId: string, group: string): string {
  return `${group} ${clientId}`;
}

function identity(key: string): string {
  return key;
}

function takenOf(policy: Policy, limit: Limit, { allowed, remaining, resetMs, retryAfterMs }: Level): Taken {
  return {
    policy,
    limit,
    allowed,
    remaining,
    resetSeconds: Math.ceil(resetMs / 1000),
    retryAfterSeconds: allowed ? 0 : Math.max(1, Math.ceil(retryAfterMs / 1000)),
  };
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
  failed: { check: () => {}, count: () => {} },
  sizes: () => ({}),
};
