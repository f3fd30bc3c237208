import { existsSync } from 'node:fs';
import { Refusal } from './command';
import { openDraft } from './draft';

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
  const draft = orRefuse(path, () => openDraft(path));
  try {
    const made = await make(draft.path, async (bytes) => {
      for await (const piece of bytes) orRefuse(path, () => draft.write(piece));
    });
    draft.place({ replace });
    return made;
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? taken : error;
  } finally {
    draft.discard();
  }
}

function orRefuse<Done>(path: string, work: () => Done): Done {
  try {
    return work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    throw new Refusal(`${path} cannot be made${code}: choose a folder that this user may write to and that has room.`);
  }
}
