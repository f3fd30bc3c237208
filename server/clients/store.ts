import { eq, gt, sql } from 'drizzle-orm';
import type { Rows } from '../../db/connect';
import { clientSecrets, clients, type Grants } from '../../db/schema';

/** A client as its row says. `epoch` is carried in its tokens; those with a lower one are dead. */
export interface Client {
  readonly id: number;
  readonly clientId: string;
  readonly isActive: boolean;
  readonly epoch: number;
  readonly grants: Grants;
  readonly dpopBound: boolean;
  readonly certificateBound: boolean;
  readonly limitToken: string | null;
}

/** A client with the secret it chose at registration. */
export interface ClientWithSecret extends Client {
  readonly secretId: number;
  readonly secretHash: string;
}

/** Rows of clients and their secrets. */
export interface ClientStore {
  /** @returns the number of the new row, or null when the id is taken. */
  insert(client: { clientId: string; appName: string; secretHash: string }): Promise<number | null>;
  exists(clientId: string): Promise<boolean>;
  find(clientId: string): Promise<ClientWithSecret | null>;
  /** Clients whose older tokens are dead, by client id. */
  raisedEpochs(): Promise<ReadonlyMap<string, number>>;
}

/** Clients in the database. */
export function createClientStore(rows: Rows): ClientStore {
  const { id, clientId: name, isActive, epoch, grants, dpopBound, certificateBound, limitToken } = clients;
  const client = { id, clientId: name, isActive, epoch, grants, dpopBound, certificateBound, limitToken };
  const secret = { secretId: clientSecrets.id, secretHash: clientSecrets.hash };
  return {
    insert: ({ clientId, appName, secretHash }) =>
      rows.transaction(async (tx) => {
        const inserted = await tx
          .insert(clients)
          .values({ clientId, appName })
          .onConflictDoNothing()
          .returning({ id: clients.id });
        const row = inserted[0];
        if (row === undefined) return null;
        await tx.insert(clientSecrets).values({ client: row.id, hash: secretHash });
        return row.id;
      }),
    exists: async (clientId) => {
      const found = await rows.select({ id: clients.id }).from(clients).where(eq(clients.clientId, clientId)).limit(1);
      return found.length > 0;
    },
    find: async (clientId) => {
      // One row comes back whether there is such a client or not: the time must not tell.
      const [found] = await rows
        .select({ client, secret })
        .from(sql`(select ${clientId}::text as client_id) as wanted`)
        .leftJoin(clients, eq(clients.clientId, sql`wanted.client_id`))
        .leftJoin(clientSecrets, eq(clientSecrets.client, clients.id))
        .limit(1);
      return found?.client && found.secret ? { ...found.client, ...found.secret } : null;
    },
    raisedEpochs: async () => {
      const raised = await rows
        .select({ clientId: clients.clientId, epoch: clients.epoch })
        .from(clients)
        .where(gt(clients.epoch, 0));
      return new Map(raised.map(({ clientId, epoch }) => [clientId, epoch]));
    },
  };
}
