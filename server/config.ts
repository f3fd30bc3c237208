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

/** Who may register: anyone, the administrator, nobody. */
export type RegistrationMode = 'open' | 'admin' | 'closed';

/** What crypto-server runs on. Null stands for what is found or made at the start. */
export interface Config {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** True when only this machine can reach the server. */
  readonly loopback: boolean;
  /** Null: `http://localhost:<bound port>`. */
  readonly issuer: string | null;
  readonly publicUrls: readonly string[];
  /** Null: the embedded database. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  readonly adminSecret: string | null;
  readonly registration: RegistrationMode;
  readonly accessTokenTtlSeconds: number;
  readonly keyEncryptionKey: string | null;
  readonly tickSeconds: number;
  readonly tickVolatility: number;
  readonly rateSeed: string | null;
  readonly logLevel: LogLevel;
  /** Null: pretty on a terminal, else JSON. */
  readonly logFormat: LogFormat | null;
}

const secret = (min: number) => text({ min, max: 1024, what: `a secret of at least ${min} characters` });

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
    parse: orNull(secret(16)),
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
  KEY_ENCRYPTION_KEY: setting({
    about: 'encrypts private signing keys at rest; generated once into DATA_DIR/key-encryption-key',
    parse: orNull(secret(32)),
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
  LOG_LEVEL: COMMON_SETTINGS.LOG_LEVEL,
  LOG_FORMAT: COMMON_SETTINGS.LOG_FORMAT,
} as const;

/** Settings of the product that this version does not act on. */
const UNSUPPORTED = [
  'SIGNING_ALG',
  'KEY_ENCRYPTION_KEY_PREVIOUS',
  'RATE_SOURCE',
  'RETENTION_TICKS',
  'RETENTION_CANDLES',
  'RETENTION_AUDIT',
  'REDIS_URL',
  'TLS_CERT_FILE',
  'TLS_KEY_FILE',
  'TLS_CLIENT_CA_FILE',
  'MTLS_CA_FILE',
  'METRICS_TOKEN',
  'JWKS_URI_ALLOW_PRIVATE',
  'WORKERS',
  'RATE_LIMIT',
  'LIMIT_API',
  'LIMIT_TOKEN',
  'LIMIT_FAILED',
  'LIMIT_REGISTER',
  'TRUSTED_PROXIES',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
];

/** The configuration of this program. */
export type Configuration = Configured<Config, typeof SETTINGS>;

/** Reads the configuration. Pure. @throws ConfigFault with every fault at once. */
export function readConfig(sources: Sources): Configuration {
  const reading = readSettings(SETTINGS, sources, UNSUPPORTED, faultsTogether);
  const config = makeConfig(reading.values);
  const { registration: REGISTRATION, loopback, port } = config;
  const derived = { REGISTRATION, ...(loopback && port !== 0 ? { ISSUER: `http://localhost:${port}` } : {}) };
  return {
    config,
    reading,
    derived,
    warnings: [...reading.warnings, ...plainHttpWarnings(config), ...openWarnings(config)],
  };
}

function faultsTogether({ HOST, ISSUER }: Values<typeof SETTINGS>): string[] {
  if (ISSUER !== null || isLoopbackName(HOST)) return [];
  return [
    `ISSUER is required while HOST (${HOST}) is not a loopback address: the public base URL, such as https://auth.example.com`,
  ];
}

function makeConfig(values: Values<typeof SETTINGS>): Config {
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
    keyEncryptionKey: values.KEY_ENCRYPTION_KEY,
    tickSeconds: values.TICK_SECONDS,
    tickVolatility: values.TICK_VOLATILITY,
    rateSeed: values.RATE_SEED,
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT,
  });
}

function openWarnings({ registration, loopback, issuer }: Config): string[] {
  const reachable = !loopback || (issuer !== null && !isLoopbackName(new URL(issuer).hostname));
  if (registration !== 'open' || !reachable) return [];
  return ['REGISTRATION is open beyond this machine: anybody who reaches the server can register and read the rates'];
}

function plainHttpWarnings({ issuer, publicUrls }: Config): string[] {
  const plain = [issuer, ...publicUrls].filter(
    (url) => url?.startsWith('http:') && !isLoopbackName(new URL(url).hostname),
  );
  return plain.map(
    (url) => `${url} is plain http beyond this machine: secrets and tokens can be read on the way; use https`,
  );
}

/** An origin: paths would move the well-known documents (RFC 8414 §3.1), and there is no use for them here. */
function baseUrl(given: string): string {
  const expected = 'a base URL without path, such as https://auth.example.com';
  if (!/^https?:\/\/\S+$/.test(given) || !URL.canParse(given)) throw new Error(expected);
  const { origin, pathname, search, hash, username, password } = new URL(given);
  if (pathname !== '/' || search + hash + username + password !== '') throw new Error(expected);
  return origin;
}

function databaseUrl(given: string): string {
  if (!/^postgres(?:ql)?:\/\/\S+$/.test(given) || !URL.canParse(given))
    throw new Error('a URL such as postgres://user:password@host:5432/database');
  return given;
}
