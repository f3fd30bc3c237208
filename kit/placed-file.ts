import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Refusal } from './command';

/** Writes these bytes behind those that are there. */
export type WriteBytes = (bytes: AsyncIterable<Uint8Array>) => Promise<void>;

/**
 * Makes a file for this user alone (0600) through `make`, which writes to `draft` beside it: it appears whole and on the disk, or
 * not at all. @throws Refusal when there is one and `replace` is false, or the folder cannot be written to.
 */
export async function placeFile<Made>(
  path: string,
  { replace }: { readonly replace: boolean },
  make: (draft: string, write: WriteBytes) => Promise<Made>,
): Promise<Made> {
  const taken = new Refusal(`There is a file ${path} already: choose another name, or replace it with --force.`);
  if (!replace && existsSync(path)) throw taken;
  const folder = draftFolder(path);
  try {
    const draft = join(folder, 'draft');
    const made = await make(draft, (bytes) => writeDurably(draft, bytes));
    if (replace) renameSync(draft, path);
    // A link, unlike a rename, fails when the name was taken meanwhile.
    else linkSync(draft, path);
    sync(dirname(resolve(path)));
    return made;
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? taken : error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function draftFolder(path: string): string {
  try {
    return mkdtempSync(`${path}.`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw new Refusal(`${path} cannot be made${code}: choose a folder that this user may write to.`);
  }
}

async function writeDurably(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const file = openSync(path, 'wx', 0o600);
  try {
    for await (const piece of bytes) for (let done = 0; done < piece.length; ) done += writeSync(file, piece, done);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function sync(folder: string): void {
  const file = openSync(folder, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
