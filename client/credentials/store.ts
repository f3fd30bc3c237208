import { VaultFault } from '../vault/fault';
import type { Vault, VaultEntry } from '../vault/vault';
import { DEFAULT_NAME, readStored, type StoredCredential } from './stored';

/** The credentials in the vault. Methods that meet a row that does not open throw `VaultFault`. */
export interface CredentialStore {
  read(name: string): StoredCredential | null;
  /** Those that open, by name, and the names of those that do not. */
  all(): { readonly credentials: ReadonlyMap<string, StoredCredential>; readonly unreadable: readonly string[] };
  /** @returns false when the name is taken. */
  add(name: string, credential: StoredCredential): boolean;
  write(name: string, credential: StoredCredential): void;
  /** What is kept already, else what `make` gives: of several processes the first one wins. */
  readOrCreate(name: string, make: () => StoredCredential): StoredCredential;
  /** Changes what is kept there; `change` gives null to leave it. @returns what is kept now, or null when there is nothing. */
  update(name: string, change: (kept: StoredCredential) => StoredCredential | null): StoredCredential | null;
  /** Takes a credential and its token away, whether its row opens or not. */
  remove(name: string): void;
  /** The name that is used when none is named, as it was last chosen. */
  chosen(): string;
  /** The same, also in the place of a choice that does not open. */
  choose(name: string): void;
}

/** What the work gives, or null when it meets a row that does not open. */
export function ifReadable<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof VaultFault) return null;
    throw error;
  }
}

const CHOSEN = 'active-credential';

/** Credentials in this vault. */
export function createCredentialStore(vault: Vault): CredentialStore {
  const read = (name: string): StoredCredential | null => {
    const text = vault.read('credential', name);
    return text === null ? null : readStored(text);
  };
  const write = (name: string, credential: StoredCredential): void =>
    vault.write('credential', name, JSON.stringify(credential));
  const add = (name: string, credential: StoredCredential): boolean =>
    vault.add('credential', name, JSON.stringify(credential));
  return {
    read,
    add,
    write,
    all() {
      const rows = vault.list('credential');
      const open = rows.filter((row): row is VaultEntry & { text: string } => row.text !== null);
      return {
        credentials: new Map(open.map(({ name, text }) => [name, readStored(text)])),
        unreadable: rows.filter(({ text }) => text === null).map(({ name }) => name),
      };
    },
    readOrCreate(name, make) {
      const kept = read(name);
      if (kept !== null) return kept;
      add(name, make());
      const winner = read(name);
      if (winner === null) throw new VaultFault('The credential vanished while it was being made; start again.');
      return winner;
    },
    update: (name, change) =>
      vault.atomically(() => {
        const kept = read(name);
        const next = kept === null ? null : change(kept);
        if (next === null) return kept;
        write(name, next);
        return next;
      }),
    remove: (name) =>
      vault.atomically(() => {
        vault.remove('credential', name);
        vault.remove('token', name);
      }),
    chosen: () => vault.read('setting', CHOSEN) ?? DEFAULT_NAME,
    choose: (name) =>
      vault.atomically(() => {
        vault.remove('setting', CHOSEN);
        vault.write('setting', CHOSEN, name);
      }),
  };
}
