import { backoffMs } from '../../kit/backoff';
import { Problem } from '../../kit/http/problem';
import { TokenError } from '../auth/token';
import type { Clock, Random, Schedule } from '../ports';
import type { Rotation } from './rotation';
import type { StoredCredential } from './stored';

const DAY_MS = 86_400_000;

/** The first look at the secrets comes so long after the first token at the earliest, in milliseconds, and at twice that at the latest. */
export const FIRST_LOOK_MS = 30_000;

/** The server is asked when the secret ends once in so many milliseconds. */
export const LOOK_MS = DAY_MS;

/** Longest sleep, in milliseconds, so that a clock that was set is noticed. */
const SLEEP_MAX_MS = 3_600_000;

/** A failed attempt is repeated this many times more slowly than one to get a token: the present secret still works. */
const PATIENCE = 10;

/** A secret that ends is replaced when a third of its life is left, but a week before its end at the earliest. */
const LEAD = { share: 1 / 3, maxMs: 7 * DAY_MS } as const;

/** When a secret is next to be replaced, in milliseconds since the epoch; null: it stays. `days`: how old one may become. */
export function rotationDueMs({ secrets: [secret] }: StoredCredential, days: number | null): number | null {
  if (secret === undefined) return null;
  const { sinceMs, expiresAtMs } = secret;
  const ageDue = days === null ? Number.POSITIVE_INFINITY : sinceMs + days * DAY_MS;
  const leadMs = expiresAtMs === null ? 0 : Math.min((expiresAtMs - sinceMs) * LEAD.share, LEAD.maxMs);
  const endDue = expiresAtMs === null ? Number.POSITIVE_INFINITY : expiresAtMs - leadMs;
  const due = Math.min(ageDue, endDue);
  return Number.isFinite(due) ? due : null;
}

/** Looks after the secrets of one credential in the background. */
export interface Keeper {
  /** Begins, once; to be called when the credential works. */
  start(): void;
  /** Changes the secret now. Rejects as {@link Rotation}. */
  rotate(): Promise<void>;
  /** Why the last attempt failed; null after a success. */
  lastError(): string | null;
  close(): void;
}

/** What {@link createKeeper} needs. */
export interface KeeperDeps {
  readonly rotation: Rotation;
  readonly read: () => StoredCredential;
  /** `ROTATE_SECRET_DAYS`; null: only secrets that end are replaced. */
  readonly days: number | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: Schedule;
  /** Told of what happened in the background, for the log. */
  readonly told: (event: { readonly kind: 'rotated' } | { readonly kind: 'failed'; readonly error: unknown }) => void;
}

/** Rotates a secret when it is due, finishes what a crash left, and asks the server now and then when it ends. */
export function createKeeper({ rotation, read, days, clock, random, schedule, told }: KeeperDeps): Keeper {
  let cancel = (): void => {};
  let state: 'idle' | 'started' | 'closed' = 'idle';
  let failures = 0;
  let lastError: string | null = null;
  let lookAtElapsedMs = 0;

  const isDue = (): boolean => (rotationDueMs(read(), days) ?? Number.POSITIVE_INFINITY) <= clock.now();
  const halfDone = (): boolean => read().begun !== null || read().secrets.length > 1;
  const work = async (): Promise<void> => {
    if (halfDone()) await rotation.settle();
    if (clock.elapsed() >= lookAtElapsedMs) {
      const knows = await rotation.look();
      lookAtElapsedMs = clock.elapsed() + LOOK_MS;
      // A server without secrets of its own making is asked again another day.
      if (!knows) return;
    }
    if (!isDue()) return;
    await rotation.rotate();
    told({ kind: 'rotated' });
  };
  const succeed = (): void => {
    failures = 0;
    lastError = null;
  };
  const fail = (error: unknown): void => {
    failures += 1;
    lastError =
      error instanceof TokenError || error instanceof Problem ? error.message : 'an unexpected error, see the log';
    told({ kind: 'failed', error });
  };
  const nextMs = (): number => {
    if (failures > 0) return backoffMs(failures, null, random) * PATIENCE;
    const lookMs = lookAtElapsedMs - clock.elapsed();
    const dueMs = (rotationDueMs(read(), days) ?? Number.POSITIVE_INFINITY) - clock.now();
    // Secrets that were made together are not all replaced in the same second.
    return Math.max(FIRST_LOOK_MS, Math.min(lookMs, dueMs, SLEEP_MAX_MS)) * (1 + random() / 10);
  };
  const arm = (ms: number): void => {
    cancel();
    if (state === 'started')
      cancel = schedule(
        Math.ceil(ms),
        () =>
          void work()
            .then(succeed, fail)
            .finally(() => arm(nextMs())),
      );
  };
  return {
    start() {
      if (state !== 'idle') return;
      state = 'started';
      arm(FIRST_LOOK_MS * (1 + random()));
    },
    async rotate() {
      try {
        await rotation.rotate();
        succeed();
      } catch (error) {
        lastError = error instanceof Error ? error.message : String(error);
        throw error;
      }
    },
    lastError: () => lastError,
    close() {
      state = 'closed';
      cancel();
    },
  };
}
