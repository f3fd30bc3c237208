import { desc, eq, inArray, lt, or } from 'drizzle-orm';
import type { Rows } from '../../db/rows';
import { consoleSessions } from '../../db/schema';

/** A session as its row says. */
export interface SessionRow {
  readonly hash: string;
  readonly createdAt: Date;
  readonly seenAt: Date;
}

/** Rows of console sessions. */
export interface SessionStore {
  insert(hash: string, at: Date): Promise<void>;
  find(hash: string): Promise<SessionRow | null>;
  seen(hash: string, at: Date): Promise<void>;
  remove(hash: string): Promise<void>;
  /** Drops what was made before `madeBefore` or last seen before `seenBefore`, and all but the `keep` youngest. */
  prune(limits: { madeBefore: Date; seenBefore: Date; keep: number }): Promise<void>;
}

/** Console sessions in the database, so that every replica knows them. */
export function createSessionStore(rows: Rows): SessionStore {
  const { hash: key, createdAt, seenAt } = consoleSessions;
  return {
    insert: async (hash, at) => {
      await rows.insert(consoleSessions).values({ hash, createdAt: at, seenAt: at });
    },
    find: async (hash) => {
      const [found] = await rows.select().from(consoleSessions).where(eq(key, hash)).limit(1);
      return found ?? null;
    },
    seen: async (hash, at) => {
      await rows.update(consoleSessions).set({ seenAt: at }).where(eq(key, hash));
    },
    remove: async (hash) => {
      await rows.delete(consoleSessions).where(eq(key, hash));
    },
    prune: async ({ madeBefore, seenBefore, keep }) => {
      await rows.delete(consoleSessions).where(or(lt(createdAt, madeBefore), lt(seenAt, seenBefore)));
      const surplus = rows.select({ key }).from(consoleSessions).orderBy(desc(createdAt), key).offset(keep);
      await rows.delete(consoleSessions).where(inArray(key, surplus));
    },
  };
}
