import { Database as SqliteFile } from 'bun:sqlite';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PGlite, PGliteOptions } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import type { Database } from './connect';
import { startEngine } from './engine';
import { applyMigrations, readMigrationStatus } from './migrate';
import * as schema from './schema';

/** The folder already belongs to another running server. */
export class FolderBusy extends Error {
  constructor(folder: string) {
    super(`The database in ${folder} is in use by another server: stop that one, or choose another DATA_DIR`);
  }
}

/** A ready data directory made at build time (`dumpEmbedded`); starting from it saves the seconds and the memory of initdb. */
const READY_DIRECTORY = `${import.meta.dir}/embedded.tar.gz`;

/**
 * The embedded PostgreSQL under `folder` (made when missing, readable by its owner only), or in memory when it is null.
 * One process at a time: rejects with `FolderBusy` while another one has it. Not safe against power loss: nothing is fsynced.
 */
export async function openEmbedded({ folder }: { readonly folder: string | null }): Promise<Database> {
  if (folder === null) return serve(await startEngine(await ready()), () => {});
  const release = lockFolder(folder);
  try {
    return serve(await startIn(folder), release);
  } catch (error) {
    release();
    throw error;
  }
}

/** Held here, because a lock file that nobody refers to any more is closed, and so given up, by the garbage collector. */
const locks = new Set<SqliteFile>();

/** Takes the lock that the kernel frees when this process dies, however it dies: an open exclusive SQLite transaction. */
function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'lock');
  const file = new SqliteFile(path, { create: true });
  try {
    file.run('PRAGMA journal_mode = OFF');
    file.run('BEGIN EXCLUSIVE');
    chmodSync(path, 0o600);
    locks.add(file);
  } catch (error) {
    file.close();
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY') throw new FolderBusy(folder);
    throw error;
  }
  return () => {
    locks.delete(file);
    file.close();
  };
}

/** Until a first start is whole a marker stands beside its data: one that was killed begins again. */
async function startIn(folder: string): Promise<PGlite> {
  const data = join(folder, 'data');
  const marker = join(folder, 'unfinished');
  if (existsSync(data) && !existsSync(marker)) return startEngine({ dataDir: data });
  writeFileSync(marker, '', { mode: 0o600 });
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { mode: 0o700 });
  const engine = await startEngine({ dataDir: data, ...(await ready()) });
  makePrivate(data);
  rmSync(marker);
  return engine;
}

/** The engine makes the files of a new data directory readable by everyone; PostgreSQL itself would not. */
function makePrivate(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
  }
}

/** How a new database begins: from the ready directory, or with initdb where that has not been built. */
async function ready(): Promise<PGliteOptions> {
  const file = Bun.file(READY_DIRECTORY);
  return (await file.exists()) ? { loadDataDir: file } : {};
}

function serve(engine: PGlite, release: () => void): Database {
  const rows = drizzle({ client: engine, schema });
  return {
    kind: 'embedded',
    rows,
    async listen(channel, heard) {
      const unlisten = await engine.listen(channel, heard);
      return { close: async () => (engine.closed ? undefined : unlisten()) };
    },
    migrate: () => applyMigrations(rows, (config) => migrate(rows, config)),
    migrationStatus: () => readMigrationStatus(rows),
    async close() {
      if (!engine.closed) await engine.close();
      release();
    },
  };
}
