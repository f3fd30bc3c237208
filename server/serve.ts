import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type Database, offlineDatabase } from '../db/connect';
import { addressRanges, unmapped } from '../kit/address-ranges';
import { Refusal } from '../kit/command';
import { accessLogOf } from '../kit/http/access-log';
import { shownUrl } from '../kit/http/listen';
import type { OpenApiDocument } from '../kit/http/openapi';
import type { Log } from '../kit/logs';
import { privateFolder, secretFile } from '../kit/secret-file';
import { openDoor } from '../kit/tls/door';
import { createApp, describeServer } from './app';
import { createHeadFile } from './audit/head-file';
import { lookUp } from './authentication/jwks-fetch';
import { readAuthorities } from './authorities';
import { CHOSEN_SECRET_COST } from './clients/secret-hasher';
import { type Config, type RateSource, secretFiles } from './config';
import { ownIssuer } from './config-issuer';
import { createCoinbase } from './rates/exchange/coinbase';
import type { Exchange } from './rates/exchange/exchange';
import type { Socket } from './rates/exchange/socket';
import { tickTimer } from './rates/index';
import { BEAT_MS } from './rates/stream/hub';
import { headerSecret } from './setting-values';
import type { Spans } from './telemetry/spans';
import { VERSION } from './version';
import { openChanges } from './wiring/changes';
import { createServices } from './wiring/services';
import type { Surroundings } from './wiring/surroundings';
import type { Seat } from './workers/seat';

/** What a server takes from the process it runs in. */
export interface Process {
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  readonly randomBytes: (n: number) => Buffer;
  readonly newId: () => string;
  readonly cores: number;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly openSocket: (url: string) => Socket;
  /** Its place among the workers that share the port; null: it is alone. */
  readonly seat: Seat | null;
}

/** A server that answers. */
export interface RunningServer {
  /** Where it listens, for people. */
  readonly url: string;
  readonly issuer: string;
  readonly port: number;
  /** Reads the certificate files anew; see {@link openDoor}. */
  renewCertificate(): void;
  /** Refuses new work, lets what is in flight end, then closes everything in the mirror order of the start. */
  stop(): Promise<void>;
}

/** The sources of real prices, by what RATE_SOURCE calls them. */
const EXCHANGES: Readonly<Record<Exclude<RateSource, 'simulation'>, () => Exchange>> = { coinbase: createCoinbase };

const UNBOUNDED =
  'PostgreSQL ends no statement and no transaction of this server that takes too long: a pooler has kept statement_timeout and idle_in_transaction_session_timeout from it. Set them for the role (docs/pgbouncer.md)';

/** How often it is looked whether a chore is due, in milliseconds. */
const CHORES_MS = 1_000;

/** How often the source of the prices is looked after, in milliseconds. */
const SOURCE_MS = 1_000;

/** Brings an opened database up to date and starts a server on it. @throws Refusal when it cannot listen; what `migrate` rejects with. */
export async function startServer(config: Config, database: Database, process: Process): Promise<RunningServer> {
  const { log } = process;
  const port = config.port === 0 ? await freePort(config.host) : config.port;
  const issuer = config.issuer ?? ownIssuer(config, port);
  let endsMs: () => number | null = () => null;
  const spans = await spansOf(config, process);
  const given = { ...surroundings(config, issuer, process), certificateEndsMs: () => endsMs(), spans };
  const services = createServices(database, given);
  // Both go on while the application is made.
  const migrating = database.migrate();
  const connecting = openChanges({ ...process, database });
  const timer = tickTimer({ ticker: services.ticker, periodSeconds: given.tickSeconds, log, now: given.now });
  let serving = true;
  const open = async () => {
    const app = createApp(services, given, () => serving).use(timer);
    const [, changes] = await Promise.all([migrating, connecting]);
    await services.open(changes);
    if (!(await database.bounded())) log.warn(UNBOUNDED);
    const { host: hostname, tls } = config;
    const shared = process.seat !== null;
    return { door: openDoor(app, { hostname, port, shared, tls, log, now: process.now }), changes };
  };
  const { door, changes } = await open().catch(async (error: unknown) => {
    timer.store.cron.tick.stop();
    await services.audit.close();
    services.redis?.close();
    await spans?.close();
    // Nothing may be at work on a database that is about to be closed.
    const [, connected] = await Promise.allSettled([migrating, connecting]);
    if (connected.status === 'fulfilled') await connected.value.close();
    throw error;
  });
  endsMs = door.endsMs;
  const chores = setInterval(() => void services.maintenance.run(), CHORES_MS);
  const streamBeats = setInterval(services.streams.beat, BEAT_MS);
  services.source.beat();
  const sourceBeats = setInterval(services.source.beat, SOURCE_MS);
  const url = shownUrl({ ...config, port });
  log.info(`crypto-server listens on ${url}`, {
    'url.full': url,
    'oauth.issuer': issuer,
    'database.kind': database.kind,
  });
  return {
    url,
    issuer,
    port,
    renewCertificate: door.renew,
    stop: async () => {
      serving = false;
      clearInterval(streamBeats);
      // An open stream is an answer in flight that never ends by itself.
      services.streams.close();
      await door.close();
      clearInterval(sourceBeats);
      services.source.close();
      clearInterval(chores);
      // Each may wait for a database that is silent: one after another they would take longer than a stop may.
      const written = services.maintenance.close().then(services.audit.close);
      await Promise.all([services.ticker.settled(), written, changes.close()]);
      services.redis?.close();
      await spans?.close();
    },
  };
}

