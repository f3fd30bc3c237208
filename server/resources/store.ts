import { eq, inArray, sql } from 'drizzle-orm';
import type { Rows } from '../../db/rows';
import { clients, deletedClients, resources } from '../../db/schema';

/** A resource server as its row says; `identifier` is the one inside (see oauth/resource.ts). */
export interface StoredResource {
  readonly id: number;
  readonly identifier: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly introspectionClients: readonly string[];
  readonly createdAt: Date;
}

/** What may change of a resource. */
export interface StoredChange {
  readonly name?: string;
  readonly scopes?: readonly string[];
  readonly introspectionClients?: readonly string[];
}

/** Rows of resource servers, and what clients were granted of them. */
export interface ResourceStore {
  /** All, by id. */
  all(): Promise<readonly StoredResource[]>;
  /** @returns null when the identifier is taken. */
  insert(resource: Omit<StoredResource, 'id'>): Promise<StoredResource | null>;
  /** Changes it, and takes scopes that it no longer has from every client. @returns null when there is none. */
  update(id: number, change: StoredChange): Promise<StoredResource | null>;
  /** Removes it, and takes it from every client. @returns false when there is none. */
  remove(id: number): Promise<boolean>;
  /** Those of the ids that somebody could still register: no client has one of them, or ever had. */
  freeIds(clientIds: readonly string[]): Promise<readonly string[]>;
}

/** Resource servers in the database. */
export function createResourceStore(rows: Rows): ResourceStore {
  return {
    all: () => rows.select().from(resources).orderBy(resources.id),
    insert: async ({ scopes, introspectionClients, ...rest }) => {
      const values = { ...rest, scopes: [...scopes], introspectionClients: [...introspectionClients] };
      const inserted = await rows.insert(resources).values(values).onConflictDoNothing().returning();
      return inserted[0] ?? null;
    },
    update: (id, { name, scopes, introspectionClients }) =>
      rows.transaction(async (tx) => {
        const values = {
          ...(name !== undefined && { name }),
          ...(scopes !== undefined && { scopes: [...scopes] }),
          ...(introspectionClients !== undefined && { introspectionClients: [...introspectionClients] }),
        };
        const [updated] =
          Object.keys(values).length === 0
            ? await tx.select().from(resources).where(eq(resources.id, id))
            : await tx.update(resources).set(values).where(eq(resources.id, id)).returning();
        if (updated !== undefined && scopes !== undefined) await takeScopes(tx, updated);
        return updated ?? null;
      }),
    remove: (id) =>
      rows.transaction(async (tx) => {
        const [removed] = await tx.delete(resources).where(eq(resources.id, id)).returning();
        if (removed === undefined) return false;
        const { identifier } = removed;
        await tx
          .update(clients)
          .set({ grants: sql`${clients.grants} - ${identifier}::text` })
          .where(granted(identifier));
        return true;
      }),
    freeIds: async (clientIds) => {
      const ids = [...clientIds];
      const { clientId } = clients;
      const there = await rows.select({ clientId }).from(clients).where(inArray(clientId, ids));
      const gone = await rows.select().from(deletedClients).where(inArray(deletedClients.clientId, ids));
      const taken = new Set([...there, ...gone].map((row) => row.clientId));
      return ids.filter((id) => !taken.has(id));
    },
  };
}

function granted(identifier: string) {
  return sql`${clients.grants} ? ${identifier}::text`;
}

/** Leaves every client, of what it was granted for the resource, the scopes that the resource has; only rows that differ are written. */
async function takeScopes(tx: Pick<Rows, 'update'>, { identifier, scopes }: StoredResource): Promise<void> {
  const kept = sql`(select jsonb_agg(scope) from jsonb_array_elements(${clients.grants} -> ${identifier}::text) as scope
    where ${JSON.stringify(scopes)}::jsonb @> scope)`;
  const grants = sql`case when ${kept} is null then ${clients.grants} - ${identifier}::text
    else jsonb_set(${clients.grants}, array[${identifier}::text], ${kept}) end`;
  await tx
    .update(clients)
    .set({ grants })
    .where(
      sql`${granted(identifier)} and not (${JSON.stringify(scopes)}::jsonb @> (${clients.grants} -> ${identifier}::text))`,
    );
}
