import type { Services } from './services';

/** Those who are asked at every scrape. */
export type Watched = Pick<
  Services,
  'metrics' | 'audit' | 'limits' | 'clients' | 'keyring' | 'revocations' | 'accessTokens' | 'databaseReachable'
>;

/** What the metrics ask at every scrape; all of it is in memory. */
export function watchServices(services: Watched, now: () => number): void {
  const { metrics, audit, limits, clients, keyring, revocations, accessTokens, databaseReachable } = services;
  metrics.watch('client_secrets', () => {
    const counts = clients.secretCounts();
    return counts === null ? null : { live: counts.live, ending: counts.ending, ended: counts.ended };
  });
  metrics.watch('client_secret_next_expiry_seconds', () => {
    const next = clients.secretCounts()?.nextEnd ?? null;
    return next === null ? null : Math.max(0, (next.getTime() - now()) / 1000);
  });
  metrics.watch('signing_keys', () => {
    const counts: Record<string, number> = { next: 0, active: 0, retiring: 0, revoked: 0 };
    for (const { state } of keyring.list()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  });
  metrics.watch('audit_queue_length', () => audit.state().queued);
  metrics.watch('audit_events_lost_total', () => audit.state().lost);
  metrics.watch('audit_head_seq', () => audit.state().headSeq);
  metrics.watch('audit_intact', () => Number(audit.state().intact));
  metrics.watch('revoked_tokens_held', revocations.size);
  metrics.watch('remembered_tokens', accessTokens.remembered);
  metrics.watch('limit_keys', limits.sizes);
  metrics.watch('database_reachable', () => Number(databaseReachable()));
}
