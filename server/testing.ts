// A whole server on a free port, whose clock and ticks are moved by hand.
import { randomBytes, randomUUID } from 'node:crypto';
import type { Database } from '../db/connect';
import { freePort } from '../db/testing-postgres';
import { TRANSPORT_BODY_BYTES_MAX } from '../kit/http/edge';
import { createLog } from '../kit/logs';
import { type App, createApp } from './app';
import { openChanges } from './wiring/changes';
import { createServices, type Services } from './wiring/services';
import type { Surroundings } from './wiring/surroundings';

/** 2026-01-01T00:00:00.000Z */
export const START_MS = 1_767_225_600_000;

/** The administrator's secret of every test server. */
export const ADMIN_SECRET = 'the-admin-secret-of-tests';

/** Id and secret of a client. */
export interface TestClient {
  readonly id: string;
  readonly secret: string;
}

/** A server that answers on 127.0.0.1. */
export interface TestServer {
  readonly port: number;
  /** Where it listens. */
  readonly url: string;
  readonly issuer: string;
  readonly app: App;
  readonly services: Services;
  /** Every log line, as JSON text. */
  readonly logged: string[];
  /** Milliseconds since the epoch, moved by `pass` alone. */
  now(): number;
  pass(ms: number): void;
  /** False makes it a server that is stopping. */
  serving: boolean;
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** A new client. */
  register(): Promise<TestClient>;
  /** An access token of the client, or of a new one. */
  token(client?: TestClient): Promise<string>;
  /** `GET` with the token. */
  read(path: string, token: string, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

/** What may differ from a server that nobody has configured. `change` may wrap or replace services. */
export interface TestServerOptions {
  /** A free one when left out. */
  readonly port?: number;
  readonly settings?: Partial<Surroundings>;
  readonly change?: (services: Services) => Services;
}

/** Starts a server on a migrated database. It does not tick by itself. */
export async function startTestServer(database: Database, options: TestServerOptions = {}): Promise<TestServer> {
  const port = options.port ?? (await freePort());
  const issuer = `http://localhost:${port}`;
  const logged: string[] = [];
  let nowMs = START_MS;
  let closed: Promise<void> | null = null;
  const usual = surroundings(issuer, logged, () => nowMs);
  const databaseNow = (): Promise<number> => Promise.resolve(given.now());
  const given: Surroundings = { ...usual, databaseNow, ...options.settings };
  const made = createServices(database, given);
  const services = options.change?.(made) ?? made;
  // The heartbeat of the change feed is real time, whatever the clock of the test says.
  const changes = await openChanges({ ...given, database, elapsed: () => performance.now() });
  const app = createApp(services, given, () => server.serving);
  await services.open(changes);
  app.listen({ hostname: '127.0.0.1', port, reusePort: false, maxRequestBodySize: TRANSPORT_BODY_BYTES_MAX });
  const url = `http://127.0.0.1:${port}`;
  const ask = (path: string, init?: RequestInit): Promise<Response> => fetch(`${url}${path}`, init);
  const server: TestServer = {
    port,
    url,
    issuer: given.issuer,
    app,
    services,
    logged,
    now: () => nowMs,
    pass: (ms) => {
      nowMs += ms;
    },
    serving: true,
    ask,
    register: async () => {
      const client = { id: `client-${randomUUID()}`, secret: `secret ${randomUUID()} ż%:+` };
      const answer = await ask('/api/auth/register', {
        ...json({ client_id: client.id, client_secret: client.secret, app_name: 'Tests' }, 'POST'),
        headers: {
          'content-type': 'application/json',
          ...(given.registration === 'open' ? {} : { 'x-admin-secret': given.adminSecret }),
        },
      });
      if (answer.status !== 200) throw new Error(`registration: ${answer.status} ${await answer.text()}`);
      return client;
    },
    token: async (client) => {
      const { id, secret } = client ?? (await server.register());
      const answer = await ask('/api/auth/token', json({ client_id: id, client_secret: secret }, 'POST'));
      if (answer.status !== 200) throw new Error(`token: ${answer.status} ${await answer.text()}`);
      return ((await answer.json()) as { access_token: string }).access_token;
    },
    read: (path, token, headers = {}) => ask(path, { headers: { ...headers, authorization: `Bearer ${token}` } }),
    close: () => {
      services.source.close();
      closed ??= app
        .stop(true)
        .then(services.audit.close)
        .then(changes.close)
        .then(() => services.redis?.close());
      return closed;
    },
  };
  return server;
}

function surroundings(issuer: string, logged: string[], now: () => number): Surroundings {
  return {
    issuer,
    publicUrls: [],
    redisUrl: null,
    tls: null,
    loopback: true,
    registration: 'open',
    adminSecret: ADMIN_SECRET,
    accessTokenTtlSeconds: 7_200,
    encryptionKey: () => 'the-key-encryption-key-of-all-tests',
    encryptionKeyName: 'KEY_ENCRYPTION_KEY',
    tickSeconds: 3,
    workers: 1,
    tickVolatility: 0.005,
    rateSeed: 'seed',
    exchange: null,
    fetch: () => Promise.reject(new Error('nobody is asked for prices')),
    openSocket: () => {
      throw new Error('nobody is asked for prices');
    },
    hashConcurrency: 1,
    // The least there is: thousands of tests register somebody, and one looks at the real cost.
    hashCost: { memoryCost: 8, timeCost: 1 },
    signingAlg: 'ES256',
    previousEncryptionKey: null,
    retentionAuditMs: 400 * 86_400_000,
    retentionTicksMs: 7 * 86_400_000,
    retentionCandlesMs: 90 * 86_400_000,
    auditHead: { read: () => null, write: () => {} },
    mtlsAuthorities: null,
    metricsToken: null,
    jwksUriAllowPrivate: false,
    jwksAuthorities: null,
    resolve: () => Promise.resolve([]),
    limits: null,
    trusted: () => false,
    behindProxy: false,
    certificateEndsMs: () => null,
    accessLog: 'all',
    spans: null,
    seat: null,
    log: createLog({
      service: 'crypto-server',
      version: '0',
      level: 'debug',
      format: 'json',
      write: (line) => void logged.push(line),
      now,
      colour: false,
    }),
    now,
    elapsed: now,
    databaseNow: null,
    randomBytes,
    newId: randomUUID,
  };
}

/** A request with a JSON body. */
export function json(body: unknown, method = 'POST'): RequestInit {
  return { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

/** A request with a form body (RFC 6749 appendix B). */
export function form(parameters: Record<string, string> | string, headers: Record<string, string> = {}): RequestInit {
  const body = typeof parameters === 'string' ? parameters : new URLSearchParams(parameters).toString();
  return { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } };
}

/** The `Authorization` value of `client_secret_basic` (RFC 6749 §2.3.1): id and secret form-encoded. */
export function basic({ id, secret }: TestClient): string {
  const encode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}

/** The parameters of a challenge: `Bearer realm="x", error="y"` → scheme and pairs. */
export function challengeOf(answer: Response): Record<string, string> {
  const header = answer.headers.get('www-authenticate') ?? '';
  const pairs = [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]);
  return { scheme: header.split(' ')[0] ?? '', ...Object.fromEntries(pairs) };
}

/** Looks again every 20 ms until `check` holds. Rejects after a time that no healthy machine needs. */
export async function waitFor(check: () => boolean | Promise<boolean>, what: string, patienceMs = 20_000) {
  const deadline = performance.now() + patienceMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(20);
  }
}
