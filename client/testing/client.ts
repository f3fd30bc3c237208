import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureLog } from '../../kit/testing';
import { servingPassword } from '../access/password';
import { createApp } from '../app';
import { type Config, readConfig } from '../config';
import type { OpenSocket } from '../ports';
import { createServices, type Services, type Surroundings } from '../services';
import { createDouble, type Double, type DoubleOptions } from './double';
import { createWorld, noDeadline, noSocket, type World } from './world';

/** The active credential as tests look at it. */
export function accountOf({ credentials }: Pick<Services, 'credentials'>) {
  const session = () => credentials.get(null);
  return {
    active() {
      const { client_id, app_name: appName, origin, registered } = session().view(true);
      return { clientId: client_id ?? '', appName, origin, registered };
    },
    token: () => session().tokens.token(),
    register: () => session().register(),
  };
}

/** A whole client without a port, before a server of another make, in a world of its own. */
export interface TestClient {
  readonly world: World;
  readonly double: Double;
  readonly services: Services;
  readonly config: Config;
  /** Every log line, as JSON text. */
  readonly logged: string[];
  /** Asks the client's own API, as a local program does. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Sends a JSON body. */
  post(path: string, body?: unknown): Promise<Response>;
  /** Another client on the same vault, before the same server, as after a restart. */
  restart(env?: Record<string, string>): TestClient;
  /** Ends it and takes its folder away. */
  end(): void;
}

/** What may differ from a client that nobody has configured. */
export interface TestClientOptions {
  readonly env?: Record<string, string>;
  readonly double?: Partial<DoubleOptions>;
  readonly fetch?: (request: Request) => Promise<Response>;
  readonly openSocket?: OpenSocket;
}

/** Makes a client; nothing is fetched before it is asked. */
export function createTestClient(options: TestClientOptions = {}): TestClient {
  const { env = {}, double: wanted = {}, fetch, openSocket = noSocket } = options;
  const world = createWorld();
  const double = createDouble({ now: world.clock.now, ...wanted });
  const root = mkdtempSync(join(tmpdir(), 'client-'));
  return assemble(
    { DATA_DIR: join(root, 'data'), ...env },
    world,
    double,
    { fetch: fetch ?? double.fetch, openSocket },
    root,
  );
}

function assemble(
  env: Record<string, string>,
  world: World,
  double: Double,
  network: Pick<Surroundings, 'fetch' | 'openSocket'>,
  root: string,
): TestClient {
  const { config } = readConfig({ env, flags: {}, readFile: () => '' });
  const { log, logged } = captureLog('crypto-client', world.clock.now);
  const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const given = {
    ...world,
    random: () => world.chance,
    randomBytes,
    ...network,
    deadline: noDeadline,
    lookup: async () => ['127.0.0.1'],
    log,
  };
  const services = createServices(config, given);
  const app = createApp(services, {
    ...config,
    ...given,
    password: servingPassword(config, randomBytes)?.password ?? null,
    serving: () => true,
    certificateEndsMs: () => null,
    accessLog: 'all',
    idPrefix: 'test',
  });
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (!headers.has('host')) headers.set('host', 'localhost:8001');
    return app.handle(new Request(`http://localhost:8001${path}`, { ...init, headers }));
  };
  return {
    world,
    double,
    services,
    config,
    logged,
    ask,
    post: (path, body) =>
      body === undefined
        ? ask(path, { method: 'POST' })
        : ask(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    restart(changes = {}) {
      services.close();
      return assemble({ ...env, ...changes }, world, double, network, root);
    },
    end() {
      services.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
