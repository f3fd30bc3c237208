import type { Account } from '../account/account';
import type { Clock } from '../ports';
import type { Feed } from '../rates/feed';

/** The state of the client as callers see it; never a secret or a token. Times are RFC 3339 UTC with milliseconds. */
export interface StatusReport {
  /** True while there is a live token. */
  readonly authenticated: boolean;
  readonly client_id: string;
  readonly app_name: string;
  readonly credential: {
    /** `environment`, `configured` by its user, or `self-made`. */
    readonly origin: string;
    readonly registered: boolean;
  };
  readonly server_url: string;
  readonly issuer: string;
  readonly has_token: boolean;
  readonly token_expires_at: string | null;
  readonly token_expires_in: number | null;
  readonly token_scope: string | null;
  readonly renewal: {
    readonly last_at: string | null;
    readonly next_at: string | null;
    readonly last_error: string | null;
  };
  readonly server: {
    /** `ok`, `away`, `refused` when it turns this client away, or `unknown` before the first attempt. */
    readonly state: 'ok' | 'away' | 'refused' | 'unknown';
    /** Since when no new rates come, whatever the reason. */
    readonly away_since: string | null;
    readonly next_attempt_at: string | null;
    readonly last_error: string | null;
  };
  readonly rates: {
    readonly count: number;
    readonly fetched_at: string | null;
    readonly age_seconds: number | null;
    /** True when the last attempt to renew them failed. */
    readonly stale: boolean;
  };
  readonly version: string;
}

/** What {@link createReport} asks. */
export interface ReportDeps {
  readonly account: Pick<Account, 'active' | 'state'>;
  readonly feed: Pick<Feed, 'state'>;
  readonly serverUrl: string;
  readonly issuer: string;
  readonly version: string;
  readonly clock: Pick<Clock, 'now'>;
}

/** The report of this moment. */
export function createReport({ account, feed, serverUrl, issuer, version, clock }: ReportDeps): () => StatusReport {
  return () => {
    const { clientId, appName, origin, registered } = account.active();
    const { live, nextAttemptAtMs, lastError } = account.state();
    const { last, ageMs, outage } = feed.state();
    return {
      authenticated: live !== null,
      client_id: clientId,
      app_name: appName,
      credential: { origin, registered },
      server_url: serverUrl,
      issuer,
      has_token: live !== null,
      token_expires_at: iso(live?.expiresAtMs),
      token_expires_in: live === null ? null : Math.max(0, Math.floor((live.expiresAtMs - clock.now()) / 1000)),
      token_scope: live?.scope ?? null,
      renewal: {
        last_at: iso(live?.obtainedAtMs),
        next_at: iso(nextAttemptAtMs),
        last_error: lastError?.message ?? null,
      },
      server: {
        state: outage?.kind ?? (last === null ? 'unknown' : 'ok'),
        away_since: iso(outage?.sinceMs),
        next_attempt_at: iso(outage?.nextAttemptAtMs),
        last_error: outage?.reason ?? null,
      },
      rates: {
        count: last?.rates.length ?? 0,
        fetched_at: iso(last?.fetchedAtMs),
        age_seconds: last === null ? null : Math.floor(ageMs / 1000),
        stale: outage !== null && last !== null,
      },
      version,
    };
  };
}

function iso(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString();
}
