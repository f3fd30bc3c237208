// The same tests on both databases: `eachDatabase` stands in for `describe`.
import { afterAll, describe, setDefaultTimeout } from 'bun:test';
import { sql } from 'drizzle-orm';
import { connectPostgres, type Database } from './connect';
import { openConnection } from './connection';
import { openEmbedded } from './embedded';
import { findPostgres, START_TIMEOUT_MS, startPostgres, type TestPostgres } from './testing-postgres';

/**
 * Runs `tests` once for the embedded database and once for PostgreSQL (skipped by name where the machine has none). Each `open()`
 * gives a freshly migrated database with the seed rows only. Databases left open are closed at the end. On the embedded one there is
 * one engine for all: opening again empties it, so a test opens at most one at a time.
 */
export function eachDatabase(title: string, tests: (open: () => Promise<Database>) => void): void {
  embeddedDatabase(`${title} (embedded)`, tests);
  describe.skipIf(!findPostgres())(`${title} (PostgreSQL)`, () => {
    const opened = new Set<Database>();
    afterAll(async () => {
      await Promise.all([...opened].map((database) => database.close()));
    });
    tests(async () => {
      const database = connectPostgres({ url: await freshDatabaseUrl() });
      opened.add(database);
      return database;
    });
  });
}

/** The same on the embedded database alone, for what never asks the database. */
export function embeddedDatabase(title: string, tests: (open: () => Promise<Database>) => void): void {
  setDefaultTimeout(START_TIMEOUT_MS);
  describe(title, () => {
    const engine = embeddedForTests();
    afterAll(engine.close);
    tests(engine.open);
  });
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
  readonly state: { count: number; copying: Promise<unknown> };
}

/** Test files have their own copies of this module; the process has one cluster. */
const shared = globalThis as { cryptoTestCluster?: Promise<Cluster> };

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
  await template.close();
  return { server, admin, state: { count: 0, copying: Promise.resolve() } };
}

function embeddedForTests(): { open: () => Promise<Database>; close: () => Promise<void> } {
  let engine: Promise<Database> | null = null;
  const listeners: { close(): Promise<void> }[] = [];

  async function silence() {
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  }
  return {
    async open() {
      engine ??= openEmbedded({ folder: null });
      const database = await engine;
      await silence();
      for (const name of ['public', 'drizzle'])
        await database.rows.execute(sql.raw(`drop schema if exists ${name} cascade`));
      await database.rows.execute(sql`create schema public`);
      await database.migrate();
      const listen: Database['listen'] = async (...request) => {
        const listener = await database.listen(...request);
        listeners.push(listener);
        return listener;
      };
      return { ...database, listen, close: silence };
    },
    async close() {
      await (await engine)?.close();
      engine = null;
    },
  };
}
