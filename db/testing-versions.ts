// Databases of older versions.
import { readdirSync, readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import type { Database } from './connect';

const FOLDER = `${import.meta.dir}/migrations`;

/** Leaves the database as migrations up to this one made it. */
export async function goBack({ rows }: Database, last: string): Promise<void> {
  const { entries } = JSON.parse(readFileSync(`${FOLDER}/meta/_journal.json`, 'utf8')) as {
    entries: { tag: string; when: number }[];
  };
  await rows.execute(sql`drop schema public cascade`);
  await rows.execute(sql`create schema public`);
  for (const file of readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql') && name <= `${last}.sql`)
    .sort())
    for (const statement of readFileSync(`${FOLDER}/${file}`, 'utf8').split('--> statement-breakpoint'))
      await rows.execute(sql.raw(statement));
  const newest = entries.find(({ tag }) => tag === last);
  if (newest === undefined) throw new Error(`no migration ${last}`);
  await rows.execute(sql`delete from drizzle.__drizzle_migrations where created_at > ${newest.when}::bigint`);
}
