import { Database as SqliteFile } from 'bun:sqlite';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** The folder already belongs to another running server. */
export class FolderBusy extends Error {
  constructor(folder: string) {
    super(`The database in ${folder} is in use by another server: stop that one, or choose another DATA_DIR`);
  }
}

/** Held here, because a lock file that nobody refers to any more is closed, and so given up, by the garbage collector. */
const locks = new Set<SqliteFile>();

/**
 * Takes the folder (made when missing) for this process. The kernel frees it when the process dies, however it dies: it is an open
 * exclusive SQLite transaction. @returns how to give it up. @throws FolderBusy
 */
export function lockFolder(folder: string): () => void {
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
