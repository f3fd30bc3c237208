import { gt, lte, sql } from 'drizzle-orm';
import type { Rows } from '../../db/connect';
import { revokedTokens, signingKeys } from '../../db/schema';

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

/** A revoked token; its row goes when the token would have ended. */
export interface RevokedToken {
  readonly jti: string;
  readonly expiresAt: Date;
}

/** Rows of revoked tokens. */
export interface RevocationStore {
  /** Does nothing when it is there already. */
  insert(jti: string, expiresAt: Date): Promise<void>;
  /** Those whose tokens have not ended. */
  live(now: Date): Promise<readonly RevokedToken[]>;
  /** Removes those whose tokens have ended. */
  prune(now: Date): Promise<void>;
}

/** Revoked tokens in the database. */
export function createRevocationStore(rows: Rows): RevocationStore {
  return {
    insert: async (jti, expiresAt) => {
      await rows.insert(revokedTokens).values({ jti, expiresAt }).onConflictDoNothing();
    },
    live: (now) => rows.select().from(revokedTokens).where(gt(revokedTokens.expiresAt, now)),
    prune: async (now) => {
      await rows.delete(revokedTokens).where(lte(revokedTokens.expiresAt, now));
    },
  };
}
