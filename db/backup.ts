import { writeBackup } from './backup-file';
import type { Database } from './connect';

/** There are no files of this database to copy: PostgreSQL has ways of its own. */
export class NoBackup extends Error {
  override readonly name = 'NoBackup';
}

/**
 * The bytes of a backup: the database as it is at one moment between the call and its answer. Take all of them, or return, since a
 * copy of the files stands beside them until then. Rejects with `NoBackup`.
 */
export async function openBackup(
  database: Pick<Database, 'copy' | 'migrationStatus'>,
  { version, at }: { readonly version: string; readonly at: Date },
): Promise<AsyncGenerator<Uint8Array>> {
  if (database.copy === null) throw new NoBackup('This database is not embedded');
  const status = await database.migrationStatus();
  const migrations = status.filter(({ applied }) => applied).map(({ name }) => name);
  const { folder, remove } = await database.copy();
  const bytes = removing(writeBackup(folder, { version, made_at: at.toISOString(), migrations }), remove);
  // A generator that has not begun does nothing at its end.
  await bytes.next();
  return bytes;
}

/** Gives nothing first. */
async function* removing(bytes: AsyncGenerator<Uint8Array>, remove: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield new Uint8Array();
    yield* bytes;
  } finally {
    remove();
  }
}
