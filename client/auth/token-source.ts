import { backoffMs } from '../../kit/backoff';
import type { Clock, Random, Schedule } from '../ports';
import type { RenewableTokens } from './authorized-fetch';
import { type AccessToken, TokenError, type TokenSource } from './token';

/**
 * A token is renewed at a random point of this part of its life. Ten per cent are left at the least, which is a minute
 * for a token of ten minutes and twelve for one of two hours.
 */
export const RENEWAL_WINDOW = { from: 0.8, to: 0.9 } as const;

/** Shortest life taken seriously, in milliseconds: no server, however odd, is asked more often than this. */
export const LIFE_MIN_MS = 1_000;

/** Least time between two forced renewals, in milliseconds: a server that rejects every token is not stormed. */
export const FORCED_SPACING_MS = 1_000;

/** Longest single timer, in milliseconds; JavaScript's own break at 2^31. */
const TIMER_MAX_MS = 86_400_000;

/** What happened, for the log. */
export type TokenEvent =
  | { readonly kind: 'obtained'; readonly token: AccessToken; readonly renewAtMs: number }
  /** `serving`: the old token still serves, so that nobody notices yet. */
  | {
      readonly kind: 'failed';
      readonly error: TokenError;
      readonly nextAttemptAtMs: number;
      readonly serving: boolean;
    };

/** The state of the cache for people; times in milliseconds since the epoch. Holds no token. */
export interface TokenState {
  /** The token that serves now, or null. */
  readonly live: { readonly obtainedAtMs: number; readonly expiresAtMs: number; readonly scope: string | null } | null;
  /** When the next renewal or attempt begins; null when none is planned. */
  readonly nextAttemptAtMs: number | null;
  /** Why the last attempt failed; null after a success. */
  readonly lastError: TokenError | null;
}

/** A cache of one token. */
export interface CachedTokens extends TokenSource, RenewableTokens {
  state(): TokenState;
  /** Ends the renewals in the background. */
  close(): void;
}

/** What {@link cached} needs. */
export interface CachedDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly heard: (event: TokenEvent) => void;
}

interface Held {
  readonly token: AccessToken;
  readonly elapsedMs: number;
  readonly lifeMs: number;
  readonly renewalAgeMs: number;
}

interface Pause {
  readonly error: TokenError;
  readonly failures: number;
  /** On the clock that never steps. */
  readonly untilElapsedMs: number;
}

/**
 * Keeps the token of a source and renews it ahead of its end while it still serves. However many callers there are,
 * at most one request is under way; after a failure nothing is tried until the pause is over, and callers without a
 * live token then get the last error at once, with the time of the next attempt.
 */
export function cached(source: TokenSource, { clock, random, schedule, heard }: CachedDeps): CachedTokens {
  let held: Held | null = null;
  let pause: Pause | null = null;
  let flight: Promise<AccessToken> | null = null;
  let forcedElapsedMs = Number.NEGATIVE_INFINITY;
  let cancelTimer = (): void => {};
  let closed = false;

  const isAlive = (one: Held): boolean => ageMs(one, clock) < one.lifeMs;
  const pauseLeftMs = (): number => Math.max(0, (pause?.untilElapsedMs ?? 0) - clock.elapsed());
  const waitMs = (): number => Math.max(held === null ? 0 : held.renewalAgeMs - ageMs(held, clock), pauseLeftMs());

  const keep = (token: AccessToken): AccessToken => {
    held = hold(token, clock, random);
    pause = null;
    heard({ kind: 'obtained', token, renewAtMs: clock.now() + waitMs() });
    return token;
  };
  const fail = (cause: unknown): never => {
    const error = cause instanceof TokenError ? cause : unexpected(cause);
    pause = pauseAfter(error, (pause?.failures ?? 0) + 1, clock, random);
    const nextAttemptAtMs = clock.now() + pauseLeftMs();
    heard({ kind: 'failed', error, nextAttemptAtMs, serving: held !== null && isAlive(held) });
    throw new TokenError(error.trouble, nextAttemptAtMs);
  };
  const fly = (): Promise<AccessToken> => {
    flight ??= source
      .token()
      .then(keep, fail)
      .finally(() => {
        flight = null;
        arm();
      });
    return flight;
  };
  const attempt = (): Promise<AccessToken> => {
    if (flight !== null || pause === null || pauseLeftMs() === 0) return fly();
    return Promise.reject(new TokenError(pause.error.trouble, clock.now() + pauseLeftMs()));
  };

  /** The failure of a renewal in the background is in `pause` and in the log; nobody waits for it. */
  const renewQuietly = (): void => void attempt().catch(() => {});
  const arm = (): void => {
    cancelTimer();
    if (!closed) cancelTimer = schedule(Math.min(Math.ceil(waitMs()), TIMER_MAX_MS), wake);
  };
  const wake = (): void => (waitMs() > 0 ? arm() : renewQuietly());

  return {
    async token() {
      if (held === null || !isAlive(held)) return attempt();
      if (waitMs() === 0) renewQuietly();
      return held.token;
    },
    async renew(rejected) {
      const forcedLately = clock.elapsed() - forcedElapsedMs < FORCED_SPACING_MS;
      if (held !== null && isAlive(held) && (held.token.value !== rejected || forcedLately)) return held.token;
      if (flight === null) forcedElapsedMs = clock.elapsed();
      if (held?.token.value === rejected) held = null;
      return attempt();
    },
    state: () => ({
      live: held !== null && isAlive(held) ? describe(held, clock) : null,
      nextAttemptAtMs: closed || (held === null && pause === null) ? null : clock.now() + waitMs(),
      lastError: pause?.error ?? null,
    }),
    close() {
      closed = true;
      cancelTimer();
    },
  };
}

function pauseAfter(error: TokenError, failures: number, clock: Clock, random: Random): Pause {
  const askedMs = error.trouble.kind === 'busy' ? error.trouble.retryAfterMs : null;
  return { error, failures, untilElapsedMs: clock.elapsed() + backoffMs(failures, askedMs, random) };
}

function hold(token: AccessToken, clock: Clock, random: Random): Held {
  const lifeMs = Math.max(LIFE_MIN_MS, token.expiresAtMs - token.obtainedAtMs);
  const share = RENEWAL_WINDOW.from + random() * (RENEWAL_WINDOW.to - RENEWAL_WINDOW.from);
  return { token, elapsedMs: clock.elapsed(), lifeMs, renewalAgeMs: lifeMs * share };
}

/** The larger of two ages: a clock set back keeps no dead token alive, and sleep, which the steady clock misses, counts. */
function ageMs(held: Held, clock: Clock): number {
  return Math.max(clock.elapsed() - held.elapsedMs, clock.now() - held.token.obtainedAtMs);
}

function describe(held: Held, clock: Clock): NonNullable<TokenState['live']> {
  const { obtainedAtMs, scope } = held.token;
  return { obtainedAtMs, expiresAtMs: clock.now() + held.lifeMs - ageMs(held, clock), scope };
}

function unexpected(cause: unknown): TokenError {
  const error = new TokenError({ kind: 'malformed', detail: 'an unexpected error, see the log' });
  error.cause = cause;
  return error;
}
