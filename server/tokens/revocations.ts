import { CLOCKS_APART_MS } from '../../kit/clocks';
import type { RevocationStore } from './store';
import { createTimedIds } from './timed-ids';

/** Access tokens that were revoked one by one and may still be in force somewhere; asked on every use of a token. */
export interface Revocations {
  has(jti: string): boolean;
  size(): number;
  /**
   * Revokes the token: committed, and in force here, when it resolves. `expiresAt` is in seconds since the epoch.
   * @returns false, and does nothing, when the token has ended by every server's clock.
   */
  add(jti: string, expiresAt: number): Promise<boolean>;
  /** Hears of a committed revocation, `<jti> <seconds>`; null: of any number of them, so all is read again. */
  changed(change: string | null): Promise<void>;
  /** Forgets those whose tokens have ended a day ago, here and in the database. */
  prune(): Promise<void>;
}

/** What keeping them stands on. */
export interface RevocationsOptions {
  readonly store: RevocationStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The clock that all servers share (milliseconds since the epoch): by it they are forgotten. */
  readonly calendar: () => Promise<number>;
}

/** Remembered so much longer than the token lives: what is forgotten too early is in force again where a clock is behind. */
const KEPT_ON_MS = 24 * 60 * 60 * 1_000;

/** The revoked tokens, as last read from the store. Call `changed(null)` once before the first request. */
export function createRevocations({ store, now, calendar }: RevocationsOptions): Revocations {
  const revoked = createTimedIds();
  const forgottenMs = async (): Promise<number> => (await calendar()) - KEPT_ON_MS;
  return {
    size: revoked.size,
    has: revoked.has,
    add: async (jti, expiresAt) => {
      if (expiresAt * 1000 + CLOCKS_APART_MS <= now()) return false;
      await store.insert(jti, new Date(expiresAt * 1000));
      revoked.set(jti, expiresAt);
      return true;
    },
    changed: async (change) => {
      if (change !== null) {
        const [jti = '', seconds] = change.split(' ');
        revoked.set(jti, Number(seconds));
        return;
      }
      // Nothing that was revoked ever comes back, so what is read is added to what is known.
      for (const { jti, expiresAt } of await store.endingAfter(new Date(await forgottenMs())))
        revoked.set(jti, Math.ceil(expiresAt.getTime() / 1000));
    },
    prune: async () => {
      const endMs = await forgottenMs();
      revoked.forget(Math.floor(endMs / 1000));
      await store.prune(new Date(endMs));
    },
  };
}
