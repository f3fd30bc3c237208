import { sql } from 'drizzle-orm';
import type { Rows } from '../../db/connect';
import { signingKeys } from '../../db/schema';

/** A signing key as it rests: the private part encrypted. */
export interface StoredKey {
  readonly kid: string;
  readonly alg: string;
  readonly publicJwk: Record<string, unknown>;
  /** Null once the key no longer signs. */
  readonly privateKey: string | null;
}

/** Rows of signing keys. */
export interface KeyStore {
  all(): Promise<readonly StoredKey[]>;
  /** Keeps the key if there is none yet. @returns the keys there are afterwards; several servers may start at once. */
  insertFirst(key: StoredKey): Promise<readonly StoredKey[]>;
}

/** Any number that no other part of the schema locks. */
const FIRST_KEY_LOCK = 7_262_001;

/** Signing keys in the database, oldest first. */
export function createKeyStore(rows: Rows): KeyStore {
  const all = (from: Pick<Rows, 'select'>): Promise<StoredKey[]> =>
    from.select().from(signingKeys).orderBy(signingKeys.createdAt);
  return {
    all: () => all(rows),
    insertFirst: (key) =>
      rows.transaction(async (tx) => {
        await tx.select({ locked: sql`pg_advisory_xact_lock(${FIRST_KEY_LOCK})` }).from(sql`(values (1)) as once`);
        const there = await all(tx);
        if (there.length > 0) return there;
        await tx.insert(signingKeys).values(key);
        return all(tx);
      }),
  };
}
