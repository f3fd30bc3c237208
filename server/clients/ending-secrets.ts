import type { Tell } from '../oauth/event';
import type { SecretCounts } from './ending-store';
import type { ManagementStore } from './management-store';
import { endingAt } from './views';

/** Who uses a secret that ended this long ago or less is told so in the log; later it is a wrong secret like any other. */
const ENDED_KEPT_MS = 30 * 86_400_000;

/** Tells of each secret that enters its last days and is missed then, once among all servers, removes those that ended long ago, and counts the rest. */
export async function maintain(
  store: Pick<ManagementStore, 'takeEnding' | 'pruneEnded' | 'countSecrets'>,
  nowMs: number,
  tell: Tell,
): Promise<SecretCounts> {
  await store.pruneEnded(new Date(nowMs - ENDED_KEPT_MS));
  const span = endingAt(nowMs);
  for (const { clientId, secretId, label, expiresAt, lastUsedAt } of await store.takeEnding(span)) {
    const times = { expires_at: expiresAt.toISOString(), last_used_at: lastUsedAt?.toISOString() ?? null };
    const event = { event: 'secret_expiring', outcome: 'success', actor: 'server', warning: true } as const;
    await tell({ ...event, clientId, details: { secret_id: secretId, label, ...times } }, null);
  }
  return store.countSecrets(span);
}
