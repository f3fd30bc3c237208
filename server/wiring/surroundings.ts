import type { ReadClock } from '../../db/clock';
import type { AccessLog } from '../../kit/http/access-log';
import type { Log } from '../../kit/logs';
import type { KeptHead } from '../audit/head';
import type { Resolve } from '../authentication/jwks-fetch';
import type { HashCost } from '../clients/secret-hasher';
import type { Config } from '../config';
import type { Exchange } from '../rates/exchange/exchange';
import type { Socket } from '../rates/exchange/socket';
import type { Spans } from '../telemetry/spans';
import type { Seat } from '../workers/seat';

/** Settings that are in force as they were read. */
type InForce = Pick<
  Config,
  | 'accessTokenTtlSeconds'
  | 'jwksUriAllowPrivate'
  | 'limits'
  | 'loopback'
  | 'metricsToken'
  | 'publicUrls'
  | 'redisUrl'
  | 'registration'
  | 'retentionAuditMs'
  | 'retentionCandlesMs'
  | 'retentionTicksMs'
  | 'signingAlg'
  | 'tickSeconds'
  | 'tickVolatility'
  | 'tls'
  | 'workers'
>;

/** Everything the server is told from outside: settings in force, clock and chance. */
export interface Surroundings extends InForce {
  readonly issuer: string;
  readonly adminSecret: string;
  /** See `VaultOptions.encryptionKey`. */
  readonly encryptionKey: (holdsKeys: boolean) => string;
  /** What the operator knows that key by: the setting, or the file it is in. */
  readonly encryptionKeyName: string;
  readonly rateSeed: string;
  /** Whose prices the rates follow; null: the simulation's. */
  readonly exchange: Exchange | null;
  /** Asks an exchange; nothing else of the server does. */
  readonly fetch: (request: Request) => Promise<Response>;
  readonly openSocket: (url: string) => Socket;
  /** Slow hashes at a time. */
  readonly hashConcurrency: number;
  /** Of each of them. */
  readonly hashCost: HashCost;
  /** Opens what an earlier key encrypted; null: there is none. */
  readonly previousEncryptionKey: string | null;
  /** Keeps the head of the audit trail outside the database. */
  readonly auditHead: KeptHead;
  /** Certificates (PEM) of the authorities that `tls_client_auth` trusts; null: none. */
  readonly mtlsAuthorities: string | null;
  /** Certificates (PEM) to trust at a `jwks_uri` instead of the system's; null: the system's. */
  readonly jwksAuthorities: string | null;
  readonly resolve: Resolve;
  /** True for the address of a proxy whose `X-Forwarded-For` and `Client-Cert` are believed. */
  readonly trusted: (address: string) => boolean;
  /** True when there is such a proxy, and so a way for client certificates to come in. */
  readonly behindProxy: boolean;
  /** The last moment of the certificate that is served, in milliseconds since the epoch; null: plain http, or nobody listens yet. */
  readonly certificateEndsMs: () => number | null;
  readonly accessLog: AccessLog;
  /** Makes spans of answers; null: nobody wants them. */
  readonly spans: Pick<Spans, 'answered'> | null;
  readonly log: Log;
  /** Its place among the workers that share the port; null: it is alone. */
  readonly seat: Pick<Seat, 'page'> | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  /** Stands in for the clock of the database; null: it is read. */
  readonly databaseNow: ReadClock | null;
  readonly randomBytes: (n: number) => Buffer;
  /** A new id that nobody can guess, for `jti`. */
  readonly newId: () => string;
}
