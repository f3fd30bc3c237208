import { join } from 'node:path';
import {
  type Configuration as Configured,
  decimal,
  integer,
  list,
  oneOf,
  readSettings,
  type Sources,
  setting,
  text,
  type Values,
} from '../kit/config';
import { isLoopbackName } from '../kit/http/origin';
import type { LogFormat, LogLevel } from '../kit/logs';
import { COMMON_SETTINGS, orNull } from '../kit/settings';
import { TLS_SETTINGS, type TlsFiles, tlsFaults, tlsFilesOf } from '../kit/tls/settings';
import { issuerFaults, ownIssuer } from './config-issuer';
import { LIMIT_SETTINGS, type Limits, limitsIn } from './config-limits';
import { opennessWarnings, sourceWarnings } from './config-warnings';
import {
  addressRange,
  asWritten,
  baseUrl,
  bearerToken,
  candleRetention,
  collectorUrl,
  databaseUrl,
  headerSecret,
  redisUrl,
  retention,
} from './setting-values';
import { WORKER_SETTINGS, workerFaults } from './workers/settings';

/** Who may register: anyone, the administrator, nobody. */
export type RegistrationMode = 'open' | 'admin' | 'closed';

/** Algorithm of access tokens (RFC 7518 §3.1, RFC 8037). */
export type SigningAlg = 'ES256' | 'EdDSA' | 'RS256';

/** Where prices come from: the walk, or an exchange by its name. */
export type RateSource = 'simulation' | 'coinbase';

/** What crypto-server runs on. Null stands for what is found or made at the start. */
export interface Config {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** True when only this machine can reach the server. */
  readonly loopback: boolean;
  /** Null: `http://localhost:<bound port>`, with {@link tls} https. */
  readonly issuer: string | null;
  readonly publicUrls: readonly string[];
  /** Null: the embedded database. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  readonly adminSecret: string | null;
  readonly registration: RegistrationMode;
  readonly accessTokenTtlSeconds: number;
  readonly signingAlg: SigningAlg;
  readonly keyEncryptionKey: string | null;
  /** Opens what an earlier key encrypted, so that it can be encrypted anew. */
  readonly previousKeyEncryptionKey: string | null;
  readonly tickSeconds: number;
  readonly tickVolatility: number;
  readonly rateSeed: string | null;
  readonly rateSource: RateSource;
  readonly retentionAuditMs: number;
  readonly retentionTicksMs: number;
  /** Of candles shorter than an hour. */
  readonly retentionCandlesMs: number;
  /** Null: plain http. */
  readonly tls: TlsFiles | null;
  /** A file of certificates in PEM. */
  readonly mtlsCaFile: string | null;
  readonly metricsToken: string | null;
  readonly jwksUriAllowPrivate: boolean;
  /** Null: each server has a memory of its own. */
  readonly redisUrl: string | null;
  /** Processes that share the port. */
  readonly workers: number;
  /** Null: no limits. */
  readonly limits: Limits | null;
  /** Addresses and ranges. */
  readonly trustedProxies: readonly string[];
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Null: no traces are sent. */
  readonly otlpEndpoint: string | null;
}

const encryptionKey = text({ min: 32, max: 1024, what: 'a secret of at least 32 characters' });

