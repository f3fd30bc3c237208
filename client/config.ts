import {
  type Configuration as Configured,
  integer,
  list,
  readSettings,
  type Sources,
  setting,
  text,
  type Values,
} from '../kit/config';
import { isLoopbackName } from '../kit/http/origin';
import type { LogFormat, LogLevel } from '../kit/logs';
import { COMMON_SETTINGS, orNull } from '../kit/settings';
import type { PairFiles } from '../kit/tls/material';
import { TLS_SETTINGS, type TlsFiles, tlsFaults, tlsFilesOf } from '../kit/tls/settings';
import { passwordFile } from './access/password';
import { parseVaultKey, vaultKeyFile } from './vault/key';

/** What crypto-client runs on. */
export interface Config {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** True when only this machine can reach the client. */
  readonly loopback: boolean;
  /** Base URL of the server, without a slash at the end; of several, the first. */
  readonly serverUrl: string;
  /** Base URLs of all servers, which stand for each other. */
  readonly serverUrls: readonly string[];
  /** The issuer that the server's metadata must name. */
  readonly issuer: string;
  /** Null: the credential in the vault, or one of its own. */
  readonly credential: { readonly clientId: string; readonly clientSecret: string } | null;
  readonly appName: string;
  readonly adminSecret: string | null;
  /** An initial access token (RFC 7591 §3), or null. */
  readonly registrationToken: string | null;
  /** How old a secret may become; null: only those that end are replaced. */
  readonly rotateSecretDays: number | null;
  readonly dataDir: string;
  /** Null: kept in the data folder. */
  readonly vaultKey: Uint8Array | null;
  /** The key before, while everything is sealed anew; null: there is none. */
  readonly vaultKeyPrevious: Uint8Array | null;
  /** Of exports and imports; null: it comes from elsewhere. */
  readonly vaultPassphrase: string | null;
  readonly fetchSeconds: number;
  /** Base URLs below which `/proxy` may reach, without a slash at the end; null: those of the credential's servers. */
  readonly proxyTargets: readonly string[] | null;
  /** Null: none is needed on loopback; beyond it one is made in the data folder. */
  readonly dashboardPassword: string | null;
  /** Null: plain http. */
  readonly tls: TlsFiles | null;
  /** The certificate that is shown to {@link serverUrls} where they ask for one; null: there is none. */
  readonly ownCertificate: PairFiles | null;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** Characters of a client id; the server's own rule. */
export const CLIENT_ID_PATTERN = /^[A-Za-z0-9._~-]{1,128}$/;

/** No C0 controls, DEL or C1 controls. */
const WITHOUT_CONTROLS = /^\P{Cc}*$/u;

const plain = (max: number, what: string) => text({ max, pattern: WITHOUT_CONTROLS, what });

/** Every setting of crypto-client, by environment name. */
export const SETTINGS = {
  HOST: COMMON_SETTINGS.HOST,
  PORT: setting({ about: 'port to listen on; 0 for a free one', parse: integer(0, 65_535), fallback: 8001 }),
  CRYPTO_SERVER_URL: setting({
    about: 'base URL of crypto-server, or several separated by commas',
    parse: list(readServerUrl),
    fallback: ['http://localhost:8000'],
  }),
  ISSUER: setting({
    about: "issuer that the server's metadata must name; CRYPTO_SERVER_URL without it",
    parse: orNull(readIssuer),
    fallback: null,
  }),
  CLIENT_ID: setting({
    about: 'client id to use; without it the client makes its own credential',
    parse: orNull(text({ max: 128, pattern: CLIENT_ID_PATTERN, what: '1 to 128 characters of A-Z a-z 0-9 . _ ~ -' })),
    fallback: null,
  }),
  CLIENT_SECRET: setting({
    about: 'secret of CLIENT_ID',
    parse: orNull(plain(256, '1 to 256 characters without control characters')),
    fallback: null,
    secret: true,
  }),
  APP_NAME: setting({
    about: 'name under which the client registers',
    parse: plain(128, '1 to 128 characters without control characters'),
    fallback: 'crypto-client',
  }),
  ADMIN_SECRET: setting({
    about: "the server's administrator secret, where registration asks for it; never stored",
    parse: orNull(plain(1024, 'a secret without control characters')),
    fallback: null,
    secret: true,
  }),
  REGISTRATION_TOKEN: setting({
    about: 'initial access token, where registration asks for one; goes before ADMIN_SECRET; never stored',
    parse: orNull(plain(1024, 'a token without control characters')),
    fallback: null,
    secret: true,
  }),
  ROTATE_SECRET_DAYS: setting({
    about: 'days after which the client changes its secret at the server; without it only before a secret ends',
    parse: orNull(integer(1, 3_650)),
    fallback: null,
  }),
  DATA_DIR: setting({ about: 'folder of the vault and its key', parse: text(), fallback: './data/client' }),
  VAULT_KEY: setting({
    about: 'key of the vault, 32 bytes as hexadecimal digits or base64; generated once into DATA_DIR/vault-key',
    parse: orNull(parseVaultKey),
    fallback: null,
    secret: true,
  }),
  VAULT_KEY_PREVIOUS: setting({
    about: 'key of the vault before; what it opens is sealed anew with the present one at the start',
    parse: orNull(parseVaultKey),
    fallback: null,
    secret: true,
  }),
  VAULT_PASSPHRASE: setting({
    about: 'passphrase of exports of the credentials',
    parse: orNull(plain(1024, 'a passphrase without control characters')),
    fallback: null,
    secret: true,
  }),
  FETCH_SECONDS: setting({
    about: 'seconds between two fetches of the rates',
    parse: integer(1, 86_400),
    fallback: 10,
  }),
  PROXY_TARGETS: setting({
    about: "base URLs that /proxy may reach, separated by commas; the credential's servers without it",
    parse: list(proxyTarget),
    fallback: [],
  }),
  DASHBOARD_PASSWORD: setting({
    about:
      'password of the API and the page; none on a loopback HOST, else generated once into DATA_DIR/dashboard-password',
    parse: orNull(plain(256, '1 to 256 characters without control characters')),
    fallback: null,
    secret: true,
  }),
  ...TLS_SETTINGS,
  SERVER_TLS_CERT_FILE: setting({
    about: 'certificate (PEM) that is shown to the servers of CRYPTO_SERVER_URL where they ask for one',
    parse: orNull(text()),
    fallback: null,
  }),
  SERVER_TLS_KEY_FILE: setting({
    about: 'private key (PEM) of SERVER_TLS_CERT_FILE',
    parse: orNull(text()),
    fallback: null,
  }),
  LOG_LEVEL: COMMON_SETTINGS.LOG_LEVEL,
  LOG_FORMAT: COMMON_SETTINGS.LOG_FORMAT,
} as const;

/** The configuration of this program. */
export type Configuration = Configured<Config, typeof SETTINGS>;

/** Reads the configuration. Pure. Throws ConfigFault with every fault at once. */
export function readConfig(sources: Sources): Configuration {
  const reading = readSettings(SETTINGS, sources, faultsTogether);
  const config = makeConfig(reading.values, sources.terminal ?? false);
  return {
    config,
    reading,
    derived: { ISSUER: config.issuer, LOG_FORMAT: config.logFormat },
    generated: {
      VAULT_KEY: vaultKeyFile(config.dataDir),
      ...(config.loopback ? {} : { DASHBOARD_PASSWORD: passwordFile(config.dataDir) }),
    },
    warnings: warningsOf(config),
  };
}

function faultsTogether(values: Values<typeof SETTINGS>): string[] {
  const { CLIENT_ID, CLIENT_SECRET, CRYPTO_SERVER_URL } = values;
  const faults = tlsFaults(values);
  if (CLIENT_ID !== null && CLIENT_SECRET === null)
    faults.push('CLIENT_SECRET is missing: CLIENT_ID is set, set both or none');
  if (CLIENT_ID === null && CLIENT_SECRET !== null)
    faults.push('CLIENT_ID is missing: CLIENT_SECRET is set, set both or none');
  if ((values.SERVER_TLS_CERT_FILE === null) !== (values.SERVER_TLS_KEY_FILE === null))
    faults.push('SERVER_TLS_CERT_FILE and SERVER_TLS_KEY_FILE belong together: set both or none');
  if (CRYPTO_SERVER_URL.length === 0)
    faults.push('CRYPTO_SERVER_URL: expected a base URL such as http://localhost:8000');
  return faults;
}

function makeConfig(values: Values<typeof SETTINGS>, terminal: boolean): Config {
  const { HOST, CLIENT_ID, CLIENT_SECRET, CRYPTO_SERVER_URL } = values;
  const { SERVER_TLS_CERT_FILE: certFile, SERVER_TLS_KEY_FILE: keyFile } = values;
  const [first = ''] = CRYPTO_SERVER_URL;
  const both = CLIENT_ID !== null && CLIENT_SECRET !== null;
  return Object.freeze({
    host: HOST,
    port: values.PORT,
    loopback: isLoopbackName(HOST),
    serverUrl: first,
    serverUrls: [...new Set(CRYPTO_SERVER_URL)],
    issuer: values.ISSUER ?? first,
    credential: both ? Object.freeze({ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }) : null,
    appName: values.APP_NAME,
    adminSecret: values.ADMIN_SECRET,
    registrationToken: values.REGISTRATION_TOKEN,
    rotateSecretDays: values.ROTATE_SECRET_DAYS,
    dataDir: values.DATA_DIR,
    vaultKey: values.VAULT_KEY,
    vaultKeyPrevious: values.VAULT_KEY_PREVIOUS,
    vaultPassphrase: values.VAULT_PASSPHRASE,
    fetchSeconds: values.FETCH_SECONDS,
    proxyTargets: values.PROXY_TARGETS.length === 0 ? null : values.PROXY_TARGETS,
    dashboardPassword: values.DASHBOARD_PASSWORD,
    tls: tlsFilesOf(values),
    ownCertificate: certFile !== null && keyFile !== null ? Object.freeze({ certFile, keyFile }) : null,
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT ?? (terminal ? 'pretty' : 'json'),
  });
}

function warningsOf(config: Config): string[] {
  const { serverUrls, loopback, dashboardPassword } = config;
  const warnings: string[] = [];
  for (const url of serverUrls) {
    if (isPlainBeyond(url))
      warnings.push(
        `${url} is plain http beyond this machine: the secret and tokens can be read on the way; use https`,
      );
  }
  for (const target of config.proxyTargets ?? []) {
    if (isPlainBeyond(target))
      warnings.push(
        `${target} of PROXY_TARGETS is plain http beyond this machine: tokens can be read on the way; use https`,
      );
  }
  if (!loopback && config.tls === null) {
    warnings.push(
      'HOST is not a loopback address and this is plain http: the dashboard password and tokens can be read on the way; set TLS_CERT_FILE, or put a proxy with https in front',
    );
  }
  if (dashboardPassword !== null && dashboardPassword.length < PASSWORD_LENGTH_GOOD) {
    warnings.push(`DASHBOARD_PASSWORD is shorter than ${PASSWORD_LENGTH_GOOD} characters: choose a longer one`);
  }
  return warnings;
}

/** True for an address whose answers and tokens others on the way can read. */
function isPlainBeyond(url: string): boolean {
  return url.startsWith('http:') && !isLoopbackName(new URL(url).hostname);
}

/** Guesses are limited to 100 a minute; eight characters of anybody's choosing are still few. */
const PASSWORD_LENGTH_GOOD = 12;

const BASE_URL = 'a base URL such as https://rates.example.com';

/** An address that paths can be put behind: no query, no fragment, no password, no slash at the end. Throws Error with what is expected. */
export function readServerUrl(given: string): string {
  if (!/^https?:\/\/\S+$/.test(given) || !URL.canParse(given)) throw new Error(BASE_URL);
  const { origin, pathname, search, hash, username, password } = new URL(given);
  if (search + hash + username + password !== '') throw new Error(BASE_URL);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/** As a base URL; what is encoded in a path can be read in several ways, and a boundary must not be. */
function proxyTarget(given: string): string {
  const url = readServerUrl(given);
  if (url.includes('%')) throw new Error(`${BASE_URL} without percent signs`);
  return url;
}

/** Kept as it is written: issuers are compared character by character (RFC 8414 §3.3). Throws Error with what is expected. */
export function readIssuer(given: string): string {
  readServerUrl(given);
  return given;
}
