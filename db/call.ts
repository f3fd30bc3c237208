import { type SQL, sql } from 'drizzle-orm';
import type { Rows } from './connect';

/** The value of a function of the database: the query builder knows no SELECT without a FROM. */
export async function call<T>(rows: Pick<Rows, 'select'>, value: SQL<T>): Promise<T> {
  const [row] = await rows.select({ value }).from(sql`(select 1) as one_row`);
  if (row === undefined) throw new Error('The database gave no row for a single value.');
  return row.value as T;
}
