import { blob, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** What the vault keeps. */
export const ROW_KINDS = ['credential', 'token', 'setting'] as const;

/** One of {@link ROW_KINDS}. */
export type RowKind = (typeof ROW_KINDS)[number];

/** Sealed rows by kind and name. */
export const entries = sqliteTable(
  'entries',
  {
    kind: text('kind', { enum: ROW_KINDS }).notNull(),
    name: text('name').notNull(),
    /** How the bytes are made; see `seal.ts`. */
    version: integer('version').notNull(),
    sealed: blob('sealed', { mode: 'buffer' }).notNull(),
  },
  ({ kind, name }) => [primaryKey({ columns: [kind, name] })],
);

/** A sealed row. */
export type Row = typeof entries.$inferSelect;

/** The only table of files of version 1: one credential, without a kind. */
export const firstCredentials = sqliteTable('credentials', {
  name: text('name').primaryKey(),
  version: integer('version').notNull(),
  sealed: blob('sealed', { mode: 'buffer' }).notNull(),
});

/** The shape of the file; a file with a greater number was made by a newer program. */
export const SCHEMA_VERSION = 2;

/** Makes the table in a new file. */
export const CREATE_ENTRIES =
  'CREATE TABLE IF NOT EXISTS entries (kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID';

/** Takes the table of version 1 away, once its rows have moved. */
export const DROP_FIRST_CREDENTIALS = 'DROP TABLE credentials';
