import { eq, gt, isNotNull, sql } from 'drizzle-orm';
import { sqlState } from '../../db/faults';
import { holdLock } from '../../db/locks';
import type { Rows } from '../../db/rows';
import { type AuthMethod, clientSecrets, clients, deletedClients, type Grants, type TlsSubject } from '../../db/schema';
import { isClientId } from '../oauth/client';
import { RATES_RESOURCE, RATES_SCOPE } from '../oauth/resource';
import type { UsageBatch } from './usage';

/** Public keys of a client (RFC 7517 §5). */
export interface ClientKeys {
  readonly keys: readonly Record<string, unknown>[];
}

/** A client as its row says. `epoch` is carried in its tokens; those with a lower one are dead. */
export interface Client {
  readonly id: number;
  readonly clientId: string;
  readonly isActive: boolean;
  readonly epoch: number;
  readonly grants: Grants;
  readonly authMethod: AuthMethod;
  readonly jwks: ClientKeys | null;
  readonly jwksUri: string | null;
  readonly tlsSubject: TlsSubject | null;
  readonly dpopBound: boolean;
  readonly certificateBound: boolean;
  /** Its own limit at the token endpoint, such as `20/s`; null: the server's. */
  readonly limitToken: string | null;
}

/** A secret as it is compared with. */
export interface StoredSecret {
  readonly id: number;
  readonly hash: string;
  readonly expiresAtMs: number | null;
}

/** A client with its secrets, the ended ones too. */
export interface ClientWithSecrets {
  readonly client: Client;
  readonly secrets: readonly StoredSecret[];
}

/** Rows of clients: what authentication and the running server need. */
export interface ClientStore {
  /** True when the id is taken or was. */
  exists(clientId: string): Promise<boolean>;
  find(clientId: string): Promise<Client | null>;
  findWithSecrets(clientId: string): Promise<ClientWithSecrets | null>;
  /** Clients whose older tokens are dead, by client id. */
  raisedEpochs(): Promise<ReadonlyMap<string, number>>;
  deletedSince(since: Date): Promise<readonly string[]>;
  /** `limit_api` of those who have one, by client id. */
  ownLimits(): Promise<ReadonlyMap<string, string>>;
  addUsage(batch: UsageBatch): Promise<void>;
}

/** What comes back for a client that there is not, so that the answer is as long to send and to read: the time must not tell. */
const DECOY_GRANTS = JSON.stringify({ [RATES_RESOURCE]: [RATES_SCOPE] });
const DECOY_HASH = `sha256:${'x'.repeat(43)}`;

/** Columns of a client; `id` 0 for one that there is not. */
const CLIENT = {
  id: sql<number>`coalesce(${clients.id}, 0)`,
  clientId: sql<string>`wanted.client_id`,
  isActive: sql<boolean>`coalesce(${clients.isActive}, false)`,
  epoch: sql<number>`coalesce(${clients.epoch}, 0)`,
  grants: sql<Grants>`coalesce(${clients.grants}, ${sql.raw(`'${DECOY_GRANTS}'`)}::jsonb)`.mapWith(clients.grants),
  authMethod: sql<AuthMethod>`coalesce(${clients.authMethod}, 'client_secret_basic')`,
  jwks: clients.jwks,
  jwksUri: clients.jwksUri,
  tlsSubject: clients.tlsSubject,
  dpopBound: sql<boolean>`coalesce(${clients.dpopBound}, false)`,
  certificateBound: sql<boolean>`coalesce(${clients.certificateBound}, false)`,
  limitToken: clients.limitToken,
};

const SECRETS = sql<readonly StoredSecret[]>`(
  select jsonb_agg(jsonb_build_object('id', id, 'hash', hash,
    'expiresAtMs', round(extract(epoch from expires_at) * 1000)) order by id)
  from (
    select id, hash, expires_at from client_secrets where client = coalesce(${clients.id}, 0)
    union all
    select 0, ${sql.raw(`'${DECOY_HASH}'`)}, null where ${clients.id} is null
  ) as secrets)`.mapWith((value: string | readonly StoredSecret[]): readonly StoredSecret[] =>
  typeof value === 'string' ? JSON.parse(value) : value,
);

