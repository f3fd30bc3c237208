import type { Tell } from '../oauth/event';
import type { ManagementStore, SecretCounts } from './management-store';
import { ENDING_MS } from './views';

/** Who uses a secret that ended this long ago or less is told so in the log; later it is a wrong secret like any other. */
const ENDED_KEPT_MS = 30 * 86_400_000;

/** Tells of each secret that enters its last days, once among all servers, removes those that ended long ago, and counts the rest. */
export async function maintain(
  store: Pick<ManagementStore, 'takeEnding' | 'pruneEnded' | 'countSecrets'>,
  nowMs: number,
  tell: Tell,
): Promise<SecretCounts> {
  await store.pruneEnded(new Date(nowMs - ENDED_KEPT_MS));
  for (const { clientId, secretId, label, expiresAt } of await store.takeEnding(
    new Date(nowMs),
    new Date(nowMs + ENDING_MS),
  )) {
    const details = { secret_id: secretId, label, expires_at: expiresAt.toISOString() };
    const event = { event: 'secret_expiring', outcome: 'success', actor: 'server', warning: true } as const;
    await tell({ ...event, clientId, details }, null);
  }
  return store.countSecrets(new Date(nowMs), new Date(nowMs + ENDING_MS));
}
