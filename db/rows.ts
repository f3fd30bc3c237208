import { type SQL, sql } from 'drizzle-orm';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import type * as schema from './schema';

/**
 * What a store receives: the query builder over our tables. It never knows which database it is, so it uses the query builder
 * and `sql` fragments only, never `.execute` (the shapes of its results differ). Inside a transaction use only what the callback
 * is given: the embedded database has one session, and would wait for itself.
 */
export type Rows = PgDatabase<PgQueryResultHKT, typeof schema>;

/** What is used inside a transaction. */
export type Transaction = Parameters<Parameters<Rows['transaction']>[0]>[0];

/** The value of a function of the database: the query builder knows no SELECT without a FROM. */
export async function call<T>(rows: Pick<Rows, 'select'>, value: SQL<T>): Promise<T> {
  const [row] = await rows.select({ value }).from(sql`(select 1) as one_row`);
  if (row === undefined) throw new Error('The database gave no row for a single value.');
  return row.value as T;
}
