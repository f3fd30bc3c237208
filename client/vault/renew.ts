import type { Database } from 'bun:sqlite';
import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/bun-sqlite';
import type { RandomBytes } from '../ports';
import { versionOf } from './file';
import type { Keys } from './key';
import { DROP_FIRST_CREDENTIALS, entries, firstCredentials, SCHEMA_VERSION } from './schema';
import { type Place, SEAL_VERSION, seal, unseal } from './seal';

/** What {@link renewRows} found. */
export interface Renewal {
  readonly rows: number;
  /** Rows that open under one of the keys. */
  readonly opened: number;
  /** Rows that were sealed anew, since the previous key alone opened them. */
  readonly resealed: number;
}

/**
 * Brings all rows under the present key, and those of a file of version 1 into its table; to be called inside one
 * transaction, so that after a crash all are as before or all are done. A row that opens under neither key is left as
 * it is; a file of version 1 with such a row is left as a whole.
 */
export function renewRows(database: Database, keys: Keys, randomBytes: RandomBytes): Renewal {
  const rows = drizzle(database);
  const resealedFirst = versionOf(database) === 1 ? moveFirst(database, keys, randomBytes) : 0;
  if (resealedFirst === null) return { rows: 1, opened: 0, resealed: 0 };
  let [opened, resealed] = [0, resealedFirst];
  const all = rows.select().from(entries).all();
  for (const row of all) {
    if (unseal(row.sealed, row, row.version, keys.present) !== null) opened += 1;
    else {
      const text = keys.previous === null ? null : unseal(row.sealed, row, row.version, keys.previous);
      if (text === null) continue;
      const fresh = { version: SEAL_VERSION, sealed: seal(text, row, keys.present, randomBytes) };
      const here = and(eq(entries.kind, row.kind), eq(entries.name, row.name));
      rows.update(entries).set(fresh).where(here).run();
      opened += 1;
      resealed += 1;
    }
  }
  return { rows: all.length, opened, resealed };
}

/** Moves the rows of version 1; how many, or null: one of them does not open. */
function moveFirst(database: Database, { present, previous }: Keys, randomBytes: RandomBytes): number | null {
  const rows = drizzle(database);
  const all = rows.select().from(firstCredentials).all();
  for (const { name, version, sealed } of all) {
    const place = { kind: 'credential', name } as const satisfies Place;
    const text =
      unseal(sealed, place, version, present) ?? (previous === null ? null : unseal(sealed, place, version, previous));
    if (text === null) return null;
    const moved = { ...place, version: SEAL_VERSION, sealed: seal(text, place, present, randomBytes) };
    rows.insert(entries).values(moved).run();
  }
  database.run(DROP_FIRST_CREDENTIALS);
  database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  return all.length;
}
