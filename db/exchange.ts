// A restored database takes the place of the one before in two renames. Between them there is none, and a start must not make one: the
// restored one stands ready as `restored/data` until it is in its place, so whoever takes the folder next can finish.
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Copies of a database's files stand beside them under names that begin so. */
export const COPY = 'copy-';

/** A backup is unpacked and tried under a name that begins so. */
export const STAGING = 'restoring-';

/** What is to change places. */
export interface Exchange {
  /** Of the embedded database. Its lock is held meanwhile. */
  readonly folder: string;
  /** Holds, as `data`, a database that was found to open. It is there again after a failure. */
  readonly staging: string;
  /** Where the database that is there goes; null: there is none. */
  readonly before: string | null;
}

/** Puts the staged database in its place. When that fails, everything is as it was, or the next {@link settle} finishes it. */
export function exchange({ folder, staging, before }: Exchange, rename = renameSync): void {
  const { data, restored, unfinished } = placesIn(folder);
  const begunOnly = existsSync(unfinished);
  rename(staging, restored);
  try {
    if (before !== null) rename(data, before);
    try {
      finish(folder, rename);
    } catch (error) {
      if (begunOnly) writeFileSync(unfinished, '', { mode: 0o600 });
      if (before !== null) rename(before, data);
      throw error;
    }
  } catch (error) {
    // Not where it would be taken for whole while it is being removed.
    if (before === null || existsSync(data)) rename(restored, staging);
    throw error;
  }
  rmSync(restored, { recursive: true });
}

/** Finishes the exchange of a process that was killed, and removes what others left. The folder's lock is held meanwhile. */
export function settle(folder: string): void {
  const { data, restored } = placesIn(folder);
  if (existsSync(join(restored, 'data')) && !existsSync(data)) finish(folder, renameSync);
  const left = readdirSync(folder).filter((name) => name.startsWith(COPY) || name.startsWith(STAGING));
  for (const path of [restored, ...left.map((name) => join(folder, name))])
    rmSync(path, { recursive: true, force: true });
}

/** Whether there is a database, be it one that the next start puts in its place. */
export function hasDatabase(folder: string): boolean {
  const { data, restored } = placesIn(folder);
  return existsSync(data) || existsSync(join(restored, 'data'));
}

function finish(folder: string, rename: typeof renameSync): void {
  const { data, restored, unfinished } = placesIn(folder);
  // Of a first start that was killed: it would begin again, over what is restored.
  rmSync(unfinished, { force: true });
  rename(join(restored, 'data'), data);
}

function placesIn(folder: string): { data: string; restored: string; unfinished: string } {
  return { data: join(folder, 'data'), restored: join(folder, 'restored'), unfinished: join(folder, 'unfinished') };
}
