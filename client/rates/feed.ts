/** Rates as last seen: fetched in the background, kept in memory with their age. Apart from account/, which only brings the token. */
import { backoffMs } from '../../kit/backoff';
import type { Log } from '../../kit/logs';
import type { Clock, Random, Schedule } from '../ports';
import type { ServerAnswer } from '../server-api';
import type { SeenRate } from './model';
import { type Failure, judgeRates } from './outcome';
import { createSink, type Sink } from './sink';

/** Rates older than this are not shown as rates any more, in milliseconds. */
export const STALE_MS_MAX = 300_000;

/** Callers within this time of an attempt share its outcome, in milliseconds; the market moves every three seconds. */
export const REUSE_MS = 1_000;

/** While the server is away, it is said again this often, in milliseconds. */
const REMINDER_MS = 60_000;

/** One good answer. */
export interface View {
  readonly rates: readonly SeenRate[];
  /** When they were last known to be the current ones; milliseconds since the epoch. */
  readonly fetchedAtMs: number;
  /** Number of the tick that they are of; null where the server did not say. */
  readonly seq: number | null;
}

/** What has become of the rates: all of them are given (`snapshot`), or those that are others than with `fromSeq`. */
export interface Change {
  readonly kind: 'snapshot' | 'update';
  readonly fromSeq: number | null;
  readonly seq: number | null;
  readonly rates: readonly SeenRate[];
}

/** Why there are no new rates. Times in milliseconds since the epoch. */
export interface Outage {
  readonly kind: Failure['kind'];
  readonly sinceMs: number;
  readonly reason: string;
  readonly nextAttemptAtMs: number;
}

/** What is known now. */
export interface FeedState {
  readonly last: View | null;
  /** The rates that `last` took the place of, or null. */
  readonly before: readonly SeenRate[] | null;
  /** Age of `last` in milliseconds; 0 without one. */
  readonly ageMs: number;
  /** Null while the last attempt was good. */
  readonly outage: Outage | null;
}

/** The rates in memory. */
export interface Feed {
  state(): FeedState;
  /** Takes what a stream brings. */
  readonly sink: Sink;
  /** Calls `hear` after each change, with what changed. It must not throw. */
  follow(hear: (change: Change) => void): void;
  /** Fetches unless a stream brings the rates, or an attempt was made a moment ago; however many callers, one request. Never rejects. */
  refresh(): Promise<FeedState>;
  /** Fetches now and then every so often, telling `shown` of each good answer of its own. */
  start(): void;
  /** Ends the fetching in the background. */
  stop(): void;
}

/** What {@link createFeed} needs. */
export interface FeedDeps {
  /** Named when there is no connection to it. */
  readonly serverUrl: string;
  readonly fetchRates: () => Promise<ServerAnswer>;
  /** True while a stream brings the rates. */
  readonly isLive: () => boolean;
  readonly fetchSeconds: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly log: Log;
  /** The fresh rates and the ones shown before, if any. */
  readonly shown: (rates: readonly SeenRate[], before: readonly SeenRate[] | null) => void;
}

interface Held extends View {
  readonly elapsedMs: number;
}

interface Trouble extends Outage {
  readonly failures: number;
  readonly toldElapsedMs: number;
}