/** Every setting of crypto-server, by environment name. */
export const SETTINGS = {
  HOST: COMMON_SETTINGS.HOST,
  PORT: setting({ about: 'port to listen on; 0 for a free one', parse: integer(0, 65_535), fallback: 8000 }),
  ISSUER: setting({
    about: 'OAuth issuer and public base URL; on loopback http://localhost:<port>, else required',
    parse: orNull(baseUrl),
    fallback: null,
  }),
  PUBLIC_URLS: setting({
    about: 'further base URLs by which clients reach it, separated by commas',
    parse: list(baseUrl),
    fallback: [],
  }),
  DATABASE_URL: setting({
    about: 'postgres://…; without it an embedded PostgreSQL in DATA_DIR',
    parse: orNull(databaseUrl),
    fallback: null,
    secret: true,
  }),
  DATA_DIR: setting({
    about: 'folder of the embedded database and generated secrets',
    parse: text(),
    fallback: './data/server',
  }),
  ADMIN_SECRET: setting({
    about: "the administrator's secret; generated once into DATA_DIR/admin-secret",
    parse: orNull(headerSecret),
    fallback: null,
    secret: true,
  }),
  REGISTRATION: setting({
    about: 'who may register: open, admin, closed; open while everything is on loopback, else admin',
    parse: orNull(oneOf('open', 'admin', 'closed')),
    fallback: null,
  }),
  ACCESS_TOKEN_TTL_SECONDS: setting({
    about: 'life of an access token in seconds',
    parse: integer(10, 86_400),
    fallback: 7200,
  }),
  SIGNING_ALG: setting({
    about: 'algorithm of access tokens: ES256, EdDSA, RS256; a change rotates the keys',
    parse: oneOf('ES256', 'EdDSA', 'RS256'),
    fallback: 'ES256' as SigningAlg,
  }),
  KEY_ENCRYPTION_KEY: setting({
    about: 'encrypts private signing keys at rest; generated once into DATA_DIR/key-encryption-key',
    parse: orNull(encryptionKey),
    fallback: null,
    secret: true,
  }),
  KEY_ENCRYPTION_KEY_PREVIOUS: setting({
    about: 'the one before (it may have been DATA_DIR/key-encryption-key); all is encrypted anew at start',
    parse: orNull(encryptionKey),
    fallback: null,
    secret: true,
  }),
  TICK_SECONDS: setting({ about: 'seconds between two moves of the market', parse: integer(1, 3600), fallback: 3 }),
  TICK_VOLATILITY: setting({
    about: 'largest relative move of a rate in one tick',
    parse: decimal(0, 0.5),
    fallback: 0.005,
  }),
  RATE_SEED: setting({
    about: 'makes the simulated market repeatable; random without it',
    parse: orNull(text({ max: 128 })),
    fallback: null,
  }),
  RATE_SOURCE: setting({
    about: 'where prices come from: simulation, or the exchange coinbase',
    parse: oneOf('simulation', 'coinbase'),
    fallback: 'simulation' as RateSource,
  }),
  RETENTION_AUDIT: setting({
    about: 'how long audit events are kept',
    parse: asWritten(retention),
    fallback: '400d',
  }),
  RETENTION_TICKS: setting({
    about: 'how long ticks are kept, by whole days',
    parse: asWritten(retention),
    fallback: '7d',
  }),
  RETENTION_CANDLES: setting({
    about: 'how long candles shorter than an hour are kept, 48h or longer',
    parse: asWritten(candleRetention),
    fallback: '90d',
  }),
  ...TLS_SETTINGS,
  MTLS_CA_FILE: setting({
    about: 'certificates (PEM) of the authorities that tls_client_auth trusts',
    parse: orNull(text()),
    fallback: null,
  }),
  METRICS_TOKEN: setting({
    about: 'bearer token that may read /metrics from elsewhere than this machine',
    parse: orNull(bearerToken),
    fallback: null,
    secret: true,
  }),
  JWKS_URI_ALLOW_PRIVATE: setting({
    about: 'true lets the jwks_uri of a client point into private networks',
    parse: oneOf('true', 'false'),
    fallback: 'false',
  }),
  REDIS_URL: setting({
    about: 'redis://… or rediss://…, by which replicas share limits and used DPoP proofs',
    parse: orNull(redisUrl),
    fallback: null,
    secret: true,
  }),
  ...WORKER_SETTINGS,
  ...LIMIT_SETTINGS,
  TRUSTED_PROXIES: setting({
    about: 'addresses and ranges whose X-Forwarded-For and Client-Cert are believed, separated by commas',
    parse: list(addressRange),
    fallback: [],
  }),
  LOG_LEVEL: COMMON_SETTINGS.LOG_LEVEL,
  LOG_FORMAT: COMMON_SETTINGS.LOG_FORMAT,
  OTEL_EXPORTER_OTLP_ENDPOINT: setting({
    about: 'base URL of an OTLP/HTTP collector that traces are sent to',
    parse: orNull(collectorUrl),
    fallback: null,
  }),
} as const;

/** The configuration of this program. */
export type Configuration = Configured<Config, typeof SETTINGS>;

/** Reads the configuration. Pure. @throws ConfigFault with every fault at once. */
export function readConfig(sources: Sources): Configuration {
  const reading = readSettings(SETTINGS, sources, (values) => [
    ...tlsFaults(values),
    ...issuerFaults(values),
    ...workerFaults(values),
  ]);
  const config = makeConfig(reading.values, sources.terminal ?? false);
  const { registration: REGISTRATION, logFormat: LOG_FORMAT, loopback, port } = config;
  const derived = {
    REGISTRATION,
    LOG_FORMAT,
    ...(loopback && port !== 0 ? { ISSUER: ownIssuer(config, port) } : {}),
  };
  return {
    config,
    reading,
    derived,
    generated: secretFiles(config.dataDir),
    warnings: [...opennessWarnings(config), ...sourceWarnings(config.rateSource, reading.origins)],
  };
}

/** The files of generated secrets, by the setting that each stands for. */
export function secretFiles(dataDir: string) {
  return {
    ADMIN_SECRET: join(dataDir, 'admin-secret'),
    KEY_ENCRYPTION_KEY: join(dataDir, 'key-encryption-key'),
  } as const;
}

function makeConfig(values: Values<typeof SETTINGS>, terminal: boolean): Config {
  const loopback = isLoopbackName(values.HOST);
  const ownMachine = loopback && (values.ISSUER === null || isLoopbackName(new URL(values.ISSUER).hostname));
  return Object.freeze({
    host: values.HOST,
    port: values.PORT,
    loopback,
    issuer: values.ISSUER,
    publicUrls: values.PUBLIC_URLS,
    databaseUrl: values.DATABASE_URL,
    dataDir: values.DATA_DIR,
    adminSecret: values.ADMIN_SECRET,
    registration: values.REGISTRATION ?? (ownMachine ? 'open' : 'admin'),
    accessTokenTtlSeconds: values.ACCESS_TOKEN_TTL_SECONDS,
    signingAlg: values.SIGNING_ALG,
    keyEncryptionKey: values.KEY_ENCRYPTION_KEY,
    previousKeyEncryptionKey: values.KEY_ENCRYPTION_KEY_PREVIOUS,
    tickSeconds: values.TICK_SECONDS,
    tickVolatility: values.TICK_VOLATILITY,
    rateSeed: values.RATE_SEED,
    rateSource: values.RATE_SOURCE,
    retentionAuditMs: retention(values.RETENTION_AUDIT),
    retentionTicksMs: retention(values.RETENTION_TICKS),
    retentionCandlesMs: candleRetention(values.RETENTION_CANDLES),
    tls: tlsFilesOf(values),
    mtlsCaFile: values.MTLS_CA_FILE,
    metricsToken: values.METRICS_TOKEN,
    jwksUriAllowPrivate: values.JWKS_URI_ALLOW_PRIVATE === 'true',
    redisUrl: values.REDIS_URL,
    workers: values.WORKERS,
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    limits: limitsIn(values),
    trustedProxies: values.TRUSTED_PROXIES,
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT ?? (terminal ? 'pretty' : 'json'),
  });
}
