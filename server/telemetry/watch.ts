import type { Metrics, Reading } from './metrics';

/** Those who are asked at every scrape; all they say is in memory. */
export interface Observed {
  readonly clients: {
    /** Null: not counted yet. */
    secretCounts(): {
      readonly live: number;
      readonly ending: number;
      readonly replaced: number;
      readonly ended: number;
      readonly nextEnd: Date | null;
    } | null;
  };
  readonly keyring: { list(): readonly { readonly state: string; readonly active_from: string }[] };
  readonly audit: {
    state(): { readonly queued: number; readonly lost: number; readonly headSeq: number; readonly intact: boolean };
  };
  readonly revocations: { size(): number };
  readonly accessTokens: { remembered(): number; readings(): Reading };
  readonly feed: { snapshot(): { readonly seq: number; readonly tickedAtMs: number | null } };
  readonly ticker: { made(): number };
  readonly connections: () => Reading;
  readonly limits: { sizes(): Reading };
  readonly streams: { counts(): Reading };
  /** Null: prices are made here. */
  readonly source: { state(): { readonly ageSeconds: number | null; readonly live: boolean } | null };
  /** Null: nothing is shared. */
  readonly redis: { up(): boolean } | null;
  readonly databaseReachable: () => boolean;
  /** Milliseconds since the epoch; null: plain http, or nobody listens yet. */
  readonly certificateEndsMs: () => number | null;
}

/** Has the metrics ask them at every scrape. */
export function watchServices(metrics: Pick<Metrics, 'watch'>, observed: Observed, now: () => number): void {
  const { audit, limits, clients, keyring, revocations, accessTokens, streams, source, redis, databaseReachable } =
    observed;
  const { feed, ticker, connections } = observed;
  metrics.watch('client_secrets', () => {
    const counts = clients.secretCounts();
    if (counts === null) return null;
    const { live, ending, replaced, ended } = counts;
    return { live, ending, replaced, ended };
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
  metrics.watch('signing_key_age_seconds', () => {
    const active = keyring.list().find(({ state }) => state === 'active');
    return active === undefined ? null : Math.max(0, (now() - Date.parse(active.active_from)) / 1000);
  });
  metrics.watch('audit_queue_length', () => audit.state().queued);
  metrics.watch('audit_events_lost_total', () => audit.state().lost);
  metrics.watch('audit_head_seq', () => audit.state().headSeq);
  metrics.watch('audit_intact', () => Number(audit.state().intact));
  metrics.watch('revoked_tokens_held', revocations.size);
  metrics.watch('remembered_tokens', accessTokens.remembered);
  metrics.watch('token_readings_total', accessTokens.readings);
  metrics.watch('ticks_total', ticker.made);
  metrics.watch('rates_seq', () => feed.snapshot().seq);
  metrics.watch('rates_age_seconds', () => {
    const { tickedAtMs } = feed.snapshot();
    return tickedAtMs === null ? null : Math.max(0, (now() - tickedAtMs) / 1000);
  });
  metrics.watch('database_connections', connections);
  metrics.watch('workers', () => 1);
  metrics.watch('limit_keys', limits.sizes);
  metrics.watch('stream_subscribers', streams.counts);
  metrics.watch('market_age_seconds', () => source.state()?.ageSeconds ?? null);
  metrics.watch('market_live', () => {
    const state = source.state();
    return state === null ? null : Number(state.live);
  });
  metrics.watch('redis_up', () => (redis === null ? null : Number(redis.up())));
  metrics.watch('certificate_expiry_seconds', () => {
    const endsMs = observed.certificateEndsMs();
    return endsMs === null ? null : (endsMs - now()) / 1000;
  });
  metrics.watch('database_reachable', () => Number(databaseReachable()));
}
