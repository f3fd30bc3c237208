// Several servers as processes of their own behind HAProxy, on one PostgreSQL and one Redis; the last server reaches both through a
// network that can be cut.
import { join } from 'node:path';
import { type Partition, startPartition } from '../db/testing-partition';
import { freePort, startPostgres, type TestPostgres } from '../db/testing-postgres';
import { HAPROXY } from './authentication/testing-proxy';
import { startRedis, type TestRedis } from './redis/testing-redis';
import { ADMIN_SECRET, waitFor } from './testing';
import { type ServerProcess, startServerProcess, temporaryFolder } from './testing-process';

/** What runs. */
export interface Cluster {
  /** Of the balancer, and so of the issuer. */
  readonly url: string;
  /** Of each server; the last one can be cut off. */
  readonly urls: readonly string[];
  readonly postgres: TestPostgres;
  readonly redis: TestRedis;
  /** Cuts the last server off from PostgreSQL and Redis. */
  cut(): void;
  heal(): void;
  /** SIGKILL. */
  kill(at: number): Promise<void>;
  /** Starts a killed one again, and waits until it is ready. */
  start(at: number): Promise<void>;
  /** Of all that is ready, what /health/ready of a server says of itself; `gone` where nobody answers. */
  state(at: number): Promise<string>;
  /** Everything the servers logged. */
  logs(): string;
  close(): Promise<void>;
}

const CONFIGURATION = join(import.meta.dir, '../deploy/haproxy/haproxy.cfg');

const SERVERS = 3;

/** Far above what a test asks for: Redis is asked on each request, and nobody is refused. */
const LIMITS = { LIMIT_API: '100000/s', LIMIT_TOKEN: '100000/s', LIMIT_FAILED: '100000/s', LIMIT_REGISTER: '100000/s' };

/** Starts everything, and waits until the balancer answers. */
export async function startCluster(): Promise<Cluster> {
  const folder = temporaryFolder();
  const [postgres, redis, bind] = await Promise.all([startPostgres({ fast: true }), startRedis(), freePort()]);
  const partitions = await Promise.all([startPartition(postgres.port), startPartition(redis.port)]);
  const ports: number[] = [];
  while (ports.length < SERVERS) ports.push(await freePort());
  const url = `http://localhost:${bind}`;
  const environment = environments({ url, folder: folder.path, postgres, redis, partitions });
  const servers: ServerProcess[] = [];
  let logs = '';
  const start = async (at: number): Promise<void> => {
    servers[at] = await startServerProcess({ PORT: String(ports[at]), ...environment(at) });
    await waitFor(async () => (await state(at)) === 'ok', `server ${at} to be ready`);
  };
  const state = (at: number): Promise<string> =>
    fetch(`http://127.0.0.1:${ports[at]}/health/ready`, { signal: AbortSignal.timeout(2_000) })
      .then((answer) => answer.json() as Promise<{ status: string }>)
      .then(
        ({ status }) => status,
        () => 'gone',
      );
  const kill = async (at: number): Promise<void> => {
    servers[at]?.signal('SIGKILL');
    await servers[at]?.exited;
    logs += servers[at]?.err() ?? '';
  };
  // The first one makes what all have in common.
  await start(0);
  await Promise.all(ports.slice(1).map((_, at) => start(at + 1)));
  const balancer = startBalancer(bind, ports);
  await waitFor(() => isOk(`${url}/health`), 'HAProxy to answer');
  return {
    url,
    urls: ports.map((port) => `http://127.0.0.1:${port}`),
    postgres,
    redis,
    cut: () => void partitions.map((partition) => partition.cut()),
    heal: () => void partitions.map((partition) => partition.heal()),
    kill,
    start,
    state,
    logs: () => logs + servers.map((server) => server.err()).join(''),
    close: async () => {
      balancer.kill('SIGKILL');
      await Promise.all(ports.map((_, at) => kill(at)));
      await Promise.all([...partitions, redis, postgres].map((one) => one.close()));
      folder.remove();
    },
  };
}

interface Standing {
  readonly url: string;
  readonly folder: string;
  readonly postgres: TestPostgres;
  readonly redis: TestRedis;
  readonly partitions: readonly Partition[];
}

function environments({ url, folder, postgres, redis, partitions }: Standing) {
  return (at: number): Record<string, string> => {
    const [database = postgres, memory = redis] = at === SERVERS - 1 ? partitions : [];
    return {
      ISSUER: url,
      DATABASE_URL: postgres.url.replace(`:${postgres.port}/`, `:${database.port}/`),
      REDIS_URL: redis.url.replace(`:${redis.port}`, `:${memory.port}`),
      DATA_DIR: join(folder, String(at)),
      ADMIN_SECRET,
      KEY_ENCRYPTION_KEY: 'the-key-that-all-servers-have-in-common',
      TICK_SECONDS: '1',
      RATE_LIMIT: 'on',
      ...LIMITS,
    };
  };
}

function startBalancer(bind: number, ports: readonly number[]): Bun.Subprocess {
  const [a, b, c] = ports.map((port) => `127.0.0.1:${port}`);
  const env = { BIND: `127.0.0.1:${bind}`, SERVER_A: a, SERVER_B: b, SERVER_C: c };
  return Bun.spawn([HAPROXY ?? '', '-db', '-f', CONFIGURATION], { env, stdout: 'ignore', stderr: 'ignore' });
}

function isOk(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
