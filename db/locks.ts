// Every advisory lock of this program, so that no two parts take the same one for their own.
import { sql } from 'drizzle-orm';
import type { Rows, Transaction } from './rows';
import { call } from './rows';

/** Numbers that no other program on this database uses for its own locks: "crypt" in ASCII and a number of ours. */
const LOCKS = {
  migrations: 0x63_72_79_70_74_00,
  keys: 0x63_72_79_70_74_01,
  vault: 0x63_72_79_70_74_02,
  usage: 0x63_72_79_70_74_03,
} as const;

/** Waits until no other transaction holds this lock, and holds it to the end of this one. */
export async function holdLock(tx: Transaction, lock: Exclude<keyof typeof LOCKS, 'migrations'>): Promise<void> {
  await call(tx, sql`pg_advisory_xact_lock(${LOCKS[lock]}::bigint)`);
}

/** The lock of those who migrate. It belongs to the session: `rows` must be one connection of its own. */
export const migrationLock = {
  take: (rows: Rows): Promise<unknown> => call(rows, sql`pg_advisory_lock(${LOCKS.migrations}::bigint)`),
  release: (rows: Rows): Promise<unknown> => call(rows, sql`pg_advisory_unlock(${LOCKS.migrations}::bigint)`),
};
