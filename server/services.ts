import { createHmac } from 'node:crypto';
import type { Changes } from '../db/changes';
import type { Database } from '../db/connect';
import type { Log } from '../kit/logs';
import { type Audit, type AuditKey, createAudit } from './audit/service';
import { createAuditStore } from './audit/store';
import { createCheckMemory } from './clients/memory';
import { createSecretHasher } from './clients/secrets';
import { type Clients, createClients } from './clients/service';
import { type Client, createClientStore } from './clients/store';
import type { Limits, RegistrationMode, SigningAlg } from './config';
import { createLimits, type Limits as LimitsInForce } from './limits/service';
import { createMaintenance, type Maintenance } from './maintenance';
import { createFeed, type Feed } from './rates/feed';
import { createRateStore } from './rates/store';
import { createTicker, type Ticker } from './rates/ticker';
import { createMetrics, type Metrics } from './telemetry/metrics';
import { createKeyring, type Keyring } from './tokens/keys';
import { CHANGES_SILENT_MAX_MS, createTokens, type Tokens } from './tokens/service';
import { createKeyStore } from './tokens/store';
import { VERSION } from './version';

/** Everything the server is told from outside: settings in force, clock and chance. */
export interface Surroundings {
  readonly issuer: string;
  readonly publicUrls: readonly string[];
  readonly loopback: boolean;
  readonly registration: RegistrationMode;
  readonly adminSecret: string;
  readonly accessTokenTtlSeconds: number;
  /** See `KeyringOptions.encryptionKey`. */
  readonly encryptionKey: (holdsKeys: boolean) => string;
  readonly tickSeconds: number;
  readonly tickVolatility: number;
  readonly rateSeed: string;
  /** Slow hashes at a time. */
  readonly hashConcurrency: number;
  readonly signingAlg: SigningAlg;
  /** Opens what an earlier key encrypted; null: there is none. */
  readonly previousEncryptionKey: string | null;
  readonly retentionAuditMs: number;
  /** Certificates (PEM) of the authorities that `tls_client_auth` trusts; null: none. */
  readonly mtlsAuthorities: string | null;
  readonly metricsToken: string | null;
  readonly jwksUriAllowPrivate: boolean;
  /** Null: no limits. */
  readonly limits: Limits | null;
  /** True for the address of a proxy whose `X-Forwarded-For` and `Client-Cert` are believed. */
  readonly trusted: (address: string) => boolean;
  readonly accessLog: boolean;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly randomBytes: (n: number) => Buffer;
  /** A new id that nobody can guess, for `jti`. */
  readonly newId: () => string;
}

/** The services of one server. Until `open` they can only be mounted. */
export interface Services {
  /** Reads what they hold in memory, and keeps it up to date from then on. */
  open(changes: Pick<Changes, 'on' | 'silentMs'>): Promise<void>;
  readonly clients: Clients;
  readonly tokens: Tokens;
  readonly keyring: Keyring;
  readonly feed: Feed;
  readonly ticker: Ticker;
  readonly maintenance: Maintenance;
  readonly audit: Audit;
  readonly limits: LimitsInForce;
  readonly metrics: Metrics;
  readonly databaseReachable: () => boolean;
}

/** Clients whose checked secrets are remembered; some 400 bytes each. */
const REMEMBERED_CLIENTS_MAX = 20_000;

const HOUR_MS = 3_600_000;

/** The audience of this server's own rates (RFC 8707, RFC 9068 §3). */
export function ratesAudience(issuer: string): string {
  return `${issuer}/api/currency`;
}

/** Wires the services by naming what each stands on. Touches nothing yet. */
export function createServices(database: Database, given: Surroundings): Services {
  const { issuer, encryptionKey, log, now, randomBytes, newId } = given;
  const memory = createCheckMemory<Client>({ max: REMEMBERED_CLIENTS_MAX, key: randomBytes(32) });
  const hasher = createSecretHasher({ concurrency: given.hashConcurrency, randomBytes });
  const clients = createClients({ store: createClientStore(database.rows), hasher, memory });
  const keyring = createKeyring({ store: createKeyStore(database.rows), encryptionKey, randomBytes });
  const rateStore = createRateStore(database.rows);
  const feed = createFeed(rateStore);
  const audit = createAudit({
    store: createAuditStore(database.rows),
    key: () => auditKey(encryptionKey(true)),
    retentionMs: given.retentionAuditMs,
    now,
    log,
  });
  const limits = createLimits({ limits: given.limits, now });
  const metrics = createMetrics(VERSION);
  watchAudit(metrics, audit);
  metrics.watch('limit_keys', limits.sizes);
  let silentMs = (): number => Number.POSITIVE_INFINITY;
  const databaseReachable = (): boolean => silentMs() <= CHANGES_SILENT_MAX_MS;
  metrics.watch('database_reachable', () => Number(databaseReachable()));
  return {
    clients,
    keyring,
    feed,
    audit,
    limits,
    metrics,
    tokens: createTokens({
      clients,
      keyring,
      issuer,
      audience: ratesAudience(issuer),
      ttlSeconds: given.accessTokenTtlSeconds,
      now,
      newId,
      silentMs: () => silentMs(),
    }),
    ticker: createTicker({
      store: rateStore,
      feed,
      periodSeconds: given.tickSeconds,
      volatility: given.tickVolatility,
      seed: given.rateSeed,
      now,
      log,
    }),
    maintenance: createMaintenance({
      chores: [{ name: 'the retention of the audit trail', everyMs: HOUR_MS, run: audit.prune }],
      now,
      log,
    }),
    databaseReachable,
    open: async (changes) => {
      silentMs = changes.silentMs;
      changes.on('clients', clients.changed);
      changes.on('rates', (seq) => feed.refresh(seq === null ? null : Number(seq)));
      // One after another: a failure must leave nothing at work on a database that is about to be closed.
      await keyring.open();
      await clients.changed(null);
      await feed.refresh(null);
      await audit.open();
    },
  };
}

function watchAudit(metrics: Metrics, { state }: Audit): void {
  metrics.watch('audit_queue_length', () => state().queued);
  metrics.watch('audit_events_lost_total', () => state().lost);
  metrics.watch('audit_head_seq', () => state().headSeq);
  metrics.watch('audit_intact', () => Number(state().intact));
}

/** Stands in for the shared secret `audit`: whoever can write to the database does not have it either. */
function auditKey(encryptionKey: string): AuditKey {
  return { secret: createHmac('sha256', encryptionKey).update('crypto-server audit').digest(), made: true };
}
