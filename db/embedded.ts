import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import type { Database, FolderCopy } from './connect';
import { startEngine } from './engine';
import { COPY, settle } from './exchange';
import { lockFolder } from './folder-lock';
import { applyMigrations, isMigrated, readMigrationStatus } from './migrate';
import * as schema from './schema';

/** A ready data directory made at build time (`dumpEmbedded`); starting from it saves the seconds and the memory of initdb. */
const READY_DIRECTORY = Bun.file(`${import.meta.dir}/embedded.tar.gz`);

/**
 * The embedded PostgreSQL under `folder` (made when missing, readable by its owner only), or in memory when it is null.
 * One process at a time: rejects with `FolderBusy` while another one has it. Not safe against power loss: nothing is fsynced.
 */
export async function openEmbedded({ folder }: { readonly folder: string | null }): Promise<Database> {
  const isReady = await READY_DIRECTORY.exists();
  if (folder === null) return serve(await startEngine(isReady ? { loadDataDir: READY_DIRECTORY } : {}), null, () => {});
  const release = lockFolder(folder);
  try {
    settle(folder);
    const engine = await startIn(folder);
    return serve(engine, () => copyFiles(engine, folder), release);
  } catch (error) {
    release();
    throw error;
  }
}

/** Until a first start is whole a marker stands beside its data: one that was killed begins again. */
async function startIn(folder: string): Promise<PGlite> {
  const data = join(folder, 'data');
  const marker = join(folder, 'unfinished');
  if (existsSync(data) && !existsSync(marker)) return startEngine({ dataDir: data });
  writeFileSync(marker, '', { mode: 0o600 });
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { mode: 0o700 });
  // Unpacked here and not by the engine, which takes ten times as long.
  if (await READY_DIRECTORY.exists()) await new Bun.Archive(await READY_DIRECTORY.bytes()).extract(data);
  const engine = await startEngine({ dataDir: data });
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

/**
 * No query runs meanwhile, so the files are as after a crash at that moment: what was committed is in them or in their log, from which the
 * next start takes it. The checkpoint before keeps that short.
 */
async function copyFiles(engine: PGlite, folder: string): Promise<FolderCopy> {
  await engine.exec('checkpoint');
  const copy = mkdtempSync(join(folder, COPY));
  const remove = (): void => rmSync(copy, { recursive: true, force: true });
  try {
    await engine.runExclusive(() => cp(join(folder, 'data'), copy, { recursive: true }));
    return { folder: copy, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function serve(engine: PGlite, copy: Database['copy'], release: () => void): Database {
  const rows = drizzle({ client: engine, schema });
  return {
    kind: 'embedded',
    rows,
    async listen(channel, heard) {
      const unlisten = await engine.listen(channel, heard);
      return { close: async () => (engine.closed ? undefined : unlisten()) };
    },
    async migrate() {
      if (!(await isMigrated(rows))) await applyMigrations(rows, (config) => migrate(rows, config));
    },
    migrationStatus: () => readMigrationStatus(rows),
    // Within one process there is nobody who could vanish.
    bounded: async () => true,
    connections: () => null,
    copy,
    async close() {
      if (!engine.closed) await engine.close();
      release();
    },
  };
}
