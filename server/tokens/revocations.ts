import type { RevocationStore } from './store';

/** Access tokens that were revoked one by one and have not ended yet; asked on every use of a token. */
export interface Revocations {
  has(jti: string): boolean;
  size(): number;
  /** Revokes the token: committed, and in force here, when it resolves. `expiresAt` is in seconds since the epoch. */
  add(jti: string, expiresAt: number): Promise<void>;
  /** Hears of a committed revocation, `<jti> <seconds>`; null: of any number of them, so all is read again. */
  changed(change: string | null): Promise<void>;
  /** Forgets those whose tokens have ended, here and in the database. */
  prune(): Promise<void>;
}

/** The revoked tokens, as last read from the store. Call `changed(null)` once before the first request. */
export function createRevocations({ store, now }: { store: RevocationStore; now: () => number }): Revocations {
  const expiryOf = new Map<string, number>();
  return {
    size: () => expiryOf.size,
    has: (jti) => expiryOf.size > 0 && expiryOf.has(jti),
    add: async (jti, expiresAt) => {
      await store.insert(jti, new Date(expiresAt * 1000));
      expiryOf.set(jti, expiresAt);
    },
    changed: async (change) => {
      if (change !== null) {
        const [jti = '', seconds] = change.split(' ');
        expiryOf.set(jti, Number(seconds));
        return;
      }
      // Nothing that was revoked ever comes back, so what is read is added to what is known.
      for (const { jti, expiresAt } of await store.live(new Date(now())))
        expiryOf.set(jti, Math.ceil(expiresAt.getTime() / 1000));
    },
    prune: async () => {
      const nowMs = now();
      for (const [jti, expiresAt] of expiryOf) if (expiresAt * 1000 <= nowMs) expiryOf.delete(jti);
      await store.prune(new Date(nowMs));
    },
  };
}
