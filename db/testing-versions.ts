// Databases of older versions, empty or as the server of that time left them.
import { readdirSync, readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import type { Database } from './connect';

const MIGRATIONS = `${import.meta.dir}/migrations`;
const LEFT = `${import.meta.dir}/testing-versions`;

/** The last migrations of the versions whose servers left something, oldest first. */
export const OLDER_VERSIONS: readonly string[] = readdirSync(LEFT)
  .map((name) => name.replace('.sql', ''))
  .sort();

/** Leaves the database as migrations up to this one made it. */
export async function goBack({ rows }: Pick<Database, 'rows'>, last: string): Promise<void> {
  const { entries } = JSON.parse(readFileSync(`${MIGRATIONS}/meta/_journal.json`, 'utf8')) as {
    entries: { tag: string; when: number }[];
  };
  await rows.execute(sql`drop schema public cascade`);
  await rows.execute(sql`create schema public`);
  for (const file of readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql') && name <= `${last}.sql`)
    .sort())
    for (const statement of readFileSync(`${MIGRATIONS}/${file}`, 'utf8').split('--> statement-breakpoint'))
      await rows.execute(sql.raw(statement));
  const newest = entries.find(({ tag }) => tag === last);
  if (newest === undefined) throw new Error(`no migration ${last}`);
  await rows.execute(sql`delete from drizzle.__drizzle_migrations where created_at > ${newest.when}::bigint`);
}

/** Leaves the database as a server of one of {@link OLDER_VERSIONS} left it; its key-encryption key is that of all tests. */
export async function goBackWithRows(database: Pick<Database, 'rows'>, last: string): Promise<void> {
  await goBack(database, last);
  for (const statement of readFileSync(`${LEFT}/${last}.sql`, 'utf8').split(/;\n/).filter(Boolean))
    await database.rows.execute(sql.raw(statement));
}
