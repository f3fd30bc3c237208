/** The client's credential at rest: SQLite under `DATA_DIR`, each row sealed. Apart from `account/`, which decides what is kept. */
import { Database } from 'bun:sqlite';
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/bun-sqlite';
import { privateFolder, secretFile } from '../../kit/secret-file';
import type { RandomBytes } from '../ports';
import { CREATE_CREDENTIALS, credentials, SCHEMA_VERSION } from './schema';
import { KEY_BYTES, SEAL_VERSION, seal, unseal } from './seal';

/** A credential as it is kept. */
export interface StoredCredential {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly appName: string;
  /** Made by this client, or given to it by its user. */
  readonly origin: 'self-made' | 'configured';
  /** True once the server has confirmed the registration. */
  readonly registered: boolean;
}

/** The vault cannot be used; the message says what to do. Nothing in it was changed. */
export class VaultFault extends Error {
  override readonly name = 'VaultFault';
}

/** One place for one credential. Every method throws {@link VaultFault} when the row does not open. */
export interface Vault {
  read(): StoredCredential | null;
  /** What is kept already, else what `make` gives: of several processes the first one wins. */
  readOrCreate(make: () => StoredCredential): StoredCredential;
  write(credential: StoredCredential): void;
  /** Marks the registration of this client id, unless another credential has taken its place. */
  markRegistered(clientId: string): void;
  close(): void;
}

/** What {@link openVault} needs. */
export interface VaultOptions {
  readonly folder: string;
  /** The key as `VAULT_KEY` gives it, or null: it is kept in the folder, made on first use. */
  readonly key: Uint8Array | null;
  readonly randomBytes: RandomBytes;
}

/** The one row there is. */
const NAME = 'default';

/** How long a writer waits for another process, in milliseconds; a write takes about one. */
const BUSY_MS = 5_000;

/** Opens the vault, made on first use: folder 0700, files 0600. Throws {@link VaultFault}. */
export function openVault({ folder, key: givenKey, randomBytes }: VaultOptions): Vault {
  const path = join(folder, 'vault.sqlite');
  const database = openDatabase(folder, path);
  const rows = drizzle(database);
  const select = () => rows.select().from(credentials).where(eq(credentials.name, NAME)).get();
  const key = givenKey ?? keyInFolder(folder, select() !== undefined, randomBytes);

  const open = (row: ReturnType<typeof select>): StoredCredential | null => {
    if (row === undefined) return null;
    const plain = unseal(row.sealed, row.name, row.version, key);
    if (plain === null) throw new VaultFault(sayLocked(path, folder));
    return JSON.parse(plain);
  };
  const rowOf = (credential: StoredCredential) => {
    const sealed = seal(JSON.stringify(credential), NAME, key, randomBytes);
    return { name: NAME, version: SEAL_VERSION, sealed };
  };
  const write = (credential: StoredCredential): void => {
    const { name, ...set } = rowOf(credential);
    rows
      .insert(credentials)
      .values({ name, ...set })
      .onConflictDoUpdate({ target: credentials.name, set })
      .run();
  };

  return {
    read: () => open(select()),
    readOrCreate(make) {
      const kept = open(select());
      if (kept !== null) return kept;
      rows.insert(credentials).values(rowOf(make())).onConflictDoNothing().run();
      const winner = open(select());
      if (winner === null)
        throw new VaultFault(`${path}: the credential vanished while it was being made; start again.`);
      return winner;
    },
    write(credential) {
      // A vault that does not open is not ours to write over.
      open(select());
      write(credential);
    },
    markRegistered(clientId) {
      const mark = database.transaction(() => {
        const kept = open(select());
        if (kept?.clientId === clientId && !kept.registered) write({ ...kept, registered: true });
      });
      mark.immediate();
    },
    close: () => database.close(),
  };
}

/** Reads a key: 32 bytes as 64 hexadecimal digits or as base64. Throws Error with what is expected. */
export function parseVaultKey(text: string): Uint8Array {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64url');
  const isWhole = /^([0-9a-f]{64}|[A-Za-z0-9+/_-]{43}=?)$/i.test(text);
  if (!isWhole || bytes.length !== KEY_BYTES) throw new Error('32 bytes, as 64 hexadecimal digits or as base64');
  return bytes;
}

function openDatabase(folder: string, path: string): Database {
  try {
    privateFolder(folder);
    // SQLite gives its journal the mode of the main file, so that one is made first.
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    const database = new Database(path, { readwrite: true, create: true, strict: true });
    database.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
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

function prepare(database: Database, path: string): void {
  const make = database.transaction(() => {
    const { user_version: found = 0 } = database.query<{ user_version: number }, []>('PRAGMA user_version').get() ?? {};
    if (found > SCHEMA_VERSION)
      throw new VaultFault(`The vault ${path} was made by a newer crypto-client: use that one.`);
    database.run(CREATE_CREDENTIALS);
    database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
  make.immediate();
}

/** Where the key of the vault in this folder is kept, unless `VAULT_KEY` is set. */
export function vaultKeyFile(folder: string): string {
  return join(folder, 'vault-key');
}

/** The key file comes before the first row, so a row without it means that the key was lost, not that it is new. */
function keyInFolder(folder: string, hasRow: boolean, randomBytes: RandomBytes): Uint8Array {
  const path = vaultKeyFile(folder);
  if (hasRow && !existsSync(path)) {
    throw new VaultFault(
      `The vault in ${folder} has lost its key: put ${path} back, or set VAULT_KEY to the key it was made with.`,
    );
  }
  const { value } = secretFile(path, () => Buffer.from(randomBytes(KEY_BYTES)).toString('base64url'));
  try {
    return parseVaultKey(value);
  } catch (error) {
    throw new VaultFault(`${path} is not a key: it must hold ${error instanceof Error ? error.message : 'a key'}.`);
  }
}

function sayLocked(path: string, folder: string): string {
  return `The vault ${path} does not open: its key is another one or its content was changed. Set VAULT_KEY (or put back ${vaultKeyFile(folder)}) to the key it was made with; to start with a new credential, move ${path} away. Nothing was changed.`;
}
