import { Problem } from '../../kit/http/problem';
import type { Limit } from '../../kit/limit';
import type { Level } from '../../kit/limits/gcra';
import type { REASONS } from '../oauth/words';

/** The limits by name, as they stand in headers and in the trail. */
export type Policy = (typeof REASONS.limit)[number];

/** What became of a request under a limit. */
export interface Taken {
  readonly policy: Policy;
  /** Null: there is no limit. */
  readonly limit: Limit | null;
  readonly allowed: boolean;
  /** Requests that may come at once now. */
  readonly remaining: number;
  /** Until all of them may come at once again. */
  readonly resetSeconds: number;
  /** Until the next one may come; 0 when it was allowed. */
  readonly retryAfterSeconds: number;
}

/** What a limit's level means for the caller. */
export function takenOf(policy: Policy, limit: Limit, { allowed, remaining, resetMs, retryAfterMs }: Level): Taken {
  return {
    policy,
    limit,
    allowed,
    remaining,
    resetSeconds: Math.ceil(resetMs / 1000),
    retryAfterSeconds: allowed ? 0 : Math.max(1, Math.ceil(retryAfterMs / 1000)),
  };
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10 §3, §4); none without a limit. */
function limitHeaders({ policy, limit, remaining, resetSeconds }: Taken): Readonly<Record<string, string>> {
  if (limit === null) return NO_HEADERS;
  return {
    'ratelimit-policy': `"${policy}";q=${limit.count};w=${limit.periodMs / 1000}`,
    ratelimit: `"${policy}";r=${remaining};t=${resetSeconds}`,
  };
}

/** A request beyond a limit: 429 with `Retry-After` (RFC 6585 §4), at OAuth endpoints too. */
export class LimitExceeded extends Problem {
  readonly policy: Policy;
  /** Whose limit it was, where that is known; for the operator. */
  readonly clientId: string | null;

  constructor(taken: Taken, clientId: string | null = null) {
    const { policy, retryAfterSeconds } = taken;
    const detail = `${SENTENCES[policy]} Try again in ${retryAfterSeconds} s.`;
    super(429, 'Too Many Requests', detail, { ...limitHeaders(taken), 'retry-after': String(retryAfterSeconds) });
    this.policy = policy;
    this.clientId = clientId;
  }
}

const SENTENCES: Readonly<Record<Policy, string>> = {
  api: 'This client has sent too many requests.',
  token: 'This client has asked for too many tokens.',
  revocation: 'This client has revoked too many tokens.',
  register: 'There were too many registrations from this address.',
  'failed-authentication': 'Authentication has failed too often.',
  'failed-authentication-address': 'Authentication has failed too often from this address.',
};

type Headers = Readonly<Record<string, string>>;

/** Headers for the answer to what was allowed, at once where it is known at once. @throws LimitExceeded */
export function within(taken: Taken, clientId?: string | null): Headers;
export function within(taken: Taken | Promise<Taken>, clientId?: string | null): Headers | Promise<Headers>;
export function within(taken: Taken | Promise<Taken>, clientId: string | null = null): Headers | Promise<Headers> {
  if (taken instanceof Promise) return taken.then((known) => within(known, clientId));
  if (!taken.allowed) throw new LimitExceeded(taken, clientId);
  return limitHeaders(taken);
}
