import { blob, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Sealed credentials by name. */
export const credentials = sqliteTable('credentials', {
  name: text('name').primaryKey(),
  /** How the bytes are made; see `seal.ts`. */
  version: integer('version').notNull(),
  sealed: blob('sealed', { mode: 'buffer' }).notNull(),
});

/** The shape of the file; a file with a greater number was made by a newer program. */
export const SCHEMA_VERSION = 1;

/** Makes the table in a new file. */
export const CREATE_CREDENTIALS =
  'CREATE TABLE IF NOT EXISTS credentials (name TEXT PRIMARY KEY, version INTEGER NOT NULL, sealed BLOB NOT NULL)';
