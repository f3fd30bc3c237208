import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BackupBroken, checkBackup, unpackBackup } from './backup-file';
import { openEmbedded } from './embedded';
import { exchange, STAGING, settle } from './exchange';
import { lockFolder } from './folder-lock';
import { allMissing, NewerDatabase } from './migrate';

/** There is a database already. */
export class FolderTaken extends Error {
  override readonly name = 'FolderTaken';
}

/** What a restoration needs. */
export interface RestoreOptions {
  /** The backup. */
  readonly file: string;
  /** Where the embedded database is to be. */
  readonly folder: string;
  /** What is there already is moved to this name beside it; null: it is not touched. */
  readonly aside: string | null;
}

/** What was restored. */
export interface Restored {
  /** RFC 3339: the moment that the database is back at. */
  readonly madeAt: string;
  /** Where the database before is; null: there was none. */
  readonly aside: string | null;
}

/**
 * Puts the database of a backup in its place, brought up to date. Until it is found to open, everything stays as it was.
 * Rejects with `BackupBroken`, `NewerDatabase`, `FolderTaken`, `FolderBusy`.
 */
export async function restoreEmbedded({ file, folder, aside }: RestoreOptions): Promise<Restored> {
  const { made_at, migrations } = await checkBackup(file);
  const known = allMissing().map(({ name }) => name);
  if (migrations.some((name) => !known.includes(name))) throw new NewerDatabase();
  const release = lockFolder(folder);
  let staging: string | null = null;
  try {
    settle(folder);
    const taken = existsSync(join(folder, 'data'));
    if (taken && aside === null) throw new FolderTaken(`There is a database in ${folder} already.`);
    staging = mkdtempSync(join(folder, STAGING));
    await prepare(file, staging);
    const before = taken && aside !== null ? join(folder, aside) : null;
    exchange({ folder, staging, before });
    return { madeAt: made_at, aside: before };
  } finally {
    if (staging !== null) rmSync(staging, { recursive: true, force: true });
    release();
  }
}

/** Unpacks, opens and migrates it, where nobody looks for a database. */
async function prepare(file: string, staging: string): Promise<void> {
  await unpackBackup(file, join(staging, 'data')).catch((error: unknown) => {
    throw error instanceof SyntaxError ? new BackupBroken(`${file} cannot be unpacked.`) : error;
  });
  const database = await openEmbedded({ folder: staging });
  try {
    await database.migrate();
  } finally {
    await database.close();
  }
}
