import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { startEngine } from './engine';
import { applyMigrations } from './migrate';
import * as schema from './schema';

/** The data directory of a fresh, migrated database (tar, gzip): what `openEmbedded` starts from when it lies at `db/embedded.tar.gz`. */
export async function dumpEmbedded(): Promise<Blob> {
  const engine = await startEngine({});
  try {
    const rows = drizzle({ client: engine, schema });
    await applyMigrations(rows, (config) => migrate(rows, config));
    return await engine.dumpDataDir('gzip');
  } finally {
    await engine.close();
  }
}
