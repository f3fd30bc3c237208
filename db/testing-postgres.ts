// A real PostgreSQL for tests, from the machine's own binaries: a cluster in a temporary folder that goes when the process does.
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Subprocess } from 'bun';
import { openConnection } from './connection';

/** For `setDefaultTimeout`: starting a database takes a second or two, but a machine under load gets this much. */
export const START_TIMEOUT_MS = 60_000;

/** Every single wait ends before its test does, to say what it waited for. */
const PATIENCE_MS = 30_000;

/** Throwaway data needs no disk: about three times faster. */
const FAST_SETTINGS = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

const SETTINGS = [
  'max_connections=200',
  'shared_buffers=32MB',
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
];

/**
 * Survives the tests however they end, because its input closes with the process that started it: then it stops the server and
 * deletes the folder. It signals only the process that the folder's own pid file names.
 */
const GUARDIAN = `trap "" INT TERM HUP; cat > /dev/null
pid=$(head -n 1 "$0/data/postmaster.pid" 2> /dev/null)
if [ -n "$pid" ]; then kill -QUIT "$pid"; kill -CONT "$pid"; fi
tries=0; while [ -n "$pid" ] && kill -0 "$pid" 2> /dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf "$0"`;

/** Control of one test server. Every wait is bounded; a failure shows the end of the server's own log. */
export interface TestPostgres {
  /** Of its database `postgres`. */
  readonly url: string;
  readonly port: number;
  urlOf(database: string): string;
  /** `fast` breaks connections off cleanly, `smart` waits for them, `immediate` is a crash with recovery at the next start. */
  stop(mode?: 'smart' | 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
  /** SIGKILL to the server and its children. */
  kill9(): Promise<void>;
  /** Stops every process of the server in its tracks: connections stay open and silent. */
  pause(): void;
  resume(): void;
  /** Stops the server and deletes its folder. */
  close(): Promise<void>;
}

/** The folder of the newest PostgreSQL binaries found, or null when this machine has none. */
export function findPostgres(): string | null {
  const onPath = Bun.which('postgres');
  const folders = onPath ? [dirname(realpathSync(onPath))] : [];
  for (const root of ['/usr/lib/postgresql', '/usr/local/lib/postgresql', '/opt/homebrew/opt']) {
    const versions = existsSync(root)
      ? readdirSync(root).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      : [];
    folders.push(...versions.map((version) => join(root, version, 'bin')));
  }
  return folders.find((folder) => ['postgres', 'initdb'].every((name) => existsSync(join(folder, name)))) ?? null;
}

/** How a cluster of tests may differ. */
export interface TestPostgresOptions {
  readonly fast?: boolean;
  /** Certificate and key (PEM), with which it speaks TLS to who asks for it. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Starts a cluster of its own, durable as in production unless `fast`. Throws when the machine has no PostgreSQL. */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const bin = findPostgres();
  if (!bin) throw new Error('No PostgreSQL on this machine: install its server package');
  const identity = unprivileged();
  const folder = mkdtempSync(join(tmpdir(), 'crypto-postgres-'));
  if (identity) chownSync(folder, identity.uid, identity.gid);
  const data = join(folder, 'data');
  const guardian = Bun.spawn(['sh', '-c', GUARDIAN, folder], {
    ...identity,
    cwd: '/',
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  guardian.unref();
  await initialise(bin, data, identity);

  const port = await freePort();
  const urlOf = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`;
  const tls = options.tls === undefined ? [] : tlsSettings(folder, options.tls, identity);
  const flags = [...SETTINGS, ...(options.fast ? FAST_SETTINGS : []), ...tls].flatMap((setting) => ['-c', setting]);
  const command = [join(bin, 'postgres'), '-D', data, '-p', String(port), ...flags];
  let server: Subprocess | null = null;

  async function start() {
    const log = Bun.file(join(folder, 'log'));
    // In a session of its own: Ctrl-C is for who uses it, the guardian sees to its end.
    const settings = { ...identity, cwd: '/', stdin: 'ignore', stdout: log, stderr: log, detached: true } as const;
    const started = Bun.spawn(command, settings);
    started.unref();
    server = started;
    await untilAnswering(started, urlOf('postgres'), () => readFileSync(join(folder, 'log'), 'utf8'));
  }
  async function signal(name: NodeJS.Signals) {
    const children = server ? childrenOf(server.pid) : [];
    server?.kill(name);
    await server?.exited;
    server = null;
    await until(() => children.every((pid) => !isRunning(pid)), 'its children to end');
  }

  function signalAll(name: NodeJS.Signals) {
    if (server) for (const pid of [server.pid, ...childrenOf(server.pid)]) signalOne(pid, name);
  }

  await start();
  return {
    url: urlOf('postgres'),
    port,
    urlOf,
    start,
    stop: (mode = 'fast') => signal(STOP_SIGNALS[mode]),
    async kill9() {
      signalAll('SIGKILL');
      await signal('SIGKILL');
    },
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
    async close() {
      signalAll('SIGCONT');
      await signal('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
      await guardian.stdin.end();
    },
  };
}

/** A backend may end between being listed and being told. */
function signalOne(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

const STOP_SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** Whom a program runs as. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Servers that refuse to run as root run as `postgres`, else as `nobody`; null where this process is not root. */
export function unprivileged(): Identity | null {
  if (process.getuid?.() !== 0) return null;
  const users = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }] as const),
  );
  const user = users.get('postgres') ?? users.get('nobody');
  if (!user) throw new Error('PostgreSQL does not run as root: add a user named postgres');
  return user;
}

function tlsSettings(
  folder: string,
  { cert, key }: NonNullable<TestPostgresOptions['tls']>,
  identity: Identity | null,
): string[] {
  const [certFile, keyFile] = [join(folder, 'server.crt'), join(folder, 'server.key')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  if (identity) for (const file of [certFile, keyFile]) chownSync(file, identity.uid, identity.gid);
  return ['ssl=on', `ssl_cert_file=${certFile}`, `ssl_key_file=${keyFile}`];
}

async function initialise(bin: string, data: string, identity: Identity | null): Promise<void> {
  const command = [
    join(bin, 'initdb'),
    '-D',
    data,
    '--no-sync',
    '--auth=trust',
    '--username=postgres',
    '--encoding=UTF8',
    '--no-locale',
  ];
  const initdb = Bun.spawn(command, { ...identity, cwd: '/', stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' });
  const [code, complaint] = await Promise.all([initdb.exited, new Response(initdb.stderr).text()]);
  if (code !== 0) throw new Error(`initdb failed: ${complaint}`);
}

/** A port of 127.0.0.1 that nobody listens to. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('No free port')),
      );
    });
  });
}

async function untilAnswering(server: Subprocess, url: string, readLog: () => string): Promise<void> {
  const answers = async () => {
    if (server.exitCode !== null) throw new Error(`PostgreSQL did not start: ${readLog().slice(-2_000)}`);
    const connection = openConnection({ url, applicationName: 'tests', timeoutMs: 0 });
    const answered = await connection.client`select 1`.then(() => true).catch(() => false);
    await connection.close(0);
    return answered;
  };
  await until(answers, 'PostgreSQL to answer');
}

/** Waits, looking again every 25 ms, until `check` is true. Rejects after a time that no healthy machine needs. */
export async function until(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await Bun.sleep(25);
  }
}

function childrenOf(pid: number): readonly number[] {
  const list = Bun.spawnSync(['ps', '-A', '-o', 'pid=,ppid=']).stdout.toString();
  const rows = list.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return rows.filter(([, parent]) => parent === pid).map(([child]) => child as number);
}

function isRunning(pid: number): boolean {
  const state = Bun.spawnSync(['ps', '-o', 'stat=', '-p', String(pid)])
    .stdout.toString()
    .trim();
  return state !== '' && !state.startsWith('Z');
}