/** One row comes back whether there is such a client or not. What can be no id may be no text of the database either. */
const wanted = (clientId: string) => sql`(select ${isClientId(clientId) ? clientId : ''}::text as client_id) as wanted`;
const isWanted = eq(clients.clientId, sql`wanted.client_id`);

/** Clients in the database. */
export function createClientStore(rows: Rows): ClientStore {
  return {
    exists: async (clientId) => {
      const isTaken = sql<boolean>`exists (select from clients where client_id = ${clientId})
        or exists (select from deleted_clients where client_id = ${clientId})`;
      const [found] = await rows.select({ isTaken }).from(sql`(select 1) as one`);
      return found?.isTaken === true;
    },
    find: async (clientId) => {
      const [client] = await rows.select(CLIENT).from(wanted(clientId)).leftJoin(clients, isWanted);
      return client === undefined || client.id === 0 ? null : client;
    },
    findWithSecrets: async (clientId) => {
      const columns = { ...CLIENT, secrets: SECRETS };
      const [found] = await rows.select(columns).from(wanted(clientId)).leftJoin(clients, isWanted);
      if (found === undefined || found.id === 0) return null;
      const { secrets, ...client } = found;
      return { client, secrets };
    },
    raisedEpochs: async () => {
      const { clientId, epoch } = clients;
      const raised = await rows.select({ clientId, epoch }).from(clients).where(gt(epoch, 0));
      return new Map(raised.map((row) => [row.clientId, row.epoch]));
    },
    deletedSince: async (since) => {
      const gone = await rows.select().from(deletedClients).where(gt(deletedClients.deletedAt, since));
      return gone.map(({ clientId }) => clientId);
    },
    ownLimits: async () => {
      const { clientId, limitApi } = clients;
      const own = await rows.select({ clientId, limitApi }).from(clients).where(isNotNull(limitApi));
      return new Map(own.map((row) => [row.clientId, row.limitApi ?? '']));
    },
    addUsage: (batch) => addUsage(rows, batch),
  };
}

/** The result of an insert, or null when another took the id, or gave it up for ever, at the same moment. */
export async function unlessTaken<T>(insert: () => Promise<T>): Promise<T | null> {
  try {
    return await insert();
  } catch (error) {
    if (sqlState(error) === UNIQUE_VIOLATION) return null;
    throw error;
  }
}

const UNIQUE_VIOLATION = '23505';

function addUsage(rows: Rows, { clients: used, secrets }: UsageBatch): Promise<void> {
  return rows.transaction(async (tx) => {
    // Two batches that take the same rows in different orders would wait for each other for ever.
    await holdLock(tx, 'usage');
    if (used.length > 0) {
      const values = used.map(({ clientId, tokens, atMs }) => sql`(${clientId}::text, ${tokens}::bigint, ${at(atMs)})`);
      await tx
        .update(clients)
        .set({
          tokensIssued: sql`${clients.tokensIssued} + used.tokens`,
          lastUsedAt: sql`greatest(${clients.lastUsedAt}, used.at)`,
        })
        .from(sql`(values ${sql.join(values, sql`, `)}) as used (client_id, tokens, at)`)
        .where(eq(clients.clientId, sql`used.client_id`));
    }
    if (secrets.length > 0) {
      const values = secrets.map(({ id, atMs }) => sql`(${id}::integer, ${at(atMs)})`);
      await tx
        .update(clientSecrets)
        .set({ lastUsedAt: sql`greatest(${clientSecrets.lastUsedAt}, used.at)` })
        .from(sql`(values ${sql.join(values, sql`, `)}) as used (id, at)`)
        .where(eq(clientSecrets.id, sql`used.id`));
    }
  });
}

const at = (ms: number) => sql`${new Date(ms).toISOString()}::timestamptz`;
