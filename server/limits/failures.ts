import type { Limit } from '../../kit/limit';
import { addressGroup } from '../../kit/limits/address';
import type { Buckets } from '../../kit/limits/buckets';
import { fullBucket, type Level, look, take } from '../../kit/limits/gcra';
import { LimitExceeded, type Policy, takenOf } from './refusal';
import { type Counted, type Sharing, settleAs } from './sharing';

/** Finds out whence a request comes. Every token request comes by here: it is asked only when there is something to look up. */
export type Address = () => string;

/**
 * Failed authentication: per client and address, so that nobody can lock a client out elsewhere, and per address. `clientId`
 * is of bounded length. Each is asked in its turn: {@link Failures.check}, then one of the other two.
 */
export interface Failures {
  /** Before anything is compared: a right secret is refused too, or guessing would go on. Takes nothing; goes by what is known here. @throws LimitExceeded */
  check(clientId: string, address: Address): void;
  /** It was right: asked again, of all replicas, so that of guesses sent together no more are answered. @throws LimitExceeded */
  confirm(clientId: string, address: Address): void | Promise<void>;
  /** It was wrong. @throws LimitExceeded instead of the refusal when it was one too many. */
  count(clientId: string, address: Address): void | Promise<void>;
}

/** What counting failures stands on. */
export interface FailuresOptions {
  /** Per client and address. */
  readonly limit: Limit;
  readonly pairs: Buckets;
  readonly addresses: Buckets;
  readonly sharing: Sharing | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** An address may fail for so many clients; behind one address there may be many. */
const ADDRESS_FACTOR = 10;

/** Whose failure it is, twice: the limit that is named in a refusal is the first of those that are used up. */
interface Kind extends Counted {
  readonly policy: Policy;
  readonly buckets: Buckets;
}

/** The limits of failed authentication. */
export function createFailures({ limit, pairs, addresses, sharing, now }: FailuresOptions): Failures {
  const addressLimit = { ...limit, count: limit.count * ADDRESS_FACTOR };
  const kindsOf = (clientId: string, address: Address): readonly Kind[] => {
    const group = addressGroup(address());
    return [
      { policy: 'failed-authentication', key: `${group} ${clientId}`, limit, buckets: pairs },
      { policy: 'failed-authentication-address', key: group, limit: addressLimit, buckets: addresses },
    ];
  };
  const lookHere = (kinds: readonly Kind[], clientId: string, nowMs: number): void => {
    for (const { policy, key, limit, buckets } of kinds)
      requireAllowed(policy, limit, look(buckets.find(key) ?? fullBucket(limit, nowMs), nowMs), clientId);
  };
  const check = (clientId: string, address: Address): void => {
    if (pairs.size() + addresses.size() === 0) return;
    const nowMs = now();
    pairs.tidy(nowMs);
    addresses.tidy(nowMs);
    lookHere(kindsOf(clientId, address), clientId, nowMs);
  };
  const countHere = (kinds: readonly Kind[], clientId: string): void => {
    const nowMs = now();
    lookHere(kinds, clientId, nowMs);
    for (const { key, limit, buckets } of kinds) take(buckets.of(key, limit, nowMs), nowMs);
  };
  const ask = async (kinds: readonly Kind[], amount: 0 | 1, clientId: string): Promise<void> => {
    const levels = (await sharing?.take(kinds, amount)) ?? null;
    if (levels === null) return amount === 1 ? countHere(kinds, clientId) : lookHere(kinds, clientId, now());
    const nowMs = now();
    const settled = kinds.map(({ key, limit, buckets }, at) => {
      const shared = levels[at] ?? { allowed: true, debt: 0 };
      // Of who has failed nowhere nothing is kept.
      const bucket = shared.debt === 0 ? fullBucket(limit, nowMs) : buckets.of(key, limit, nowMs);
      return settleAs(bucket, shared, nowMs);
    });
    for (const [at, { policy, limit }] of kinds.entries()) {
      const level = settled[at];
      if (level !== undefined) requireAllowed(policy, limit, level, clientId);
    }
  };
  return {
    check,
    confirm: (clientId, address) =>
      sharing?.up() ? ask(kindsOf(clientId, address), 0, clientId) : check(clientId, address),
    count: (clientId, address) => {
      const kinds = kindsOf(clientId, address);
      return sharing?.up() ? ask(kinds, 1, clientId) : countHere(kinds, clientId);
    },
  };
}

/** @throws LimitExceeded */
function requireAllowed(policy: Policy, limit: Limit, level: Level, clientId: string): void {
  if (!level.allowed) throw new LimitExceeded(takenOf(policy, limit, level), clientId);
}
