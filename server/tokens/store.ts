import { eq, gt, lte } from 'drizzle-orm';
import { holdLock } from '../../db/locks';
import type { Rows } from '../../db/rows';
import { revokedTokens, signingKeys } from '../../db/schema';

/** A signing key as it rests: the private part encrypted. */
export interface StoredKey {
  readonly kid: string;
  readonly alg: string;
  readonly publicJwk: Record<string, unknown>;
  /** Null once the key no longer signs. */
  readonly privateKey: string | null;
  readonly createdAt: Date;
  readonly activeFrom: Date;
  readonly retiredAt: Date | null;
  readonly revokedAt: Date | null;
}

/** A table before and after a change. */
export interface KeyTables {
  readonly before: readonly StoredKey[];
  readonly after: readonly StoredKey[];
}

/** Rows of signing keys. */
export interface KeyStore {
  all(): Promise<readonly StoredKey[]>;
  /** Turns the whole table into another one, in one transaction that no other server is in. What `turn` throws leaves it as it was. */
  change(turn: (keys: readonly StoredKey[]) => readonly StoredKey[]): Promise<KeyTables>;
}

type Writer = Pick<Rows, 'insert' | 'update' | 'delete'>;

/** Signing keys in the database, oldest first. */
export function createKeyStore(rows: Rows): KeyStore {
  const all = (from: Pick<Rows, 'select'>): Promise<StoredKey[]> =>
    from.select().from(signingKeys).orderBy(signingKeys.activeFrom, signingKeys.kid);
  return {
    all: () => all(rows),
    change: (turn) =>
      rows.transaction(async (tx) => {
        await holdLock(tx, 'keys');
        const before = await all(tx);
        const after = turn(before);
        await write(tx, { before, after });
        return { before, after };
      }),
  };
}

async function write(tx: Writer, { before, after }: KeyTables): Promise<void> {
  for (const { kid } of before) {
    if (!after.some((key) => key.kid === kid)) await tx.delete(signingKeys).where(eq(signingKeys.kid, kid));
  }
  for (const key of after) {
    const was = before.find(({ kid }) => kid === key.kid);
    if (was === undefined) await tx.insert(signingKeys).values(key);
    else if (was !== key) await tx.update(signingKeys).set(changesOf(was, key)).where(eq(signingKeys.kid, key.kid));
  }
}

/** The times; the private key only when it goes, since it may have been encrypted anew meanwhile. */
function changesOf(was: StoredKey, { activeFrom, retiredAt, revokedAt, privateKey }: StoredKey) {
  const wiped = was.privateKey !== null && privateKey === null;
  return { activeFrom, retiredAt, revokedAt, ...(wiped ? { privateKey } : {}) };
}

/** A revoked token; its row goes some time after the token would have ended. */
export interface RevokedToken {
  readonly jti: string;
  readonly expiresAt: Date;
}

/** Rows of revoked tokens. */
export interface RevocationStore {
  /** Does nothing when it is there already. */
  insert(jti: string, expiresAt: Date): Promise<void>;
  /** Those whose tokens end later than this. */
  endingAfter(moment: Date): Promise<readonly RevokedToken[]>;
  /** Removes all others. */
  prune(moment: Date): Promise<void>;
}

/** Revoked tokens in the database. */
export function createRevocationStore(rows: Rows): RevocationStore {
  return {
    insert: async (jti, expiresAt) => {
      await rows.insert(revokedTokens).values({ jti, expiresAt }).onConflictDoNothing();
    },
    endingAfter: (moment) => rows.select().from(revokedTokens).where(gt(revokedTokens.expiresAt, moment)),
    prune: async (moment) => {
      await rows.delete(revokedTokens).where(lte(revokedTokens.expiresAt, moment));
    },
  };
}
