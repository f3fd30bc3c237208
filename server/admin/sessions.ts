import { createHash, createHmac } from 'node:crypto';
import { sameText } from '../../kit/same-text';
import type { SessionStore } from './store';

/** A session that nobody uses ends after this time: a desk that somebody left. */
const IDLE_MS = 15 * 60_000;

/** However busy, a session ends after this time: one working day. */
const ABSOLUTE_MS = 8 * 3_600_000;

/** Sessions kept at a time; the oldest go first, so that sign-ins cannot fill the table. */
const SESSIONS_MAX = 100;

/** A use is written down again only after this time, so that a page that asks ten times writes once. */
const SEEN_STEP_MS = 30_000;

/** A sign-in at the console. */
export interface Session {
  /** What the cookie holds: 256 random bits, base64url. */
  readonly id: string;
  /** What every unsafe request of it must send as `X-CSRF-Token`. */
  readonly csrfToken: string;
  /** When it ends however much it is used. */
  readonly expiresAt: Date;
}

/** Sign-ins at the console: kept as hashes, with an end, and few. */
export interface Sessions {
  /** Seconds without a request after which a session ends. */
  readonly idleSeconds: number;
  /** A new session in the place of the one with the id `replaced`, if any. */
  open(replaced: string | null): Promise<Session>;
  /** The session with this id, which is thereby in use; null when there is none or it has ended. */
  find(id: string): Promise<Session | null>;
  close(id: string): Promise<void>;
  /** True when this is the token of the session. */
  isToken(session: Session, csrfToken: string): boolean;
  /** Drops what has ended; to be called now and then. */
  prune(): Promise<void>;
}

/** What sessions stand on. */
export interface SessionsOptions {
  readonly store: SessionStore;
  /** Shared by all replicas. */
  readonly csrfKey: () => Buffer;
  /** The secret that opens a session: with another one, sessions that it opened are over. */
  readonly adminSecret: string;
  readonly now: () => number;
  readonly randomBytes: (n: number) => Buffer;
}

const ID = /^[A-Za-z0-9_-]{43}$/;

/** The sessions of the console. */
export function createSessions({ store, csrfKey, adminSecret, now, randomBytes }: SessionsOptions): Sessions {
  const binding = createHash('sha256').update(adminSecret).digest();
  const hashOf = (id: string): string => createHash('sha256').update(binding).update(id).digest('base64url');
  const tokenOf = (id: string): string => createHmac('sha256', csrfKey()).update(`csrf\n${id}`).digest('base64url');
  const sessionOf = (id: string, createdAtMs: number): Session => ({
    id,
    csrfToken: tokenOf(id),
    expiresAt: new Date(createdAtMs + ABSOLUTE_MS),
  });
  const prune = (): Promise<void> =>
    store.prune({
      madeBefore: new Date(now() - ABSOLUTE_MS),
      seenBefore: new Date(now() - IDLE_MS),
      keep: SESSIONS_MAX,
    });
  return {
    idleSeconds: IDLE_MS / 1000,
    open: async (replaced) => {
      if (replaced !== null && ID.test(replaced)) await store.remove(hashOf(replaced));
      const id = randomBytes(32).toString('base64url');
      await store.insert(hashOf(id), new Date(now()));
      await prune();
      return sessionOf(id, now());
    },
    find: async (id) => {
      if (!ID.test(id)) return null;
      const row = await store.find(hashOf(id));
      if (row === null) return null;
      const [createdAtMs, seenAtMs] = [row.createdAt.getTime(), row.seenAt.getTime()];
      if (now() - seenAtMs >= IDLE_MS || now() - createdAtMs >= ABSOLUTE_MS) return null;
      if (now() - seenAtMs >= SEEN_STEP_MS) await store.seen(row.hash, new Date(now()));
      return sessionOf(id, createdAtMs);
    },
    close: async (id) => {
      if (ID.test(id)) await store.remove(hashOf(id));
    },
    isToken: (session, csrfToken) => sameText(session.csrfToken, csrfToken),
    prune,
  };
}
