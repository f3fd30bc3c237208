import type { Changes } from '../db/changes';
import type { Database } from '../db/connect';
import type { Log } from '../kit/logs';
import { type Callers, createCallers } from './callers';
import { createManagementStore } from './clients/management-store';
import { createCheckMemory } from './clients/memory';
import { createRegistrationTokenStore } from './clients/registration-token-store';
import { createRegistrationTokens, type RegistrationTokens } from './clients/registration-tokens';
import { LIVE_SECRETS_MAX } from './clients/secret-format';
import { createSecretHasher } from './clients/secrets';
import { type Clients, createClients } from './clients/service';
import { type Client, createClientStore } from './clients/store';
import type { Limits, RegistrationMode, SigningAlg } from './config';
import { type Chore, createMaintenance, type Maintenance } from './maintenance';
import type { Tell } from './oauth/event';
import { type Currencies, createCurrencies } from './rates/currencies';
import { createCurrencyStore } from './rates/currency-store';
import { createFeed, type Feed } from './rates/feed';
import { CATALOGUE_NEWS, createRateStore } from './rates/store';
import { createTicker, type Ticker } from './rates/ticker';
import { createTell } from './tell';
import { createKeyring, type Keyring } from './tokens/keys';
import { CHANGES_SILENT_MAX_MS, createTokens, type Tokens } from './tokens/service';
import { createKeyStore } from './tokens/store';
import { createVault, type Vault } from './vault/service';
import { createVaultStore } from './vault/store';

/** Everything the server is told from outside: settings in force, clock and chance. */
export interface Surroundings {
  readonly issuer: string;
  readonly publicUrls: readonly string[];
  readonly loopback: boolean;
  readonly registration: RegistrationMode;
  readonly adminSecret: string;
  readonly accessTokenTtlSeconds: number;
  /** See `VaultOptions.encryptionKey`. */
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
  /** True when there is such a proxy, and so a way for client certificates to come in. */
  readonly behindProxy: boolean;
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
  readonly callers: Callers;
  readonly tell: Tell;
  readonly clients: Clients;
  readonly registrationTokens: RegistrationTokens;
  readonly tokens: Tokens;
  readonly keyring: Keyring;
  readonly vault: Vault;
  readonly feed: Feed;
  readonly ticker: Ticker;
  readonly currencies: Currencies;
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
  const { issuer, log, now, randomBytes, newId } = given;
  const callers = createCallers(given.trusted);
  const tell = createTell({ log, source: callers.source, record: async () => {} });
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
  const { vault, keyring } = createKeys(database, given, tell);
  const market = createMarket(database, given, tell);
  let silentMs = (): number => Number.POSITIVE_INFINITY;
  return {
    callers,
    tell,
    clients,
    registrationTokens: createRegistrationTokens({
      store: createRegistrationTokenStore(database.rows),
      now,
      randomBytes,
    }),
    keyring,
    vault,
    ...market,
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
    maintenance: createMaintenance({ chores: choresOf({ vault, keyring, clients, tell }), now, log }),
    databaseReachable: () => silentMs() <= CHANGES_SILENT_MAX_MS,
    open: async (changes) => {
      silentMs = changes.silentMs;
      changes.on('clients', clients.changed);
      changes.on('keys', keyring.changed);
      changes.on('rates', (news) =>
        market.feed.refresh(news === null || news === CATALOGUE_NEWS ? null : Number(news)),
      );
      // One after another: a failure must leave nothing at work on a database that is about to be closed.
      await vault.open();
      await keyring.open();
      await clients.changed(null);
      await market.feed.refresh(null);
    },
  };
}

/** What is encrypted, and the signing keys in it. */
function createKeys({ rows }: Database, given: Surroundings, tell: Tell) {
  const vault = createVault({ ...given, store: createVaultStore(rows) });
  const { signingAlg: alg, now } = given;
  return { vault, keyring: createKeyring({ store: createKeyStore(rows), box: vault, alg, now, tell }) };
}

/** The rates, what moves them, and what is listed. */
function createMarket(database: Database, given: Surroundings, tell: Tell) {
  const { now, log } = given;
  const store = createRateStore(database.rows);
  const feed = createFeed(store);
  const ticker = createTicker({
    store,
    feed,
    periodSeconds: given.tickSeconds,
    volatility: given.tickVolatility,
    seed: given.rateSeed,
    now,
    log,
  });
  const currencies = createCurrencies({ store: createCurrencyStore(database.rows), feed, now, tell });
  return { feed, ticker, currencies };
}

/** What the server does by itself. Replicas hear of each other's changes; this is for what time alone makes due. */
function choresOf({
  vault,
  keyring,
  clients,
  tell,
}: Pick<Services, 'vault' | 'keyring' | 'clients' | 'tell'>): Chore[] {
  return [
    { name: 'writing down what was used', everyMs: 5_000, run: clients.flush },
    { name: 'turning signing keys over', everyMs: 10_000, run: keyring.maintain },
    // A server that still has the previous key-encryption key alone may go on for the time of a restart.
    { name: 'encrypting anew', everyMs: 60_000, run: vault.maintain },
    { name: 'looking after secrets', everyMs: 60_000, run: () => clients.maintain(tell) },
  ];
}