/** Keeps the last rates. Nothing is fetched before the first `refresh` or `start`. */
export function createFeed(deps: FeedDeps): Feed {
  const { clock, schedule, log } = deps;
  let held: Held | null = null;
  let before: readonly SeenRate[] | null = null;
  let trouble: Trouble | null = null;
  let attemptElapsedMs = Number.NEGATIVE_INFINITY;
  let flight: Promise<void> | null = null;
  const show = showing(deps.shown);
  let cancelTimer = (): void => {};
  let running = false;
  const followers: ((change: Change) => void)[] = [];

  const succeed = (rates: readonly SeenRate[], seq: number | null): void => {
    if (held?.rates !== rates) before = held?.rates ?? null;
    held = { rates, seq, fetchedAtMs: clock.now(), elapsedMs: clock.elapsed() };
    if (trouble !== null) log.info(`rates are back after ${Math.round((clock.now() - trouble.sinceMs) / 1000)} s`);
    trouble = null;
  };
  const take = (rates: readonly SeenRate[], change: Change): void => {
    succeed(rates, change.seq);
    for (const hear of followers) hear(change);
  };
  /** True while a stream has brought what is held. */
  const isBrought = (): boolean => held !== null && deps.isLive();
  const attempt = async (): Promise<void> => {
    const outcome = judgeRates(await deps.fetchRates(), deps.serverUrl, clock.now());
    attemptElapsedMs = clock.elapsed();
    // A stream may have begun in the meantime, and knows more.
    if (isBrought()) return;
    if (outcome.kind === 'rates') take(outcome.rates, allOf(outcome.rates));
    else trouble = nextTrouble(outcome, trouble, held !== null, deps);
  };
  const fly = (): Promise<void> => {
    flight ??= attempt().finally(() => {
      flight = null;
    });
    return flight;
  };
  const state = (): FeedState => ({
    last: held,
    before,
    ageMs: held === null ? 0 : Math.max(0, clock.elapsed() - held.elapsedMs),
    outage: trouble,
  });

  const round = async (): Promise<void> => {
    const startedMs = clock.elapsed();
    if (!isBrought()) await fly();
    if (trouble === null && held !== null) show(held.rates);
    const regularMs = startedMs + deps.fetchSeconds * 1000 - clock.elapsed();
    const waitMs = trouble === null ? regularMs : trouble.nextAttemptAtMs - clock.now();
    if (running) cancelTimer = schedule(Math.max(0, waitMs), next);
  };
  const next = (): void => void round().catch((error) => log.error('showing the rates failed', { error }));

  return {
    state,
    sink: createSink({ held: () => held, take, same: () => held !== null && succeed(held.rates, held.seq) }),
    follow: (hear) => void followers.push(hear),
    async refresh() {
      if (!isBrought() && (flight !== null || clock.elapsed() - attemptElapsedMs >= REUSE_MS)) await fly();
      return state();
    },
    start() {
      running = true;
      next();
    },
    stop() {
      running = false;
      cancelTimer();
    },
  };
}

function allOf(rates: readonly SeenRate[]): Change {
  return { kind: 'snapshot', fromSeq: null, seq: null, rates };
}

/** Shows rates beside those that were shown before. */
function showing(shown: FeedDeps['shown']): (rates: readonly SeenRate[]) => void {
  let before: readonly SeenRate[] | null = null;
  return (rates) => {
    shown(rates, before);
    before = rates;
  };
}

/** One more failure; it is told when it is another one, and now and then while it lasts. */
function nextTrouble(failure: Failure, before: Trouble | null, hadRates: boolean, deps: FeedDeps): Trouble {
  const { clock, random, log } = deps;
  const failures = (before?.failures ?? 0) + 1;
  const nextAttemptAtMs = clock.now() + retryDelayMs(failure, failures, deps.fetchSeconds * 1000, clock, random);
  const next = { ...failure, sinceMs: before?.sinceMs ?? clock.now(), nextAttemptAtMs, failures };
  const told = before?.reason === next.reason ? before.toldElapsedMs : Number.NEGATIVE_INFINITY;
  const due = clock.elapsed() - told >= REMINDER_MS;
  if (due) log.warn(sayOutage(next, hadRates));
  return { ...next, toldElapsedMs: due ? clock.elapsed() : told };
}

/** Sooner than the regular fetch while the server is away, so that its return is noticed; never sooner than it asked. */
function retryDelayMs(
  { askedMs, tokenAtMs }: Failure,
  failures: number,
  regularMs: number,
  clock: Clock,
  random: Random,
): number {
  // The token source has the pause then; this is only the look whether it succeeded.
  if (tokenAtMs !== null) return Math.min(regularMs, Math.max(REUSE_MS, tokenAtMs - clock.now() + TOKEN_GRACE_MS));
  const ownMs = backoffMs(failures, askedMs, random);
  return askedMs === null ? Math.min(regularMs, ownMs) : ownMs;
}

/** A token request takes this long when all is well, in milliseconds. */
const TOKEN_GRACE_MS = 250;

function sayOutage({ reason, sinceMs, nextAttemptAtMs }: Outage, hadRates: boolean): string {
  return `no rates ${hadRates ? `since ${clockTime(sinceMs)}` : 'yet'}, next attempt at ${clockTime(nextAttemptAtMs)}: ${reason}`;
}

/** `20:14:03 UTC`. */
function clockTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`;
}
