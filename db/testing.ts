// The same tests on both databases: `eachDatabase` stands in for `describe`.
import { afterAll, describe, setDefaultTimeout } from 'bun:test';
import { sql } from 'drizzle-orm';
import { connectPostgres, type Database } from './connect';
import { openConnection } from './connection';
import { openEmbedded } from './embedded';
import { findPostgres, START_TIMEOUT_MS, startPostgres, type TestPostgres } from './testing-postgres';
import { rememberBeginning, takeToBeginning } from './testing-reset';

/**
 * Runs `tests` once for the embedded database and once for PostgreSQL (skipped by name where the machine has none). Each `open()`
 * gives a migrated database with the seed rows only. Databases left open are closed at the end. On the embedded one there is one
 * engine for all: opening again takes it back to its beginning, so a test opens at most one at a time.
 */
export function eachDatabase(title: string, tests: (open: () => Promise<Database>) => void): void {
  embeddedDatabase(`${title} (embedded)`, tests);
  describe.skipIf(!findPostgres())(`${title} (PostgreSQL)`, () => {
    const opened = new Set<Database>();
    afterAll(async () => {
      await Promise.all([...opened].map((database) => database.close()));
    });
    tests(async () => {
      const database = await openDatabase();
      opened.add(database);
      return database;
    });
  });
}

/** The same on the embedded database alone, for what never asks the database. */
export function embeddedDatabase(title: string, tests: (open: () => Promise<Database>) => void): void {
  setDefaultTimeout(START_TIMEOUT_MS);
  describe(title, () => tests(freshEmbedded));
}

/** The engine of this process, taken back to its beginning: one user at a time. */
export function freshEmbedded(): Promise<Database> {
  return embedded().open();
}

/** A database that a test before has closed, taken back to its beginning, or else a new one. */
async function openDatabase(): Promise<Database> {
  const { closed } = (await cluster()).state;
  for (let url = closed.shift(); url !== undefined; url = closed.shift()) {
    const database = connectPostgres({ url });
    if (await takeToBeginning(database.rows).catch(() => false)) return whenClosed(database, url, closed);
    await database.close();
  }
  const url = await freshDatabaseUrl();
  return whenClosed(connectPostgres({ url }), url, closed);
}

function whenClosed(database: Database, url: string, closed: string[]): Database {
  let closing: Promise<void> | null = null;
  const close = async () => {
    await database.close();
    closed.push(url);
  };
  return {
    ...database,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** The URL of a new, migrated database on this process's own PostgreSQL. */
export async function freshDatabaseUrl(): Promise<string> {
  const { server, admin, state } = await cluster();
  const name = `test_${++state.count}`;
  // One at a time: PostgreSQL refuses to copy a template that another session is copying from.
  state.copying = state.copying.then(() => admin.client.unsafe(`create database ${name} template migrated`));
  await state.copying;
  return server.urlOf(name);
}

interface Cluster {
  readonly server: TestPostgres;
  readonly admin: ReturnType<typeof openConnection>;
  /** `closed`: URLs of databases that nobody uses any more. */
  readonly state: { count: number; copying: Promise<unknown>; readonly closed: string[] };
}

/** Test files may have their own copies of this module; the process has one cluster and one engine, which end with it. */
const shared = globalThis as { cryptoTestCluster?: Promise<Cluster>; cryptoTestEngine?: Embedded };

function cluster(): Promise<Cluster> {
  shared.cryptoTestCluster ??= startCluster();
  return shared.cryptoTestCluster;
}

async function startCluster(): Promise<Cluster> {
  const server = await startPostgres({ fast: true });
  const admin = openConnection({ url: server.url, applicationName: 'tests', timeoutMs: 0 });
  await admin.client`create database migrated`;
  const template = connectPostgres({ url: server.urlOf('migrated') });
  await template.migrate();
  await rememberBeginning(template.rows);
  await template.close();
  return { server, admin, state: { count: 0, copying: Promise.resolve(), closed: [] } };
}

interface Embedded {
  /** An empty, migrated database; whoever listened to the one before is silenced. */
  open(): Promise<Database>;
}

function embedded(): Embedded {
  shared.cryptoTestEngine ??= embeddedForTests();
  return shared.cryptoTestEngine;
}

function embeddedForTests(): Embedded {
  let engine: Promise<Database> | null = null;
  const listeners: { close(): Promise<void> }[] = [];

  async function silence() {
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  }
  return {
    async open() {
      const isFirst = engine === null;
      engine ??= openEmbedded({ folder: null });
      const database = await engine;
      await silence();
      if (isFirst || !(await takeToBeginning(database.rows).catch(() => false))) await makeAnew(database);
      const listen: Database['listen'] = async (...request) => {
        const listener = await database.listen(...request);
        listeners.push(listener);
        return listener;
      };
      return { ...database, listen, close: silence };
    },
  };
}

async function makeAnew(database: Database): Promise<void> {
  for (const name of ['public', 'drizzle', 'beginning'])
    await database.rows.execute(sql.raw(`drop schema if exists ${name} cascade`));
  await database.rows.execute(sql`create schema public`);
  await database.migrate();
  await rememberBeginning(database.rows);
}
