import { and, eq, isNotNull } from 'drizzle-orm';
import { holdLock } from '../../db/locks';
import type { Rows, Transaction } from '../../db/rows';
import { sharedSecrets, signingKeys } from '../../db/schema';

/** Something that rests encrypted in the database. */
export interface SealedRow {
  readonly kind: 'signing key' | 'shared secret';
  /** The `kid` of a key, the purpose of a secret. */
  readonly name: string;
  readonly sealed: string;
}

/** What to write: secrets that are new, and rows sealed anew (`was`: as they were read). */
export interface VaultChanges {
  readonly made: readonly SealedRow[];
  readonly resealed: readonly (SealedRow & { readonly was: string })[];
}

/** Everything in the database that is encrypted. */
export interface VaultStore {
  /** Reads all, decides, and writes, in one transaction that no other server is in. What `decide` throws ends it unwritten. @returns how many rows were sealed anew. */
  change(decide: (rows: readonly SealedRow[]) => VaultChanges, at: Date): Promise<number>;
}

/** Sealed rows of the database. */
export function createVaultStore(rows: Rows): VaultStore {
  return {
    change: (decide, at) =>
      rows.transaction(async (tx) => {
        await holdLock(tx, 'vault');
        const { made, resealed } = decide(await readAll(tx));
        for (const { name, sealed } of made) await tx.insert(sharedSecrets).values({ name, sealed, createdAt: at });
        let count = 0;
        for (const row of resealed) count += await reseal(tx, row);
        return count;
      }),
  };
}

async function readAll(tx: Transaction): Promise<SealedRow[]> {
  const { kid: name, privateKey: sealed } = signingKeys;
  const keys = await tx.select({ name, sealed }).from(signingKeys).where(isNotNull(sealed));
  const secrets = await tx.select({ name: sharedSecrets.name, sealed: sharedSecrets.sealed }).from(sharedSecrets);
  return [
    ...keys.map((row) => ({ kind: 'signing key' as const, name: row.name, sealed: row.sealed ?? '' })),
    ...secrets.map((row) => ({ kind: 'shared secret' as const, ...row })),
  ];
}

/** Only what is still as it was read: a running server may wipe a private key meanwhile, and it must stay wiped. */
async function reseal(tx: Transaction, { kind, name, sealed, was }: VaultChanges['resealed'][number]): Promise<number> {
  const written =
    kind === 'signing key'
      ? await tx
          .update(signingKeys)
          .set({ privateKey: sealed })
          .where(and(eq(signingKeys.kid, name), eq(signingKeys.privateKey, was)))
          .returning({ name: signingKeys.kid })
      : await tx
          .update(sharedSecrets)
          .set({ sealed })
          .where(and(eq(sharedSecrets.name, name), eq(sharedSecrets.sealed, was)))
          .returning({ name: sharedSecrets.name });
  return written.length;
}
