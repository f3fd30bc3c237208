import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { secretFile } from '../../kit/secret-file';
import type { RandomBytes } from '../ports';
import { VaultFault } from './fault';
import { KEY_BYTES } from './seal';

/** The key that rows are sealed with, and the one that they may have been sealed with before. */
export interface Keys {
  readonly present: Uint8Array;
  readonly previous: Uint8Array | null;
}

/** What {@link findKeys} needs. */
export interface KeyOptions {
  readonly folder: string;
  /** `VAULT_KEY`, or null: it is kept in the folder, made on first use. */
  readonly key: Uint8Array | null;
  /** `VAULT_KEY_PREVIOUS`, or null. */
  readonly previousKey: Uint8Array | null;
  readonly randomBytes: RandomBytes;
}

/** Where the key of the vault in this folder is kept, unless `VAULT_KEY` is set. */
export function vaultKeyFile(folder: string): string {
  return join(folder, 'vault-key');
}

/** Reads a key: 32 bytes as 64 hexadecimal digits or as base64. Throws Error with what is expected. */
export function parseVaultKey(text: string): Uint8Array {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64url');
  const isWhole = /^([0-9a-f]{64}|[A-Za-z0-9+/_-]{43}=?)$/i.test(text);
  if (!isWhole || bytes.length !== KEY_BYTES) throw new Error('32 bytes, as 64 hexadecimal digits or as base64');
  return bytes;
}

/**
 * The keys of a vault. A key file beside a `VAULT_KEY` is the previous key, unless another one is named. Throws
 * {@link VaultFault} when there are rows and their key is lost, or when the file holds no key.
 */
export function findKeys({ folder, key, previousKey, randomBytes }: KeyOptions, hasRows: boolean): Keys {
  const path = vaultKeyFile(folder);
  if (key !== null) {
    const inFile = previousKey === null && existsSync(path) ? keyInFile(path, randomBytes) : null;
    return { present: key, previous: previousKey ?? inFile };
  }
  // The key file comes before the first row, so rows without it mean that the key was lost, not that it is new.
  if (hasRows && previousKey === null && !existsSync(path)) {
    throw new VaultFault(
      `The vault in ${folder} has lost its key: put ${path} back, or set VAULT_KEY to the key it was made with.`,
    );
  }
  return { present: keyInFile(path, randomBytes), previous: previousKey };
}

function keyInFile(path: string, randomBytes: RandomBytes): Uint8Array {
  const { value } = secretFile(path, () => Buffer.from(randomBytes(KEY_BYTES)).toString('base64url'));
  try {
    return parseVaultKey(value);
  } catch (error) {
    throw new VaultFault(`${path} is not a key: it must hold ${error instanceof Error ? error.message : 'a key'}.`);
  }
}
