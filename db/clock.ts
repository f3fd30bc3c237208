import { sql } from 'drizzle-orm';
import type { Rows } from './rows';
import { call } from './rows';

/** Reads a clock: milliseconds since the epoch; within a transaction, when given one. */
export type ReadClock = (within?: Pick<Rows, 'select'>) => Promise<number>;

/** The database's own clock, the same for every server on it: by it, and not by that of one server, is destroyed what has ended. */
export function createDatabaseClock(rows: Pick<Rows, 'select'>): ReadClock {
  return async (within = rows) =>
    Math.floor(Number(await call(within, sql<string>`extract(epoch from clock_timestamp()) * 1000`)));
}
