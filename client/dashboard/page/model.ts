/** What the client's API tells the page; times are RFC 3339. */

/** A rate as some server sends it: an older one may leave out all but symbol and rate. */
export interface Rate {
  readonly symbol: string;
  readonly rate: number;
  readonly name?: string;
  /** Percent. */
  readonly change_24h?: number;
  readonly high_24h?: number;
  readonly low_24h?: number;
  readonly updated_at?: string;
}

/** How the client follows the servers. */
export interface StreamView {
  readonly state: 'live' | 'reconnecting' | 'stale' | 'offline' | 'refused' | 'starting';
  readonly transport: 'websocket' | 'events' | 'polling' | null;
  readonly seq: number | null;
  readonly since: string | null;
  readonly next_attempt_at: string | null;
  readonly last_error: string | null;
  readonly data_age_seconds: number | null;
}

/** One of the servers. */
export interface ServerView {
  readonly url: string;
  readonly state: 'ok' | 'away' | 'refused' | 'unknown';
  readonly circuit: 'closed' | 'open' | 'half_open';
  readonly latency_ms: number | null;
  readonly in_flight: number;
  readonly last_ok_at: string | null;
  readonly last_error: string | null;
  readonly next_attempt_at: string | null;
}

/** One credential; never a secret, a key or a token. */
export interface CredentialView {
  readonly name: string;
  readonly active: boolean;
  readonly client_id: string | null;
  readonly app_name: string;
  readonly origin: 'environment' | 'configured' | 'self-made';
  readonly registered: boolean;
  readonly method: 'client_secret' | 'private_key_jwt';
  readonly dpop: boolean;
  readonly servers: readonly string[];
  readonly scope: string | null;
  readonly has_token: boolean;
  readonly token_expires_at: string | null;
  readonly token_scope: string | null;
  readonly renewal: {
    readonly last_at: string | null;
    readonly next_at: string | null;
    readonly last_error: string | null;
  };
  readonly secret: {
    readonly count: number;
    readonly expires_at: string | null;
    readonly rotated_at: string | null;
    readonly next_rotation_at: string | null;
    readonly last_error: string | null;
  } | null;
  readonly last_error: string | null;
}

/** `/api/status`. */
export interface Status {
  readonly credential_name: string;
  readonly stream: StreamView;
  readonly servers: readonly ServerView[];
  readonly credentials: readonly CredentialView[];
  readonly version: string;
}

/** A candle; the last one may still move. */
export interface Candle {
  readonly open_time: string;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

/** Candle lengths, as the server names them, in seconds. */
export const INTERVALS = { '1m': 60, '5m': 300, '15m': 900, '1h': 3_600, '4h': 14_400, '1d': 86_400 } as const;

/** Name of a candle length. */
export type Interval = keyof typeof INTERVALS;

/** What `/api/session` answers. */
export interface Session {
  readonly required: boolean;
  readonly signed_in: boolean;
}
