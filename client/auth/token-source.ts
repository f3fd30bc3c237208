import { backoffMs } from '../../kit/backoff';
import type { Clock, Random, Schedule } from '../ports';
import type { RenewableTokens } from './authorized-fetch';
import { createRenewalTimer } from './renewal-timer';
import { type AccessToken, TokenError, type TokenSource } from './token';

/**
 * A token is renewed at a random point of this part of its life. Ten per cent are left at the least, which is a minute
 * for a token of ten minutes and twelve for one of two hours.
 */
export const RENEWAL_WINDOW = { from: 0.8, to: 0.9 } as const;

/** Shortest life taken seriously, in milliseconds: no server, however odd, is asked more often than this. */
export const LIFE_MIN_MS = 1_000;

/** Least time between two forced renewals, in milliseconds: a server that rejects every token is not stormed. It doubles while new tokens are rejected as well. */
export const FORCED_SPACING_MS = 1_000;

/** Longest time between two forced renewals, in milliseconds: so long a token may be of no use after a server that has rejected all is mended. */
export const FORCED_SPACING_MAX_MS = 60_000;

/** A renewal that is later than this, in milliseconds, was slept through, and so were others. */
export const LATE_MS = 5_000;

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
  /** Takes a token that was obtained by other means in the place of the present one. */
  adopt(token: AccessToken): void;
  /** Ends the renewals in the background. */
  close(): void;
}

/** What {@link cached} needs. */
export interface CachedDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly heard: (event: TokenEvent) => void;
  /** A token from before, as after a restart; null: there is none. One that has ended is not used. */
  readonly kept?: AccessToken | null;
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
export function cached(source: TokenSource, deps: CachedDeps): CachedTokens {
  const { clock, random, heard, kept = null } = deps;
  let held: Held | null = kept === null ? null : resume(kept, clock, random);
  let pause: Pause | null = null;
  let flight: Promise<AccessToken> | null = null;
  const forced = createSpacing(clock);
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
        timer.arm();
      });
    return flight;
  };
  const attempt = (): Promise<AccessToken> => {
    if (flight !== null || pause === null || pauseLeftMs() === 0) return fly();
    return Promise.reject(new TokenError(pause.error.trouble, clock.now() + pauseLeftMs()));
  };

  /** The failure of a renewal in the background is in `pause` and in the log; nobody waits for it. */
  const renewQuietly = (): void => void attempt().catch(() => {});
  const isLate = (): boolean => pause === null && held !== null && ageMs(held, clock) > held.renewalAgeMs + LATE_MS;
  const timer = createRenewalTimer({ ...deps, waitMs, isLate, renew: renewQuietly });
  if (held !== null) timer.arm();

  return {
    async token() {
      if (held === null || !isAlive(held)) return attempt();
      if (waitMs() === 0) renewQuietly();
      return held.token;
    },
    async renew(rejected) {
      if (held !== null && isAlive(held) && (held.token.value !== rejected || forced.isTooSoon())) return held.token;
      if (flight === null) forced.begin();
      if (held?.token.value === rejected) held = null;
      return attempt();
    },
    state: () => ({
      live: held !== null && isAlive(held) ? describe(held, clock) : null,
      nextAttemptAtMs: closed || (held === null && pause === null) ? null : clock.now() + waitMs(),
      lastError: pause?.error ?? null,
    }),
    adopt(token) {
      keep(token);
      timer.arm();
    },
    close() {
      closed = true;
      timer.close();
    },
  };
}

/** The time between forced renewals. */
function createSpacing({ elapsed }: Pick<Clock, 'elapsed'>) {
  let lastElapsedMs = Number.NEGATIVE_INFINITY;
  let spacingMs = FORCED_SPACING_MS;
  const sinceMs = (): number => elapsed() - lastElapsedMs;
  return {
    isTooSoon: () => sinceMs() < spacingMs,
    begin() {
      // Rejected as soon as it may be again: the tokens are not what is wrong.
      spacingMs = sinceMs() < 2 * spacingMs ? Math.min(2 * spacingMs, FORCED_SPACING_MAX_MS) : FORCED_SPACING_MS;
      lastElapsedMs = elapsed();
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

/** A token from before. Its renewal is planned as if it had been held all the time; null: the clock says that it is from the future. */
function resume(token: AccessToken, clock: Clock, random: Random): Held | null {
  const pastMs = clock.now() - token.obtainedAtMs;
  if (pastMs < 0) return null;
  const held = hold(token, clock, random);
  return { ...held, elapsedMs: held.elapsedMs - pastMs };
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
