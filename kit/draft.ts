import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** A file that is being written beside its place, for this user alone (0600). */
export interface Draft {
  readonly path: string;
  /** Puts these bytes behind those that are there. */
  readonly write: (bytes: Uint8Array) => void;
  /** Gives it its place, whole and on the disk. With `replace` false it throws EEXIST where a file is. */
  readonly place: (how: { readonly replace: boolean }) => void;
  /** Leaves nothing beside the place; what was placed stays. */
  readonly discard: () => void;
}

/** A draft of the file with this name. Discard it at the end. Throws the system's error when the folder cannot be written to. */
export function openDraft(path: string): Draft {
  const folder = mkdtempSync(`${path}.`);
  const draft = join(folder, 'draft');
  const file = openIn(folder, draft);
  return {
    path: draft,
    write: (bytes) => writeWhole(file, bytes),
    place: ({ replace }) => {
      fsyncSync(file);
      if (replace) renameSync(draft, path);
      // A link, unlike a rename, fails when the name was taken meanwhile.
      else linkSync(draft, path);
      syncFolder(dirname(path));
    },
    discard: () => {
      closeSync(file);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A process with no file left to open can still make a folder. */
function openIn(folder: string, draft: string): number {
  try {
    return openSync(draft, 'wx', 0o600);
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
}

/** Writes all of the bytes: the system may take a part of them at a time. Throws its error, as when the disk is full. */
export function writeWhole(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/** A name is on the disk when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
