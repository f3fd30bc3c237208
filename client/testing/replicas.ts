// Several crypto-servers on one PostgreSQL, each at the end of a wire, and clients before them, all under one clock that is moved by hand.
import { join } from 'node:path';
import { connectPostgres, type Database } from '../../db/connect';
import { freshDatabaseUrl } from '../../db/testing';
import { freePort } from '../../db/testing-postgres';
import { startTestServer, type TestServer, type TestServerOptions } from '../../server/testing';
import { clientFolder, type JoinedClient, type JoinedOptions, startJoinedClient } from './joined';
import { type PassUntil, passing } from './passing';
import { countTokenRequests } from './token-requests';
import { layWire, type Wire } from './wire';
import { createWorld, type World } from './world';

/** One of the servers; a new one in its place after {@link Replica.revive}. */
export interface Replica {
  readonly wire: Wire;
  readonly server: TestServer;
  /** Ends it as a crash does: connections are broken off in the middle of answers, and nothing listens any more. */
  kill(): Promise<void>;
  /** Another process in its place, at the same address. */
  revive(): Promise<void>;
  isAlive(): boolean;
}

/** Servers that stand for each other. */
export interface Replicas {
  readonly world: World;
  readonly all: readonly Replica[];
  /** Moves the market, if it is time to. */
  tick(): Promise<void>;
  /** Token requests that all of them were sent. */
  tokenRequests(): number;
  /** A client that knows all of them, and its folder. */
  client(env?: Record<string, string>, options?: JoinedOptions): JoinedClient;
  readonly passUntil: PassUntil;
  close(): Promise<void>;
}

/** How the servers are. */
export interface ReplicasOptions {
  readonly count: number;
  /** A migrated PostgreSQL; else a new one. */
  readonly databaseUrl?: string;
  readonly settings?: TestServerOptions['settings'];
  /** How far their clock is ahead of the client's, in milliseconds. */
  readonly aheadMs?: number;
  /** True: their clock goes on evenly, whatever is done to the client's. */
  readonly steadyClock?: boolean;
}

/** Starts the servers. They do not tick by themselves. */
export async function startReplicas(options: ReplicasOptions): Promise<Replicas> {
  const { count, databaseUrl, settings = {}, aheadMs = 0, steadyClock = false } = options;
  const world = createWorld();
  const url = databaseUrl ?? (await freshDatabaseUrl());
  const folder = clientFolder();
  const issuer = `http://localhost:${await freePort()}`;
  const clients: JoinedClient[] = [];
  const { change, count: tokenRequests } = countTokenRequests();
  const { elapsed } = world.clock;
  const fromElapsedMs = world.clock.now() - elapsed();
  const now = (): number => (steadyClock ? fromElapsedMs + elapsed() : world.clock.now()) + aheadMs;
  const start = (database: Database, port: number): Promise<TestServer> =>
    startTestServer(database, { port, settings: { issuer, now, elapsed, ...settings }, change });
  const all: Replica[] = [];
  // One after the other: the first makes the signing key.
  for (let index = 0; index < count; index++) all.push(await startReplica(url, start));
  return {
    world,
    all,
    async tick() {
      await all.find((replica) => replica.isAlive())?.server.services.ticker.tick();
    },
    tokenRequests,
    client(env = {}, options = {}) {
      const urls = all.map(({ wire }) => wire.url).join(',');
      const where = { CRYPTO_SERVER_URL: urls, ISSUER: issuer, DATA_DIR: join(folder.path, 'data') };
      const client = startJoinedClient(world, { ...where, ...env }, options);
      clients.push(client);
      return client;
    },
    passUntil: passing(world, 500),
    async close() {
      for (const client of clients) await client.stop();
      for (const replica of all) await replica.kill();
      folder.remove();
    },
  };
}

async function startReplica(
  url: string,
  start: (database: Database, port: number) => Promise<TestServer>,
): Promise<Replica> {
  const port = await freePort();
  const wire = await layWire(port);
  let database = connectPostgres({ url });
  let server = await start(database, port);
  let isAlive = true;
  return {
    wire,
    get server() {
      return server;
    },
    isAlive: () => isAlive,
    async kill() {
      if (!isAlive) return;
      isAlive = false;
      await wire.cut();
      await server.close();
      await database.close();
    },
    async revive() {
      database = connectPostgres({ url });
      server = await start(database, port);
      await wire.mend();
      isAlive = true;
    },
  };
}
