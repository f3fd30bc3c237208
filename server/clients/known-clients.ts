import { createBoundedMap } from '../../kit/bounded-map';

/** Rows of clients in memory, dropped with any change of them. */
export interface KnownClients<C> {
  /** The client as it is remembered, or null. */
  recall(clientId: string): C | null;
  /** The client as its row says, or null; always one query, so that the time does not tell who is there. */
  find(clientId: string): Promise<C | null>;
  /** Drops one client, or all (null). */
  forget(clientId: string | null): void;
}

/**
 * Clients that authenticate without a secret have nothing else that could be remembered of them. `max` clients; beyond it
 * the oldest goes. A row that was being read when something was forgotten is not remembered.
 */
export function createKnownClients<C>(options: {
  readonly max: number;
  readonly find: (clientId: string) => Promise<C | null>;
}): KnownClients<C> {
  const known = createBoundedMap<string, C>(options.max);
  let forgotten = 0;
  return {
    recall: (clientId) => known.get(clientId) ?? null,
    find: async (clientId) => {
      const ticket = forgotten;
      const found = await options.find(clientId);
      if (found === null || ticket !== forgotten) return found;
      known.set(clientId, found);
      return found;
    },
    forget: (clientId) => {
      forgotten += 1;
      if (clientId === null) known.clear();
      else known.delete(clientId);
    },
  };
}
