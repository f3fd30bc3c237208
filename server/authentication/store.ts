import { lt } from 'drizzle-orm';
import type { Rows } from '../../db/rows';
import { usedAssertions } from '../../db/schema';

/** Ids of client assertions that were used, shared by all servers and kept over restarts. */
export interface AssertionStore {
  /** Notes the id until that time. @returns false when it was noted before. */
  use(id: string, until: Date): Promise<boolean>;
  /** Drops what ended before that time. */
  prune(before: Date): Promise<void>;
}

/** Used assertions in the database. What comes while a batch is written goes into the next one, in one statement. */
export function createAssertionStore(rows: Rows): AssertionStore {
  let gathering: Batch | null = null;
  let written: Promise<unknown> = Promise.resolve();
  const begin = (): Batch => {
    const untilOf = new Map<string, Date>();
    const batch = {
      untilOf,
      inserted: written.then(() => {
        gathering = null;
        return insert(rows, untilOf);
      }),
    };
    written = batch.inserted.catch(() => undefined);
    return batch;
  };
  return {
    use: async (id, until) => {
      gathering ??= begin();
      const { untilOf, inserted } = gathering;
      if (untilOf.has(id)) return false;
      untilOf.set(id, until);
      return (await inserted).has(id);
    },
    prune: async (before) => {
      await rows.delete(usedAssertions).where(lt(usedAssertions.expiresAt, before));
    },
  };
}

interface Batch {
  readonly untilOf: Map<string, Date>;
  /** The ids that were not there before. */
  readonly inserted: Promise<ReadonlySet<string>>;
}

async function insert(rows: Rows, untilOf: ReadonlyMap<string, Date>): Promise<ReadonlySet<string>> {
  // In one order everywhere: two servers that insert the same ids in different ones would wait for each other.
  const values = [...untilOf].map(([id, expiresAt]) => ({ id, expiresAt })).sort((a, b) => (a.id < b.id ? -1 : 1));
  const { id } = usedAssertions;
  const inserted = await rows.insert(usedAssertions).values(values).onConflictDoNothing().returning({ id });
  return new Set(inserted.map((row) => row.id));
}
