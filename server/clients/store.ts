import { eq, gt } from 'drizzle-orm';
import type { Rows } from '../../db/connect';
import { clientSecrets, clients } from '../../db/schema';

/** A client as its row says. `epoch` is carried in its tokens; those with a lower one are dead. */
export interface Client {
  readonly id: number;
  readonly clientId: string;
  readonly isActive: boolean;
  readonly epoch: number;
  readonly scopes: readonly string[];
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
  const columns = {
    id: clients.id,
    clientId: clients.clientId,
    isActive: clients.isActive,
    epoch: clients.epoch,
    scopes: clients.scopes,
    secretId: clientSecrets.id,
    secretHash: clientSecrets.hash,
  };
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
      const found = await rows
        .select(columns)
        .from(clients)
        .innerJoin(clientSecrets, eq(clientSecrets.client, clients.id))
        .where(eq(clients.clientId, clientId))
        .limit(1);
      return found[0] ?? null;
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
