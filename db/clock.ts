import { sql } from 'drizzle-orm';
import type { Rows } from './connect';

/** Reads a clock: milliseconds since the epoch. */
export type ReadClock = () => Promise<number>;

/** The database's own clock, the same for every server on it: by it, and not by that of one server, is destroyed what has ended. */
export function createDatabaseClock(rows: Pick<Rows, 'select'>): ReadClock {
  return async () => {
    const ms = sql<string>`extract(epoch from clock_timestamp()) * 1000`;
    const [read] = await rows.select({ ms }).from(sql`(values (1)) as once`);
    return Math.floor(Number(read?.ms));
  };
}
