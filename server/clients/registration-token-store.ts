import { and, asc, eq, gt, isNull, lte, or, sql } from 'drizzle-orm';
import type { Rows } from '../../db/rows';
import { registrationTokens } from '../../db/schema';

/** A row of an initial access token. */
export type RegistrationTokenRow = typeof registrationTokens.$inferSelect;

/** Rows of initial access tokens. */
export interface RegistrationTokenStore {
  insert(token: typeof registrationTokens.$inferInsert): Promise<RegistrationTokenRow>;
  /** Oldest first, the ended ones too. */
  list(): Promise<readonly RegistrationTokenRow[]>;
  /** False when there is no such token. */
  remove(id: number): Promise<boolean>;
  /** The number of the token with this hash if it can be used now. */
  find(hash: string, now: Date): Promise<number | null>;
  /** Removes those that ended before then. */
  pruneEnded(before: Date): Promise<void>;
}

/** An initial access token that was good when it was shown and can be used no more. */
export class RegistrationTokenSpent extends Error {
  override readonly name = 'RegistrationTokenSpent';
}

const { id, hash, usesLeft, expiresAt } = registrationTokens;

const usable = (now: Date) => and(gt(expiresAt, now), or(isNull(usesLeft), gt(usesLeft, 0)));

/** Takes one use of a token within the transaction that registers by it; of two at once at most one takes the last. @throws RegistrationTokenSpent */
export async function spendRegistrationToken(tx: Rows, wanted: number, now: Date): Promise<void> {
  const taken = await tx
    .update(registrationTokens)
    .set({ usesLeft: sql`${usesLeft} - 1`, lastUsedAt: now })
    .where(and(eq(id, wanted), usable(now)))
    .returning({ id });
  if (taken.length === 0) throw new RegistrationTokenSpent();
}

/** Initial access tokens in the database. */
export function createRegistrationTokenStore(rows: Rows): RegistrationTokenStore {
  return {
    insert: async (token) => {
      const [row] = await rows.insert(registrationTokens).values(token).returning();
      if (row === undefined) throw new Error('a registration token was not stored');
      return row;
    },
    list: () => rows.select().from(registrationTokens).orderBy(asc(id)),
    remove: async (wanted) => {
      const removed = await rows.delete(registrationTokens).where(eq(id, wanted)).returning({ id });
      return removed.length > 0;
    },
    find: async (wanted, now) => {
      const [row] = await rows
        .select({ id })
        .from(registrationTokens)
        .where(and(eq(hash, wanted), usable(now)));
      return row?.id ?? null;
    },
    pruneEnded: async (before) => {
      await rows.delete(registrationTokens).where(lte(expiresAt, before));
    },
  };
}
