// A real Redis for tests, from the machine's own binary, that writes to the disk only when told to and ends with the process.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subprocess } from 'bun';
import { freePort, until } from '../../db/testing-postgres';

/** One Redis on 127.0.0.1. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** `rediss://`, while it has a certificate. */
  readonly tlsUrl: string | null;
  /** Stops it in its tracks: connections stay open and silent. */
  pause(): void;
  resume(): void;
  /** SIGKILL: its port refuses from then on, and what it knew is lost but for what `SAVE` wrote. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** One command, on a connection of its own. */
  send(command: string, ...args: string[]): Promise<unknown>;
  close(): Promise<void>;
}

/** True where this machine has Redis. */
export function hasRedis(): boolean {
  return Bun.which('redis-server') !== null;
}

/** Survives no test: its input closes with the process that started it, and then it goes too. */
const GUARDIAN =
  'trap "" INT TERM HUP; redis-server "$@" > /dev/null 2>&1 & pid=$!; echo $pid; cat > /dev/null; kill -KILL $pid';

/** What one may have. */
export interface TestRedisOptions {
  readonly password?: string;
  /** Certificate and key (PEM) for `localhost`. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Starts one on a free port. */
export async function startRedis({ password, tls }: TestRedisOptions = {}): Promise<TestRedis> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'crypto-redis-'));
  const url = `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`;
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const tlsPort = tls === undefined ? null : await freePort();
  const args = [
    ...settings,
    ...(password === undefined ? [] : ['--requirepass', password]),
    ...(tls === undefined ? [] : ['--tls-port', String(tlsPort), ...tlsSettings(folder, tls)]),
  ];
  let running: { readonly guardian: Subprocess<'pipe', 'pipe', 'ignore'>; readonly pid: number } | null = null;

  const send = async (command: string, ...rest: string[]): Promise<unknown> => {
    const client = new Bun.RedisClient(url, { autoReconnect: false, connectionTimeout: 1_000 });
    try {
      await client.connect();
      return await client.send(command, rest);
    } finally {
      client.close();
    }
  };
  const signal = (name: NodeJS.Signals): void => {
    if (running !== null) process.kill(running.pid, name);
  };
  const kill = async (): Promise<void> => {
    if (running === null) return;
    signal('SIGKILL');
    await running.guardian.stdin.end();
    await running.guardian.exited;
    running = null;
  };
  const close = async (): Promise<void> => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  const start = async (): Promise<void> => {
    const guardian = Bun.spawn(['sh', '-c', GUARDIAN, 'redis', ...args], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'ignore',
      // Ctrl-C is for who uses it; Redis would end by it.
      detached: true,
    });
    guardian.unref();
    const { value } = await guardian.stdout.getReader().read();
    running = { guardian, pid: Number(new TextDecoder().decode(value)) };
    await until(
      () =>
        send('PING').then(
          () => true,
          () => false,
        ),
      'Redis to answer',
    );
  };
  await start();
  const tlsUrl = tlsPort === null ? null : `rediss://localhost:${tlsPort}`;
  return {
    url,
    port,
    tlsUrl,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    kill,
    start,
    send,
    close,
  };
}

function tlsSettings(folder: string, { cert, key }: NonNullable<TestRedisOptions['tls']>): string[] {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', certFile];
  return [...files, '--tls-auth-clients', 'no'];
}
