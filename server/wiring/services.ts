import { openBackup } from '../../db/backup';
import type { Changes } from '../../db/changes';
import { createDatabaseClock } from '../../db/clock';
import type { Database } from '../../db/connect';
import { createMaintenance, type Maintenance } from '../../kit/chores';
import type { DependencyState } from '../../kit/http/health';
import { type Audit, createAudit } from '../audit/service';
import { createAuditStore } from '../audit/store';
import type { Authentication } from '../authentication/service';
import type { RegistrationTokens } from '../clients/registration-tokens';
import type { Clients } from '../clients/service';
import type { Client } from '../clients/store';
import { createLimits, type Limits } from '../limits/service';
import { createSharing } from '../limits/sharing';
import type { Tell } from '../oauth/event';
import type { Currencies } from '../rates/currencies';
import type { Feed } from '../rates/feed';
import type { History } from '../rates/history';
import type { HistoryRetention } from '../rates/retention';
import type { Source } from '../rates/source';
import { CATALOGUE_NEWS } from '../rates/store';
import { createHub, type Hub } from '../rates/stream/hub';
import type { Ticker } from '../rates/ticker';
import { createRedis, type Redis } from '../redis/index';
import { createResources, type Resources } from '../resources/service';
import { createResourceStore } from '../resources/store';
import { createMetrics, type Metrics } from '../telemetry/metrics';
import { watchServices } from '../telemetry/watch';
import type { Keyring } from '../tokens/keys';
import { createVault, type Vault } from '../vault/service';
import { createVaultStore } from '../vault/store';
import { VERSION } from '../version';
import { type Administration, wireAdministration } from './administration';
import { type Callers, createCallers } from './callers';
import { choresOf, tellReencrypted } from './chores';
import { wireClients } from './clients';
import { wireRates } from './rates';
import { createReachability } from './reachability';
import type { Surroundings } from './surroundings';
import { createTell } from './tell';
import { type TokenServices, wireTokens } from './tokens';

/** The services of one server. Until `open` they can only be mounted. */
export interface Services extends TokenServices {
  /** Reads what they hold in memory, and keeps it up to date from then on. */
  open(changes: Changes): Promise<void>;
  readonly callers: Callers;
  readonly tell: Tell;
  readonly audit: Audit;
  readonly limits: Limits;
  /** The memory of all replicas; null: each has its own. */
  readonly redis: Redis | null;
  readonly metrics: Metrics;
  readonly vault: Vault;
  readonly clients: Clients;
  readonly registrationTokens: RegistrationTokens;
  readonly authentication: Authentication<Client>;
  readonly resources: Resources;
  readonly keyring: Keyring;
  readonly feed: Feed;
  readonly streams: Hub;
  readonly source: Source;
  readonly ticker: Ticker;
  readonly currencies: Currencies;
  readonly history: History;
  readonly retention: HistoryRetention;
  /** Who may administrate. */
  readonly administration: Administration;
  /** The bytes of a backup; null: the database has ways of its own. */
  readonly openBackup: (() => Promise<AsyncGenerator<Uint8Array>>) | null;
  readonly maintenance: Maintenance;
  /** Whether changes in the database are heard of and taken in. */
  readonly databaseState: () => DependencyState;
}

/** Wires the services by naming what each stands on. Touches nothing yet. */
export function createServices(database: Database, given: Surroundings): Services {
  const { issuer, publicUrls, log, now, elapsed } = given;
  const { rows } = database;
  const calendar = given.databaseNow ?? createDatabaseClock(rows);
  const vault = createVault({ ...given, store: createVaultStore(rows) });
  const callers = createCallers(given.trusted);
  const metrics = createMetrics(VERSION);
  const audit = createAudit({
    store: createAuditStore(rows),
    key: () => vault.shared('audit'),
    kept: given.auditHead,
    retentionMs: given.retentionAuditMs,
    now,
    calendar,
    elapsed,
    log,
  });
  const record: typeof audit.record = (event) => {
    metrics.told(event);
    return event.routine ? Promise.resolve() : audit.record(event);
  };
  const tell = createTell({ log, source: callers.seen, record });
  const redis = given.redisUrl === null ? null : createRedis({ url: given.redisUrl, log });
  const sharing = redis === null ? null : createSharing({ memory: redis, key: () => vault.secretFor('redis') });
  const limits = createLimits({ limits: given.limits, sharing, now });
  const resources = createResources({ store: createResourceStore(rows), issuer, publicUrls, now });
  const ofClients = wireClients(rows, given, { limits, resources, calendar });
  const reachability = createReachability();
  const { requireNews } = reachability;
  const standing = { ...ofClients, vault, limits, redis, resources, metrics, tell, requireNews, calendar };
  const ofTokens = wireTokens(rows, given, standing);
  const random = (): number => given.randomBytes(4).readUInt32BE() / 2 ** 32;
  const market = wireRates(rows, given, { tell, calendar, random });
  const streams = createHub({ feed: market.feed, cut: metrics.cut, elapsed, random });
  const administration = wireAdministration(rows, given, { ...ofTokens, callers, limits, vault, tell });
  const services = {
    administration,
    ...ofClients,
    ...ofTokens,
    ...market,
    streams,
    vault,
    callers,
    metrics,
    audit,
    tell,
    limits,
    redis,
    resources,
  };
  const databaseState = reachability.state;
  const { connections } = database;
  const databaseReachable = (): boolean => databaseState() === 'ok';
  const { certificateEndsMs } = given;
  watchServices(metrics, { ...services, connections, databaseReachable, certificateEndsMs }, now);
  return {
    ...services,
    maintenance: createMaintenance({ chores: choresOf(services), now, log }),
    databaseState,
    openBackup: database.copy === null ? null : () => openBackup(database, { version: VERSION, at: new Date(now()) }),
    open: async (changes) => {
      reachability.follow(changes);
      listenFor(changes, services);
      await Promise.all([openAll(services), redis?.open()]);
    },
  };
}

type Opened = Pick<Services, 'tell' | 'vault' | 'keyring' | 'clients' | 'resources' | 'revocations' | 'feed' | 'audit'>;

function listenFor(changes: Pick<Changes, 'on'>, { clients, keyring, resources, revocations, feed }: Opened): void {
  changes.on('clients', clients.changed);
  changes.on('keys', keyring.changed);
  changes.on('resources', resources.changed);
  changes.on('tokens', revocations.changed);
  changes.on('rates', (news) => feed.refresh(news === null || news === CATALOGUE_NEWS ? null : Number(news)));
}

/** One after another: a failure must leave nothing at work on a database that is about to be closed. */
async function openAll({ tell, vault, keyring, clients, resources, revocations, feed, audit }: Opened): Promise<void> {
  const resealed = await vault.open();
  await audit.open();
  void tellReencrypted(tell, resealed);
  await keyring.open();
  await clients.changed(null);
  await resources.changed();
  await revocations.changed(null);
  await feed.refresh(null);
}
