// A client without a port before a real crypto-server, both under one clock that is moved by hand. What it sends and keeps can be cut off at any point.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Database } from '../../db/connect';
import { captureLog } from '../../kit/testing';
import { startTestServer, type TestServer, type TestServerOptions } from '../../server/testing';
import { readConfig } from '../config';
import { createServices, type Services } from '../services';
import { clientFolder } from './joined';
import { type PassUntil, passing } from './passing';
import { countTokenRequests } from './token-requests';
import { createWorld, noSocket, type World } from './world';

/** A server and a folder for its clients. */
export interface Real {
  readonly world: World;
  readonly server: TestServer;
  readonly database: Database;
  /** Token requests that the server was sent. */
  tokenRequests(): number;
  /** A client on the folder of this name. */
  client(options?: RealClientOptions): RealClient;
  readonly passUntil: PassUntil;
  close(): Promise<void>;
}

/** What may differ from a client that knows its server alone. */
export interface RealClientOptions {
  readonly env?: Record<string, string>;
  readonly folder?: string;
  /** The client is dead from this point on: before it sends, before it hears the answer, before it writes. Counted from 1 by {@link RealClient.live}. */
  readonly dieAt?: number;
  /** It only stumbles there: what comes after goes well. */
  readonly once?: boolean;
}

/** A client that may die. */
export interface RealClient {
  readonly services: Services;
  readonly logged: string[];
  /** Begins to count the points at which it may die. */
  live(): void;
  /** Counts no more, unless it is dead. */
  calm(): void;
  /** How many of them it has passed. */
  points(): number;
  close(): void;
}

/** Starts a server on this database. */
export async function startReal(database: Database, settings: TestServerOptions['settings'] = {}): Promise<Real> {
  const world = createWorld();
  const tokenRequests = countTokenRequests();
  const server = await startTestServer(database, {
    settings: { now: world.clock.now, ...settings },
    change: tokenRequests.change,
  });
  const folders = clientFolder();
  const open = new Set<RealClient>();
  return {
    world,
    server,
    database,
    tokenRequests: tokenRequests.count,
    client({ env = {}, folder = 'data', dieAt = Number.POSITIVE_INFINITY, once = false } = {}) {
      const where = { CRYPTO_SERVER_URL: server.issuer, DATA_DIR: join(folders.path, folder) };
      const client = startClient(world, { ...where, ...env }, { dieAt, once });
      open.add(client);
      return client;
    },
    passUntil: passing(world, 1_000),
    async close() {
      for (const client of open) client.close();
      await server.close();
      folders.remove();
    },
  };
}

function startClient(
  world: World,
  env: Record<string, string>,
  { dieAt, once }: { dieAt: number; once: boolean },
): RealClient {
  const { config } = readConfig({ env, flags: {}, readFile: () => '' });
  const { log, logged } = captureLog('crypto-client', world.clock.now);
  let counts = false;
  let points = 0;
  const pass = (): void => {
    if (!counts) return;
    points += 1;
    if (once ? points === dieAt : points >= dieAt) throw new Error('it is dead');
  };
  const services = createServices(config, {
    ...world,
    random: () => world.chance,
    // Every row that is written takes a nonce.
    randomBytes: (length) => {
      pass();
      return new Uint8Array(randomBytes(length));
    },
    openSocket: noSocket,
    fetch: async (request) => {
      pass();
      const response = await fetch(request);
      pass();
      return response;
    },
    deadline: (ms) => AbortSignal.timeout(ms),
    lookup: async () => ['127.0.0.1'],
    log,
  });
  let closed = false;
  return {
    services,
    logged,
    live() {
      counts = true;
    },
    calm() {
      counts = points >= dieAt && !once;
    },
    points: () => points,
    close() {
      if (!closed) services.close();
      closed = true;
    },
  };
}
