// Clients of every kind, as rows.
import { randomUUID } from 'node:crypto';
import type { Database } from '../../db/connect';
import { clients } from '../../db/schema';

/** Inserts a client without a secret. @returns its id. */
export async function insertClient(
  database: Database,
  more: Omit<typeof clients.$inferInsert, 'clientId' | 'appName'>,
): Promise<string> {
  const clientId = `client-${randomUUID()}`;
  await database.rows.insert(clients).values({ clientId, appName: 'Tests', ...more });
  return clientId;
}
