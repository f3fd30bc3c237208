import { lt } from 'drizzle-orm';
import type { Rows } from '../../db/connect';
import { usedAssertions } from '../../db/schema';

/** Ids of client assertions that were used, shared by all servers and kept over restarts. */
export interface AssertionStore {
  /** Notes the id until that time. @returns false when it was noted before. */
  use(id: string, until: Date): Promise<boolean>;
  /** Drops what ended before that time. */
  prune(before: Date): Promise<void>;
}

/** Used assertions in the database. */
export function createAssertionStore(rows: Rows): AssertionStore {
  return {
    use: async (id, until) => {
      const used = await rows
        .insert(usedAssertions)
        .values({ id, expiresAt: until })
        .onConflictDoNothing()
        .returning({ id: usedAssertions.id });
      return used.length > 0;
    },
    prune: async (before) => {
      await rows.delete(usedAssertions).where(lt(usedAssertions.expiresAt, before));
    },
  };
}
