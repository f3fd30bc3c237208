import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { openBackup } from '../db/backup';
import { BackupBroken, checkBackup } from '../db/backup-file';
import { hasDatabase } from '../db/exchange';
import { FolderBusy } from '../db/folder-lock';
import { Refusal } from '../kit/command';
import { usesSettings } from '../kit/help';
import { placeFile } from '../kit/placed-file';
import { privateFolder } from '../kit/secret-file';
import { type CliProcess, openApi, REMOTE_SETTINGS } from './cli/api';
import { type Config, type Configuration, secretFiles } from './config';
import { VERSION } from './version';

/** What these commands take from the process they run in. */
export interface DataProcess extends CliProcess {
  readonly configure: () => Configuration;
  /** Makes a Refusal of what the operator can mend. */
  readonly explained: <T>(step: Promise<T>) => Promise<T>;
}

/** A gigabyte over the loopback takes a minute at most; in milliseconds. */
const DOWNLOAD_MS = 30 * 60_000;

/** Where the embedded database is. */
export function databaseFolder({ dataDir }: Pick<Config, 'dataDir'>): string {
  return join(dataDir, 'database');
}

/** `backup` and `restore`, of the embedded database. */
export function dataCommands(program: Command, process: DataProcess): void {
  usesSettings(program.command('backup'), [...REMOTE_SETTINGS, 'DATABASE_URL'])
    .description(
      'write the embedded database to a file, also while the server runs; the secrets in DATA_DIR are not in it',
    )
    .argument('<file>', 'the file to make')
    .option('--force', 'replace a file that is there')
    .option('--json', 'print JSON')
    .action((file: string, flags: BackupFlags, command: Command) => backup(process, file, flags, command));
  usesSettings(program.command('restore'), ['DATA_DIR', 'DATABASE_URL', 'KEY_ENCRYPTION_KEY'])
    .description('make the embedded database from a file of backup, while no server runs')
    .argument('<file>', 'the backup')
    .option('--force', 'move a database that is there aside')
    .option('--json', 'print JSON')
    .action((file: string, flags: BackupFlags, command: Command) => restore(process, file, flags, command));
}

interface BackupFlags {
  readonly force?: true;
  readonly json?: true;
}

async function backup(process: DataProcess, file: string, { force, json }: BackupFlags, command: Command) {
  const { config } = process.configure();
  requireEmbedded(config, command, 'pg_dump');
  const header = await placeFile(file, { replace: force === true }, async (draft, write) => {
    await write(await ownBytes(config, process));
    // What was cut off on the way is no backup.
    return checkBackup(draft).catch(asRefusal);
  });
  const said = { file, made_at: header.made_at, version: header.version, migrations: header.migrations };
  process.write.out(json ? `${JSON.stringify(said, null, 2)}\n` : `${file}: the database as of ${header.made_at}\n`);
  const key = basename(secretFiles(config.dataDir).KEY_ENCRYPTION_KEY);
  process.write.err(
    `The key-encryption key (KEY_ENCRYPTION_KEY, or the file ${key} in DATA_DIR) is not in it: keep that elsewhere.\n`,
  );
}

/** From the files, or from the server that holds them. */
async function ownBytes(config: Config, process: DataProcess): Promise<AsyncIterable<Uint8Array>> {
  const folder = databaseFolder(config);
  if (!hasDatabase(folder)) throw new Refusal(`There is no database in ${folder}: check DATA_DIR.`);
  const { openEmbedded } = await import('../db/embedded');
  const opened = await process.explained(
    openEmbedded({ folder }).catch((error: unknown) => {
      if (error instanceof FolderBusy) return null;
      throw error;
    }),
  );
  if (opened === null) {
    const { body } = await openApi(process).download('POST', '/backup', DOWNLOAD_MS);
    return unbroken((body ?? []) as AsyncIterable<Uint8Array>);
  }
  const opening = openBackup(opened, { version: VERSION, at: new Date(process.now()) });
  return closing(await process.explained(opening.catch(after(opened.close))), opened.close);
}

async function* unbroken(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch {
    throw new Refusal('The server broke off: should it still run, its log says why. Nothing was written.');
  }
}

/** Fails as before, once `end` is through. */
function after(end: () => Promise<void>): (error: unknown) => Promise<never> {
  return async (error) => {
    await end();
    throw error;
  };
}

async function* closing(bytes: AsyncIterable<Uint8Array>, close: () => Promise<void>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } finally {
    await close();
  }
}

async function restore(process: DataProcess, file: string, { force, json }: BackupFlags, command: Command) {
  const { config } = process.configure();
  requireEmbedded(config, command, 'pg_restore');
  if (!existsSync(file)) throw new Refusal(`There is no file ${file}.`);
  privateFolder(config.dataDir);
  const { FolderTaken, restoreEmbedded } = await import('../db/restore');
  const at = new Date(process.now()).toISOString();
  const aside = force ? `data-before-${at.replaceAll(':', '')}` : null;
  const restoring = restoreEmbedded({ file, folder: databaseFolder(config), aside }).catch((error: unknown) => {
    if (error instanceof FolderTaken) throw new Refusal(`${error.message} --force moves it aside.`);
    return asRefusal(error);
  });
  const done = await process.explained(restoring);
  const moved = done.aside === null ? '' : `The database before is in ${done.aside}\n`;
  const said = { made_at: done.madeAt, moved_to: done.aside };
  process.write.out(
    json ? `${JSON.stringify(said, null, 2)}\n` : `Restored: the database as of ${done.madeAt}\n${moved}`,
  );
  const key = secretFiles(config.dataDir).KEY_ENCRYPTION_KEY;
  if (config.keyEncryptionKey === null && !existsSync(key))
    process.write.err(
      `Before the start set KEY_ENCRYPTION_KEY, or put its file at ${key}: no other key opens the signing keys.\n`,
    );
}

/** A broken file is the operator's to replace. */
function asRefusal(error: unknown): never {
  throw error instanceof BackupBroken ? new Refusal(error.message) : error;
}

function requireEmbedded({ databaseUrl }: Config, command: Command, tool: string): void {
  if (databaseUrl !== null)
    command.error(
      `error: ${command.name()} is for the embedded database, and DATABASE_URL is set: use ${tool}, as docs/backup.md shows`,
      { exitCode: 2, code: 'crypto.postgres' },
    );
}
