import { and, asc, eq, gt, inArray, isNull, lte, or, sql } from 'drizzle-orm';
import type { Rows } from '../../db/rows';
import { clientSecrets, clients } from '../../db/schema';
import { isClientId } from '../oauth/client';
import { countSecrets, type EndingSecret, type SecretCounts, type Span, takeEnding } from './ending-store';
import { isListed, type ListQuery } from './list-store';
import { spendRegistrationToken } from './registration-token-store';
import { unlessTaken } from './store';

/** A whole row of a client. */
export type ClientRow = typeof clients.$inferSelect;

/** A whole row of a secret. */
export type SecretRow = typeof clientSecrets.$inferSelect;

/** A row to be. */
export type NewClientRow = typeof clients.$inferInsert;

/** A secret to be, of a client that is known. */
export type NewSecretRow = Omit<typeof clientSecrets.$inferInsert, 'client'>;

/** What may be set on a client. */
export type ClientChanges = Partial<
  Pick<
    NewClientRow,
    | 'appName'
    | 'authMethod'
    | 'grants'
    | 'jwks'
    | 'jwksUri'
    | 'tlsSubject'
    | 'dpopBound'
    | 'certificateBound'
    | 'limitApi'
    | 'limitToken'
    | 'metadata'
    | 'isActive'
  >
>;

/** A client with all its secrets, oldest first. */
export interface WholeClient {
  readonly client: ClientRow;
  readonly secrets: readonly SecretRow[];
}

/** A client before and after a change. */
export interface ChangedClient {
  readonly before: WholeClient;
  readonly after: WholeClient;
}

/** What is done to the secrets of one client at once. */
export interface SecretChanges {
  readonly add: NewSecretRow | null;
  /** These end then at the latest. */
  readonly end: { readonly ids: readonly number[]; readonly at: Date } | null;
  readonly remove: readonly number[];
}

/** An initial access token (RFC 7591 §3), and when it is used. */
export interface Redeemed {
  readonly id: number;
  readonly at: Date;
}

/** Rows of clients as they are managed. */
export interface ManagementStore {
  /**
   * With its secret and one use of the initial access token by which it is registered, or not at all. @returns null when the id is
   * taken or was. @throws RegistrationTokenSpent
   */
  create(client: NewClientRow, secret: NewSecretRow | null, token: Redeemed | null): Promise<WholeClient | null>;
  read(clientId: string): Promise<WholeClient | null>;
  /** In the order of their ids. */
  list(query: ListQuery): Promise<readonly WholeClient[]>;
  /** Nobody else changes the client while `decide` looks at it. What `decide` throws is thrown, and nothing is changed. */
  change(
    clientId: string,
    decide: (whole: WholeClient) => { readonly set?: ClientChanges; readonly secrets?: SecretChanges },
  ): Promise<ChangedClient | null>;
  /** Makes all its tokens dead. */
  raiseEpoch(clientId: string): Promise<WholeClient | null>;
  /** False when there is no such client. */
  remove(clientId: string): Promise<boolean>;
  /** Marks the secrets that are ending in the span, each once, and gives those it marked. */
  takeEnding(span: Span): Promise<readonly EndingSecret[]>;
  countSecrets(span: Span): Promise<SecretCounts>;
  /** Removes the secrets that ended before then. */
  pruneEnded(before: Date): Promise<void>;
}

type Selecting = Pick<Rows, 'select'>;

