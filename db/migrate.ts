import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import type { MigrationConfig } from 'drizzle-orm/migrator';
import { bigint, pgSchema } from 'drizzle-orm/pg-core';
import { sqlState } from './faults';
import { migrationLock } from './locks';
import type { Rows } from './rows';
import { call } from './rows';

/** The database holds migrations that this program does not know. */
export class NewerDatabase extends Error {
  constructor() {
    super('The database was made by a newer version: start that version, or give this one another database');
  }
}

/** Another process has held the migration lock for too long. */
export class MigrationLocked extends Error {
  constructor() {
    super(
      `Another process has been migrating this database for ${LOCK_TIMEOUT_MS / 1_000} s: wait for it, then start again`,
    );
  }
}

/** The migrations: beside this file in the sources, at the same place inside a binary (`bun build --asset db/migrations`). */
const FOLDER = `${import.meta.dir}/migrations`;

/** Migrations of other starters take seconds at most. */
const LOCK_TIMEOUT_MS = 60_000;

/** SQLSTATE of a lock that was not granted within `lock_timeout`. */
const LOCK_NOT_AVAILABLE = '55P03';

/** drizzle's own record of what was applied; `createdAt` is the `when` of the journal. */
const applied = pgSchema('drizzle').table('__drizzle_migrations', {
  createdAt: bigint('created_at', { mode: 'number' }).notNull(),
});

/** True when nothing is missing. Rejects with `NewerDatabase`. */
export async function isMigrated(rows: Rows): Promise<boolean> {
  return (await readMigrationStatus(rows)).every((migration) => migration.applied);
}

/**
 * Applies what is missing, through `apply`, one starter at a time. `rows` must be one connection of its own, because the lock belongs
 * to the session. Rejects with `NewerDatabase` or `MigrationLocked`.
 */
export async function applyMigrations(rows: Rows, apply: (config: MigrationConfig) => Promise<void>): Promise<void> {
  await takeLock(rows);
  try {
    // Another starter may have done it in the meantime.
    if (!(await isMigrated(rows))) await apply({ migrationsFolder: FOLDER });
  } finally {
    await migrationLock.release(rows);
  }
}

/** Every migration of this program, in order, and whether the database has it. Rejects with `NewerDatabase`. */
export async function readMigrationStatus(rows: Rows): Promise<readonly { name: string; applied: boolean }[]> {
  const known = readJournal();
  const done = await readApplied(rows);
  if (done.some((time) => !known.some(({ when }) => when === time))) throw new NewerDatabase();
  return known.map(({ tag, when }) => ({ name: tag, applied: done.includes(when) }));
}

/** The status of a database that is not there yet. */
export function allMissing(): readonly { name: string; applied: boolean }[] {
  return readJournal().map(({ tag }) => ({ name: tag, applied: false }));
}

async function readApplied(rows: Rows): Promise<readonly number[]> {
  const table = await call(rows, sql<string | null>`to_regclass('drizzle.__drizzle_migrations')::text`);
  if (table === null) return [];
  return (await rows.select().from(applied)).map(({ createdAt }) => createdAt);
}

/** The names of the migrations, and the times by which drizzle's record knows them. */
function readJournal(): readonly { readonly tag: string; readonly when: number }[] {
  const journal: { entries: { tag: string; when: number }[] } = JSON.parse(
    readFileSync(`${FOLDER}/meta/_journal.json`, 'utf8'),
  );
  return journal.entries;
}

async function takeLock(rows: Rows): Promise<void> {
  await call(rows, sql`set_config('lock_timeout', ${String(LOCK_TIMEOUT_MS)}, false)`);
  // It takes as long as it takes, also where the role has bounds of its own and a pooler kept from the server that there be none.
  await call(rows, sql`set_config('statement_timeout', '0', false)`);
  await call(rows, sql`set_config('idle_in_transaction_session_timeout', '0', false)`);
  try {
    await migrationLock.take(rows);
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) throw new MigrationLocked();
    throw error;
  }
  await call(rows, sql`set_config('lock_timeout', '0', false)`);
}
