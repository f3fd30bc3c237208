/** What the client keeps at rest: SQLite under `DATA_DIR`, each row sealed. Apart from `credentials/`, which decides what is kept. */
import type { Database } from 'bun:sqlite';
import { join } from 'node:path';
import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/bun-sqlite';
import { VaultFault } from './fault';
import { openFile, versionOf } from './file';
import { findKeys, type KeyOptions, vaultKeyFile } from './key';
import { renewRows } from './renew';
import { entries, firstCredentials, type Row, type RowKind } from './schema';
import { SEAL_VERSION, seal, unseal } from './seal';

/** One row of a list; `text` is null when it does not open. */
export interface VaultEntry {
  readonly name: string;
  readonly text: string | null;
}

/** Sealed rows. Several processes may use one vault at a time. Methods that meet a row that does not open throw {@link VaultFault}. */
export interface Vault {
  /** The text, or null when there is no such row. */
  read(kind: RowKind, name: string): string | null;
  /** All rows of a kind by name; never throws for one of them. */
  list(kind: RowKind): readonly VaultEntry[];
  /** Puts the text there. A row that does not open is not written over, unless it is a token, which can be had again. */
  write(kind: RowKind, name: string, text: string): void;
  /** Puts the text there unless there is a row already. @returns whether it did. */
  add(kind: RowKind, name: string, text: string): boolean;
  remove(kind: RowKind, name: string): void;
  /** Runs `work` in one transaction: no other process writes meanwhile, and all of it is kept or none. */
  atomically<T>(work: () => T): T;
  /** True when another process has written since this was asked before. */
  changedElsewhere(): boolean;
  /** What is wrong with each row that does not open. */
  faults(): readonly string[];
  /** Rows that the opening sealed anew under another key. */
  readonly resealed: number;
  close(): void;
}

/** What {@link openVault} needs. */
export type VaultOptions = KeyOptions;

/**
 * Opens the vault, made on first use: folder 0700, files 0600. Rows that the previous key alone opens are sealed anew.
 * Throws {@link VaultFault} when it cannot be opened, or when none of its rows opens.
 */
export function openVault(options: VaultOptions): Vault {
  const { folder, randomBytes } = options;
  const path = join(folder, 'vault.sqlite');
  const database = openFile(folder, path);
  const open = () => {
    const { keys, resealed } = unlock(database, path, options);
    return {
      ...createRows(database, path, (place, text) => seal(text, place, keys.present, randomBytes), keys.present),
      resealed,
    };
  };
  try {
    return open();
  } catch (error) {
    database.close();
    throw error;
  }
}

function unlock(database: Database, path: string, options: VaultOptions) {
  const work = database.transaction(() => {
    const keys = findKeys(options, hasRows(database));
    const { rows, opened, resealed } = renewRows(database, keys, options.randomBytes);
    if (rows > 0 && opened === 0) throw new VaultFault(sayLocked(path, options.folder));
    return { keys, resealed };
  });
  return work.immediate();
}

function hasRows(database: Database): boolean {
  const rows = drizzle(database);
  const first = versionOf(database) === 1 && rows.select().from(firstCredentials).get() !== undefined;
  return first || rows.select().from(entries).limit(1).get() !== undefined;
}

type Seal = (place: Pick<Row, 'kind' | 'name'>, text: string) => Buffer;

function createRows(database: Database, path: string, sealed: Seal, key: Uint8Array): Omit<Vault, 'resealed'> {
  const rows = drizzle(database);
  const at = (kind: RowKind, name: string) => and(eq(entries.kind, kind), eq(entries.name, name));
  const find = (kind: RowKind, name: string) => rows.select().from(entries).where(at(kind, name)).get();
  const textOf = (row: Row): string | null => unseal(row.sealed, row, row.version, key);
  const open = (row: Row | undefined): string | null => {
    if (row === undefined) return null;
    const text = textOf(row);
    if (text === null) throw new VaultFault(sayChanged(row, path));
    return text;
  };
  const rowOf = (kind: RowKind, name: string, text: string): Row => ({
    kind,
    name,
    version: SEAL_VERSION,
    sealed: sealed({ kind, name }, text),
  });
  const dataVersion = database.query<{ data_version: number }, []>('PRAGMA data_version');
  let seen = dataVersion.get()?.data_version;
  return {
    read: (kind, name) => open(find(kind, name)),
    list(kind) {
      const all = rows.select().from(entries).where(eq(entries.kind, kind)).orderBy(entries.name).all();
      return all.map((row) => ({ name: row.name, text: textOf(row) }));
    },
    write(kind, name, text) {
      if (kind !== 'token') open(find(kind, name));
      const { version, sealed } = rowOf(kind, name, text);
      rows
        .insert(entries)
        .values({ kind, name, version, sealed })
        .onConflictDoUpdate({ target: [entries.kind, entries.name], set: { version, sealed } })
        .run();
    },
    add: (kind, name, text) =>
      rows
        .insert(entries)
        .values(rowOf(kind, name, text))
        .onConflictDoNothing()
        .returning({ name: entries.name })
        .all().length > 0,
    remove: (kind, name) => void rows.delete(entries).where(at(kind, name)).run(),
    atomically: (work) => database.transaction(work).immediate(),
    changedElsewhere() {
      const before = seen;
      seen = dataVersion.get()?.data_version;
      return seen !== before;
    },
    faults() {
      const all = rows.select().from(entries).orderBy(entries.kind, entries.name).all();
      return all.filter((row) => textOf(row) === null).map((row) => sayChanged(row, path));
    },
    close: () => database.close(),
  };
}

function sayLocked(path: string, folder: string): string {
  return `The vault ${path} does not open: its key is another one or its content was changed. Set VAULT_KEY (or put back ${vaultKeyFile(folder)}) to the key it was made with; to start with a new credential, move ${path} away. Nothing was changed.`;
}

/** Settings that can be made anew. */
const SETTING_ACTS: Readonly<Record<string, string>> = {
  'active-credential': 'put the file back from a copy, or choose a credential anew (crypto-client credentials use)',
};

function sayChanged({ kind, name }: Pick<Row, 'kind' | 'name'>, path: string): string {
  const act = {
    credential: `put the file back from a copy, or take the row away (crypto-client credentials remove ${name}) and add the credential again`,
    setting: SETTING_ACTS[name] ?? 'put the file back from a copy',
    token: 'it is replaced by the next token',
  }[kind];
  return `The ${kind} ${name} in the vault ${path} does not open, while other rows do: it was changed, or sealed with another key. What to do: ${act}. Nothing was changed.`;
}