/** Managed clients in the database. */
export function createManagementStore(rows: Rows): ManagementStore {
  return {
    create: (client, secret, token) =>
      unlessTaken(() =>
        rows.transaction(async (tx) => {
          const [row] = await tx.insert(clients).values(client).onConflictDoNothing().returning();
          if (row === undefined) return null;
          if (token !== null) await spendRegistrationToken(tx, token.id, token.at);
          if (secret === null) return { client: row, secrets: [] };
          const secrets = await tx
            .insert(clientSecrets)
            .values({ ...secret, client: row.id })
            .returning();
          return { client: row, secrets };
        }),
      ),
    read: (clientId) => readWhole(rows, isCalled(clientId)),
    list: async (query) => {
      const wanted = isListed(rows, query);
      const found = await rows.select().from(clients).where(wanted).orderBy(asc(clients.clientId)).limit(query.limit);
      return withSecrets(rows, found);
    },
    change: (clientId, decide) =>
      rows.transaction(async (tx) => {
        const [client] = await tx.select().from(clients).where(isCalled(clientId)).for('update');
        if (client === undefined) return null;
        const before = { client, secrets: await secretsOf(tx, client.id) };
        const { set, secrets } = decide(before);
        if (set !== undefined && Object.keys(set).length > 0) {
          await tx.update(clients).set(set).where(eq(clients.id, client.id));
        }
        if (secrets !== undefined) await changeSecrets(tx, client.id, secrets);
        const after = await readWhole(tx, eq(clients.id, client.id));
        return after === null ? null : { before, after };
      }),
    raiseEpoch: (clientId) =>
      rows.transaction(async (tx) => {
        const wanted = isCalled(clientId);
        await tx
          .update(clients)
          .set({ epoch: sql`${clients.epoch} + 1` })
          .where(wanted);
        return readWhole(tx, wanted);
      }),
    remove: async (clientId) => {
      const removed = await rows.delete(clients).where(isCalled(clientId)).returning({ id: clients.id });
      return removed.length > 0;
    },
    takeEnding: (span) => takeEnding(rows, span),
    countSecrets: (span) => countSecrets(rows, span),
    pruneEnded: async (before) => {
      await rows.delete(clientSecrets).where(lte(clientSecrets.expiresAt, before));
    },
  };
}

/** What can be no id may be no text of the database either, so it is not asked for. */
function isCalled(clientId: string): ReturnType<typeof eq> {
  return eq(clients.clientId, isClientId(clientId) ? clientId : '');
}

async function readWhole(rows: Selecting, wanted: ReturnType<typeof eq>): Promise<WholeClient | null> {
  const [client] = await rows.select().from(clients).where(wanted);
  // Asked for in any case: whoever shows a wrong registration token must not learn from the time whether there is the client.
  const secrets = await secretsOf(rows, client?.id ?? 0);
  return client === undefined ? null : { client, secrets };
}

function secretsOf(rows: Selecting, client: number): Promise<SecretRow[]> {
  return rows.select().from(clientSecrets).where(eq(clientSecrets.client, client)).orderBy(asc(clientSecrets.id));
}

async function withSecrets(rows: Selecting, found: readonly ClientRow[]): Promise<WholeClient[]> {
  if (found.length === 0) return [];
  const ids = found.map(({ id }) => id);
  const { client: owner, id } = clientSecrets;
  const secrets = await rows.select().from(clientSecrets).where(inArray(owner, ids)).orderBy(asc(id));
  const byClient = Map.groupBy(secrets, ({ client }) => client);
  return found.map((client) => ({ client, secrets: byClient.get(client.id) ?? [] }));
}

async function changeSecrets(tx: Rows, client: number, { add, end, remove }: SecretChanges): Promise<void> {
  const { id, expiresAt, client: owner } = clientSecrets;
  const among = (ids: readonly number[]) => and(eq(owner, client), inArray(id, [...ids]));
  if (remove.length > 0) await tx.delete(clientSecrets).where(among(remove));
  if (end !== null && end.ids.length > 0) {
    // What ends earlier is told of anew; what had that end already stays as it is.
    const later = or(isNull(expiresAt), gt(expiresAt, end.at));
    const earlier = { expiresAt: end.at, warnedAt: null };
    await tx
      .update(clientSecrets)
      .set(earlier)
      .where(and(among(end.ids), later));
  }
  if (add !== null) await tx.insert(clientSecrets).values({ ...add, client });
}