/** Its libraries are read only where they are wanted. */
async function spansOf({ otlpEndpoint: endpoint }: Config, { now, log }: Process): Promise<Spans | null> {
  if (endpoint === null) return null;
  const { openSpans } = await import('./telemetry/spans');
  return openSpans({ endpoint, version: VERSION, now, log });
}

/** The OpenAPI document of a server with this configuration; needs neither database nor port. */
export function documentServer(config: Config, process: Process): Promise<OpenApiDocument> {
  const issuer = config.issuer ?? ownIssuer(config, config.port);
  // Without a secret of its own here, one would be generated.
  const given = surroundings({ ...config, adminSecret: '' }, issuer, process);
  return describeServer(
    createApp(createServices(offlineDatabase(), given), given, () => false),
    issuer,
  );
}

function surroundings(config: Config, issuer: string, process: Process): Surroundings {
  const secret = (): string => process.randomBytes(32).toString('base64url');
  const files = secretFiles(config.dataDir);
  const isTrusted = addressRanges(config.trustedProxies);
  return {
    ...config,
    ...process,
    issuer,
    adminSecret: config.adminSecret ?? ownAdminSecret(files.ADMIN_SECRET, secret),
    encryptionKey: (holdsKeys) =>
      config.keyEncryptionKey ??
      ownSecret(files.KEY_ENCRYPTION_KEY, () => {
        if (holdsKeys)
          throw new Refusal(
            `The database holds signing keys, but neither KEY_ENCRYPTION_KEY nor ${files.KEY_ENCRYPTION_KEY} is there to open them.`,
          );
        return secret();
      }),
    encryptionKeyName: config.keyEncryptionKey === null ? files.KEY_ENCRYPTION_KEY : 'KEY_ENCRYPTION_KEY',
    rateSeed: config.rateSeed ?? secret(),
    exchange: config.rateSource === 'simulation' ? null : EXCHANGES[config.rateSource](),
    hashConcurrency: Math.max(1, Math.floor((process.cores - 1) / config.workers)),
    hashCost: CHOSEN_SECRET_COST,
    previousEncryptionKey: config.previousKeyEncryptionKey,
    auditHead: createHeadFile(join(config.dataDir, 'audit-head')),
    mtlsAuthorities: config.mtlsCaFile === null ? null : readAuthorities(config.mtlsCaFile),
    jwksAuthorities: null,
    resolve: lookUp,
    trusted: (address) => isTrusted(unmapped(address)),
    behindProxy: config.trustedProxies.length > 0,
    certificateEndsMs: () => null,
    accessLog: accessLogOf(config.logLevel),
    spans: null,
    databaseNow: null,
  };
}

function ownSecret(file: string, create: () => string): string {
  privateFolder(dirname(file));
  return secretFile(file, create).value;
}

/** Somebody may have written one of his own into the file. */
function ownAdminSecret(file: string, create: () => string): string {
  const value = ownSecret(file, create);
  try {
    return headerSecret(value);
  } catch (error) {
    throw new Refusal(`${file} must hold ${error instanceof Error ? error.message : 'another secret'}.`);
  }
}

/** A port that nobody uses now: the issuer must be known before the first request, and so before listening. */
function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, host, () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
