import { chmodSync, closeSync, fchmodSync, fstatSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { openDraft } from './draft';

const OTHERS = 0o077; // every permission of group and world
const STICKY = 0o1000; // set on folders that everybody shares, such as /tmp

/**
 * Makes the folder and those above it that are missing, for this user alone (0700); tightens an existing one.
 * Throws Error when the path is no folder, cannot be made, or is one that everybody shares.
 */
export function privateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { mode } = statSync(path);
  if ((mode & STICKY) !== 0) throw new Error(`${path} is shared by everybody: choose a folder of its own inside it`);
  if ((mode & OTHERS) === 0) return;
  try {
    chmodSync(path, 0o700);
  } catch (error) {
    // A mounted volume belongs to somebody else; the files inside it are private all the same.
    if (codeOf(error) !== 'EPERM') throw error;
  }
}

/**
 * Reads the secret in this file, or makes it with `create()`. The file appears whole (0600) or not at all, and of
 * several processes the first one wins. One that others may read is tightened. A line feed at the end does not count.
 * Throws Error when the file is empty or cannot be read or made.
 */
export function secretFile(path: string, create: () => string): { value: string; created: boolean } {
  const existing = readSecret(path);
  if (existing !== null) return { value: existing, created: false };
  const created = placeNew(path, create());
  const value = readSecret(path);
  if (value === null) throw new Error(`${path} vanished while it was being made`);
  return { value, created };
}

/** Puts this text in the place of the file, for this user alone (0600); after a crash there is the old file or the new one. */
export function replacePrivateFile(path: string, text: string): void {
  place(path, text, { replace: true });
}

function readSecret(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    if ((fstatSync(file).mode & OTHERS) !== 0) fchmodSync(file, 0o600);
    const value = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (value === '') throw new Error(`${path} is empty: write the secret into it or delete it`);
    return value;
  } finally {
    closeSync(file);
  }
}

/** Puts the secret in its place unless a file is there already; true when this call did. */
function placeNew(path: string, value: string): boolean {
  try {
    place(path, `${value}\n`, { replace: false });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function place(path: string, text: string, how: { readonly replace: boolean }): void {
  const draft = openDraft(path);
  try {
    draft.write(Buffer.from(text));
    draft.place(how);
  } finally {
    draft.discard();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
