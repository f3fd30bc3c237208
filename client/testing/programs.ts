// Both programs for real: replicas of the server on one PostgreSQL, each behind a network that can be cut, and a client before them.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { freePort, startPostgres, type TestPostgres } from '../../db/testing-postgres';
import { commandOf } from '../../kit/testing';
import { ADMIN_SECRET, waitFor } from '../../server/testing';
import { type ServerProcess, startServerProcess } from '../../server/testing-process';
import type { StatusReport } from '../status/report';
import { clientFolder } from './joined';
import { layWire, type Wire } from './wire';

/** One replica and the way to it. */
export interface Replica {
  readonly wire: Wire;
  /** The process of now. */
  process(): ServerProcess;
  /** Kills it as the system does when memory runs out. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  restart(): Promise<void>;
  /** Asks it directly, as its administrator. */
  admin(path: string, init?: RequestInit): Promise<Response>;
}

/** Everything under way. */
export interface Programs {
  readonly postgres: TestPostgres;
  readonly replicas: readonly Replica[];
  /** Asks the client. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  status(): Promise<StatusReport>;
  /** Everything that the client has logged. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts `count` replicas and a client that knows them all. Tokens live for `tokenSeconds`. */
export async function startPrograms(count: number, tokenSeconds: number): Promise<Programs> {
  const folder = clientFolder();
  const postgres = await startPostgres({ fast: true });
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const shared = {
    DATABASE_URL: postgres.url,
    ADMIN_SECRET,
    ISSUER: `http://localhost:${ports[0]}`,
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
    ACCESS_TOKEN_TTL_SECONDS: String(tokenSeconds),
    TICK_SECONDS: '1',
  };
  const replicas: Replica[] = [];
  // One after another: the first makes the tables and the keys.
  for (const port of ports) {
    const env = { ...shared, PORT: String(port), DATA_DIR: join(folder.path, `server-${port}`) };
    replicas.push(await startReplica(port, env));
  }
  const client = startClient({
    CRYPTO_SERVER_URL: replicas.map(({ wire }) => wire.url).join(),
    ISSUER: shared.ISSUER,
    DATA_DIR: join(folder.path, 'client'),
    PORT: String(await freePort()),
    FETCH_SECONDS: '1',
    LOG_FORMAT: 'json',
  });
  await waitFor(
    () =>
      client.ask('/health/ready').then(
        ({ ok }) => ok,
        () => false,
      ),
    'the client',
  );
  return {
    postgres,
    replicas,
    ask: client.ask,
    status: async () => (await (await client.ask('/api/status')).json()) as StatusReport,
    log: client.log,
    async stop() {
      await client.stop();
      for (const { process, wire } of replicas) {
        process().signal('SIGKILL');
        await process().exited;
        await wire.cut();
      }
      await postgres.close();
      folder.remove();
    },
  };
}

async function startReplica(port: number, env: Record<string, string>): Promise<Replica> {
  let current = await startServerProcess(env);
  const wire = await layWire(port);
  return {
    wire,
    process: () => current,
    async kill() {
      current.signal('SIGKILL');
      await current.exited;
    },
    async restart() {
      current = await startServerProcess(env);
    },
    admin: (path, init = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        ...init,
        headers: { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'application/json' },
      }),
  };
}

function startClient(env: Record<string, string>) {
  const child = Bun.spawn(commandOf('client'), { env, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' });
  let log = '';
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) log += decoder.decode(chunk, { stream: true });
  })();
  return {
    log: () => log,
    ask: (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${env['PORT']}${path}`, init),
    async stop() {
      child.kill('SIGTERM');
      await child.exited;
      await reading;
    },
  };
}
