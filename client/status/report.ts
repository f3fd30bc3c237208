import type { Credentials } from '../credentials/registry';
import { type CredentialView, iso } from '../credentials/view';
import type { Feed } from '../rates/feed';
import { type ServerStatus, serverStatus } from '../servers/model';
import type { Follower } from '../stream/follower';
import type { StreamStatus } from '../stream/model';
import { streamStatus } from '../stream/status';

/** The state of the client as callers see it; never a secret or a token. Times are RFC 3339 UTC with milliseconds. */
export interface StatusReport
  extends Pick<
    CredentialView,
    'has_token' | 'token_expires_at' | 'token_expires_in' | 'token_scope' | 'renewal' | 'app_name' | 'issuer'
  > {
  /** True while there is a live token. */
  readonly authenticated: boolean;
  /** Empty while the credential has none, which it gets when it is registered. */
  readonly client_id: string;
  readonly credential: {
    /** `environment`, `configured` by its user, or `self-made`. */
    readonly origin: string;
    readonly registered: boolean;
  };
  readonly server_url: string;
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
  /** Name of the credential in use, of which all above is told. */
  readonly credential_name: string;
  readonly credentials: readonly CredentialView[];
  readonly stream: StreamStatus;
  readonly servers: readonly ServerStatus[];
}

/** What {@link createReport} asks. */
export interface ReportDeps {
  readonly credentials: Pick<Credentials, 'get' | 'list'>;
  readonly feed: Pick<Feed, 'state'>;
  readonly follower: Pick<Follower, 'state'>;
  readonly version: string;
}

/** The report of this moment. */
export function createReport({ credentials, feed, follower, version }: ReportDeps): () => StatusReport {
  return () => {
    const session = credentials.get(null);
    const active = session.view(true);
    const held = feed.state();
    const { last, ageMs, outage } = held;
    return {
      authenticated: active.has_token,
      client_id: active.client_id ?? '',
      app_name: active.app_name,
      credential: { origin: active.origin, registered: active.registered },
      server_url: active.servers[0] ?? '',
      issuer: active.issuer,
      has_token: active.has_token,
      token_expires_at: active.token_expires_at,
      token_expires_in: active.token_expires_in,
      token_scope: active.token_scope,
      renewal: active.renewal,
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
      credential_name: active.name,
      credentials: credentials.list(),
      stream: streamStatus(follower.state(), held),
      servers: session.servers.health().map(serverStatus),
    };
  };
}

/** Of a report, what people want to know at once when it changes: ages and times that pass by themselves are not in it. */
export function whatMatters({ stream, servers, credentials, has_token, renewal, server }: StatusReport): unknown {
  return [
    [
      stream.state,
      stream.transport,
      stream.last_error,
      stream.next_attempt_at,
      server.state,
      has_token,
      renewal.last_at,
      renewal.last_error,
    ],
    servers.map(({ url, state, circuit }) => [url, state, circuit]),
    credentials.map(({ name, active, has_token, last_error, secret }) => [
      ...[name, active, has_token, last_error, secret?.count, secret?.rotated_at],
    ]),
  ];
}
