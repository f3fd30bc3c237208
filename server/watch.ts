import type { Services } from './services';

/** What the metrics ask at every scrape. */
export function watchServices(
  services: Pick<Services, 'metrics' | 'audit' | 'limits' | 'keyring' | 'databaseReachable'>,
): void {
  const { metrics, audit, limits, keyring, databaseReachable } = services;
  metrics.watch('audit_queue_length', () => audit.state().queued);
  metrics.watch('audit_events_lost_total', () => audit.state().lost);
  metrics.watch('audit_head_seq', () => audit.state().headSeq);
  metrics.watch('audit_intact', () => Number(audit.state().intact));
  metrics.watch('limit_keys', limits.sizes);
  metrics.watch('database_reachable', () => Number(databaseReachable()));
  metrics.watch('signing_keys', async () => countByState(await keyring.list()));
}

function countByState(all: readonly { readonly state: string }[]): Record<string, number> {
  const groups = Map.groupBy(all, ({ state }) => state);
  return Object.fromEntries([...groups].map(([state, { length }]) => [state, length]));
}
