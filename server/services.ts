import type { Changes } from '../db/changes';
import type { Database } from '../db/connect';
import type { Log } from '../kit/logs';
import { createAssertionCheck } from './clients/assertion';
import { createAssertionStore } from './clients/assertion-store';
import { type Authentication, createAuthentication } from './clients/authentication';
import { createCertificateCheck } from './clients/certificate-check';
import { createJwksFetch, type Resolve } from './clients/jwks-fetch';
import { createJwksSource } from './clients/jwks-source';
import { createManagementStore } from './clients/management-store';
import { createCheckMemory } from './clients/memory';
import { createRegistrationTokenStore } from './clients/registration-token-store';
import { createRegistrationTokens, type RegistrationTokens } from './clients/registration-tokens';
import { LIVE_SECRETS_MAX } from './clients/secret-format';
import { createSecretHasher } from './clients/secrets';
import { type Clients, createClients } from './clients/service';
import { type Client, createClientStore } from './clients/store';
import type { Limits, RegistrationMode, SigningAlg } from './config';
import { createMaintenance, type Maintenance } from './maintenance';
import { createFeed, type Feed } from './rates/feed';
import { createRateStore } from './rates/store';
import { createTicker, type Ticker } from './rates/ticker';
import { createKeyring, type Keyring } from './tokens/keys';
import { CHANGES_SILENT_MAX_MS, createTokens, type Tokens } from './tokens/service';
import { createKeyStore } from './tokens/store';

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
  /** Certificates (PEM) to trust at a `jwks_uri` instead of the system's; null: the system's. */
  readonly jwksAuthorities: string | null;
  readonly resolve: Resolve;
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
  readonly registrationTokens: RegistrationTokens;
  readonly authentication: Authentication<Client>;
  readonly tokens: Tokens;
  readonly keyring: Keyring;
  readonly feed: Feed;
  readonly ticker: Ticker;
  readonly maintenance: Maintenance;
  readonly databaseReachable: () => boolean;
}

/** Clients whose checked secrets are remembered; some 400 bytes each. */
const REMEMBERED_CLIENTS_MAX = 20_000;

/** The audience of this server's own rates (RFC 8707, RFC 9068 §3). */
export function ratesAudience(issuer: string): string {
  return `${issuer}/api/currency`;
}

/** Wires the services by naming what each stands on. Touches nothing yet. */
export function createServices(database: Database, given: Surroundings): Services {
  const { issuer, encryptionKey, log, now, randomBytes, newId } = given;
  const memory = createCheckMemory<Client>({
    max: REMEMBERED_CLIENTS_MAX,
    secretsMax: LIVE_SECRETS_MAX,
    key: randomBytes(32),
    now,
  });
  const hasher = createSecretHasher({ concurrency: given.hashConcurrency, randomBytes });
  const clients = createClients({
    store: createClientStore(database.rows),
    management: createManagementStore(database.rows),
    hasher,
    memory,
    issuer,
    now,
    randomBytes,
    newId,
    checkGrants: () => {},
  });
  const keyring = createKeyring({ store: createKeyStore(database.rows), encryptionKey, randomBytes });
  const { authentication, pruneAssertions } = wireAuthentication(database, given, clients);
  const rateStore = createRateStore(database.rows);
  const feed = createFeed(rateStore);
  let silentMs = (): number => Number.POSITIVE_INFINITY;
  return {
    clients,
    registrationTokens: createRegistrationTokens({
      store: createRegistrationTokenStore(database.rows),
      now,
      randomBytes,
    }),
    authentication,
    keyring,
    feed,
    tokens: createTokens({
      authentication,
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
    maintenance: createMaintenance({ chores: [pruneAssertions], now, log }),
    databaseReachable: () => silentMs() <= CHANGES_SILENT_MAX_MS,
    open: async (changes) => {
      silentMs = changes.silentMs;
      changes.on('clients', clients.changed);
      changes.on('rates', (seq) => feed.refresh(seq === null ? null : Number(seq)));
      // One after another: a failure must leave nothing at work on a database that is about to be closed.
      await keyring.open();
      await clients.changed(null);
      await feed.refresh(null);
    },
  };
}

/** How often the ids of used assertions are pruned; each lives some five minutes. */
const PRUNE_ASSERTIONS_MS = 5 * 60_000;

function wireAuthentication(database: Database, given: Surroundings, clients: Clients) {
  const { issuer, log, now, resolve } = given;
  const source = createJwksSource({
    fetchKeys: createJwksFetch({
      resolve,
      allowPrivate: given.jwksUriAllowPrivate,
      authorities: given.jwksAuthorities,
    }),
    now,
    failed: (uri, error) =>
      log.warn('the keys of a client could not be fetched', { 'url.full': uri.split('?', 1)[0], error }),
  });
  const store = createAssertionStore(database.rows);
  const assertions = createAssertionCheck({ issuer, store, source, now });
  const certificates = createCertificateCheck({ authorities: given.mtlsAuthorities, source, now });
  const failed = { check: () => {}, count: () => {} };
  return {
    authentication: createAuthentication({ clients, assertions, certificates, failed }),
    pruneAssertions: { name: 'pruning of used assertions', everyMs: PRUNE_ASSERTIONS_MS, run: assertions.prune },
  };
}
