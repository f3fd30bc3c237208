import { createHash } from 'node:crypto';
import type { Clock, RandomBytes, Schedule } from '../ports';

/** A session that nobody uses ends after this time, in milliseconds: a desk that somebody left. An open stream is a use. */
export const IDLE_MS = 30 * 60_000;

/** However busy, a session ends after this time, in milliseconds: one long working day. */
export const ABSOLUTE_MS = 12 * 3_600_000;

/** Sessions kept at a time, of some 300 bytes each; the oldest go first, so that sign-ins cannot fill the memory. */
export const SESSIONS_MAX = 100;

/** Sign-ins with the dashboard's password: kept as hashes in memory, with an end, and few. */
export interface Sessions {
  /** A new session in the place of the one with the id `replaced`, if any. @returns its id: 256 random bits, base64url. */
  open(replaced: string | null): string;
  /** True while there is a session with this id, which is thereby in use. */
  isLive(id: string): boolean;
  close(id: string): void;
  /** Ends all of them: what is left of one would keep the process alive until its own end. */
  closeAll(): void;
  /** Calls `ended` once when the session ends, however it does; until the function that it returns is called, the session is in use. */
  watch(id: string, ended: () => void): () => void;
}

/** What sessions stand on. */
export interface SessionsDeps {
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly schedule: Schedule;
}

interface Moment {
  readonly wallMs: number;
  readonly elapsedMs: number;
}

interface Session {
  readonly opened: Moment;
  seen: Moment;
  readonly watchers: Set<() => void>;
  cancelEnd: () => void;
}

const ID = /^[A-Za-z0-9_-]{43}$/;

/** No sessions yet. */
export function createSessions({ clock, randomBytes, schedule }: SessionsDeps): Sessions {
  const sessions = new Map<string, Session>();
  const moment = (): Moment => ({ wallMs: clock.now(), elapsedMs: clock.elapsed() });
  // The larger of the two: the wall clock may be set back, and the steady one stands still while the machine sleeps.
  const ageMs = ({ wallMs, elapsedMs }: Moment): number => Math.max(clock.now() - wallMs, clock.elapsed() - elapsedMs);
  const hasEnded = ({ opened, seen, watchers }: Session): boolean =>
    ageMs(opened) >= ABSOLUTE_MS || (watchers.size === 0 && ageMs(seen) >= IDLE_MS);
  const end = (key: string): void => {
    const session = sessions.get(key);
    if (session === undefined) return;
    sessions.delete(key);
    session.cancelEnd();
    for (const ended of session.watchers) ended();
    session.watchers.clear();
  };
  const find = (id: string): Session | null => {
    const key = keyOf(id);
    const session = key === null ? undefined : sessions.get(key);
    if (key === null || session === undefined) return null;
    if (!hasEnded(session)) return session;
    end(key);
    return null;
  };
  const makeRoom = (): void => {
    for (const [key, session] of [...sessions]) if (hasEnded(session)) end(key);
    const [oldest] = sessions.keys();
    if (sessions.size >= SESSIONS_MAX && oldest !== undefined) end(oldest);
  };
  const close = (id: string): void => {
    const key = keyOf(id);
    if (key !== null) end(key);
  };
  return {
    open: (replaced) => {
      if (replaced !== null) close(replaced);
      makeRoom();
      const id = Buffer.from(randomBytes(32)).toString('base64url');
      const key = hashOf(id);
      const cancelEnd = schedule(ABSOLUTE_MS, () => end(key));
      sessions.set(key, { opened: moment(), seen: moment(), watchers: new Set(), cancelEnd });
      return id;
    },
    isLive: (id) => {
      const session = find(id);
      if (session !== null) session.seen = moment();
      return session !== null;
    },
    close,
    closeAll: () => {
      for (const key of [...sessions.keys()]) end(key);
    },
    watch: (id, ended) => {
      const session = find(id);
      if (session === null) {
        ended();
        return () => {};
      }
      // Of its own, so that the same function may watch twice.
      const watcher = (): void => ended();
      session.watchers.add(watcher);
      return () => {
        if (session.watchers.delete(watcher)) session.seen = moment();
      };
    },
  };
}

/** Where the session of this id is kept, or null for what can be no id. */
function keyOf(id: string): string | null {
  return ID.test(id) ? hashOf(id) : null;
}

function hashOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}
