import { Database } from 'bun:sqlite';
import { chmodSync, closeSync, openSync } from 'node:fs';
import { privateFolder } from '../../kit/secret-file';
import { VaultFault } from './fault';
import { CREATE_ENTRIES, SCHEMA_VERSION } from './schema';

/** How long a writer waits for another process, in milliseconds; a write takes about one. */
const BUSY_MS = 5_000;

/** Opens the file, made on first use: folder 0700, files 0600. Throws {@link VaultFault}. */
export function openFile(folder: string, path: string): Database {
  try {
    privateFolder(folder);
    // SQLite gives its journal the mode of the main file, so that one is made first.
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    const database = new Database(path, { readwrite: true, create: true, strict: true });
    database.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    // What is replaced is wiped: a key that was rotated away opens nothing that is left in free pages.
    database.run('PRAGMA secure_delete = ON');
    prepare(database, path);
    return database;
  } catch (error) {
    if (error instanceof VaultFault) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new VaultFault(
      `The vault ${path} cannot be opened (${reason}): let this user write to ${folder}, or set DATA_DIR.`,
    );
  }
}

/** The version of the file's shape; 0: it was just made. */
export function versionOf(database: Database): number {
  return database.query<{ user_version: number }, []>('PRAGMA user_version').get()?.user_version ?? 0;
}

function prepare(database: Database, path: string): void {
  const make = database.transaction(() => {
    const found = versionOf(database);
    if (found > SCHEMA_VERSION)
      throw new VaultFault(`The vault ${path} was made by a newer crypto-client: use that one.`);
    database.run(CREATE_ENTRIES);
    if (found === 0) database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
  make.immediate();
}
