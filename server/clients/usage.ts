import { createInOrder } from '../../kit/in-order';

/** What was used how often since the last flush. Times are milliseconds since the epoch. */
export interface UsageBatch {
  readonly clients: readonly { readonly clientId: string; readonly tokens: number; readonly atMs: number }[];
  readonly secrets: readonly { readonly id: number; readonly atMs: number }[];
}

/** Counts authentications and issued tokens, without touching the database. */
export interface Usage {
  /** The client has authenticated, with the secret if it was by one. */
  used(clientId: string, secretId: number | null): void;
  /** Counts one issued token. */
  issued(clientId: string): void;
  /** Writes what was counted. What could not be written is kept for the next time. */
  flush(): Promise<void>;
}

/** Clients and secrets counted at a time, some 100 bytes each. More of them within one flush are not counted. */
const COUNTED_MAX = 100_000;

/** Rows of one statement: PostgreSQL takes 65,535 parameters, three of them a row. */
const BATCH_ROWS = 5_000;

/** Usage that `write` stores, one batch after another; each adds to what is there. */
export function createUsage(options: { write: (batch: UsageBatch) => Promise<void>; now: () => number }): Usage {
  const { write, now } = options;
  let clients = new Map<string, { tokens: number; atMs: number }>();
  let secrets = new Map<number, number>();
  const inOrder = createInOrder();

  const count = (clientId: string, tokens: number, atMs: number): void => {
    const counted = clients.get(clientId);
    if (counted !== undefined) {
      counted.tokens += tokens;
      counted.atMs = Math.max(counted.atMs, atMs);
    } else if (clients.size < COUNTED_MAX) clients.set(clientId, { tokens, atMs });
  };
  const see = (secretId: number, atMs: number): void => {
    if (secrets.has(secretId) || secrets.size < COUNTED_MAX) {
      secrets.set(secretId, Math.max(atMs, secrets.get(secretId) ?? 0));
    }
  };
  const flush = async (): Promise<void> => {
    const batches = batchesOf(clients, secrets);
    clients = new Map();
    secrets = new Map();
    for (const [at, batch] of batches.entries()) {
      try {
        await write(batch);
      } catch (error) {
        for (const unwritten of batches.slice(at)) {
          for (const { clientId, tokens, atMs } of unwritten.clients) count(clientId, tokens, atMs);
          for (const { id, atMs } of unwritten.secrets) see(id, atMs);
        }
        throw error;
      }
    }
  };
  return {
    used: (clientId, secretId) => {
      const atMs = now();
      count(clientId, 0, atMs);
      if (secretId !== null) see(secretId, atMs);
    },
    issued: (clientId) => count(clientId, 1, now()),
    flush: () => inOrder(flush),
  };
}

function batchesOf(
  clients: ReadonlyMap<string, { tokens: number; atMs: number }>,
  secrets: ReadonlyMap<number, number>,
): readonly UsageBatch[] {
  const clientRows = [...clients].map(([clientId, counted]) => ({ clientId, ...counted }));
  const secretRows = [...secrets].map(([id, atMs]) => ({ id, atMs }));
  const batches = Math.ceil(Math.max(clientRows.length, secretRows.length) / BATCH_ROWS);
  return Array.from({ length: batches }, (_, at) => ({
    clients: clientRows.slice(at * BATCH_ROWS, (at + 1) * BATCH_ROWS),
    secrets: secretRows.slice(at * BATCH_ROWS, (at + 1) * BATCH_ROWS),
  }));
}
