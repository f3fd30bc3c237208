// The processes that are measured: the compiled server and the raw yardstick.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subprocess } from 'bun';
import { freePort } from '../db/testing-postgres';
import { ROOT } from '../scripts/build';

/** A running process that answers HTTP. Disposing of it ends it. */
export interface Peer extends AsyncDisposable {
  readonly pid: number;
  /** Base URL. */
  readonly url: string;
}

/** A server of ours, and how long it took from exec to the first 200 of `/health/ready`, in milliseconds. */
export interface ServerPeer extends Peer {
  readonly firstAnswerMs: number;
}

/** A start that takes longer has failed; in milliseconds. */
const START_MS = 60_000;

/** How often a starting server is asked, in milliseconds. The figure cannot be finer, and asking more often takes from the server the time it starts in. */
const ASK_MS = 5;

/** The server's own deadline for stopping is 10 s; then it is killed. In milliseconds. */
const STOP_MS = 12_000;

/** No limits, since one machine asks for all; and this machine may pass certificates on. */
const SETTINGS = { RATE_LIMIT: 'off', TRUSTED_PROXIES: '127.0.0.1' };

/** What a server is started with beside those settings. */
export interface ServerOptions {
  /** Its own; its log and data go there. */
  readonly folder: string;
  /** Null: the embedded database. */
  readonly databaseUrl: string | null;
  /** The file of the authorities of client certificates. */
  readonly authorities?: string;
  /** Processes that serve; one when left out. */
  readonly workers?: number;
  /** The processors that they may use, as Linux numbers them; all when left out. */
  readonly processors?: readonly number[];
  /** Other settings than those of all measurements. */
  readonly settings?: Readonly<Record<string, string>>;
  /** True: Ctrl-C does not reach it, and whoever started it has to stop it. */
  readonly detached?: boolean;
  readonly signal: AbortSignal;
}

/** A temporary folder that goes with its scope. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'crypto-bench-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The command bound to these processors; none: to no one. */
export function boundTo(processors: readonly number[], command: string[]): string[] {
  return processors.length === 0 ? command : ['taskset', '--cpu-list', processors.join(','), ...command];
}

/**
 * Starts the compiled crypto-server with these settings and no others. Throws when it does not answer; the error holds the end
 * of its log.
 */
export async function startServer({
  folder,
  databaseUrl,
  authorities,
  workers = 1,
  processors = [],
  settings = {},
  detached = false,
  signal,
}: ServerOptions): Promise<ServerPeer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = join(folder, 'server.log');
  const database = databaseUrl === null ? {} : { DATABASE_URL: databaseUrl };
  const trusted = authorities === undefined ? {} : { MTLS_CA_FILE: authorities };
  const env = {
    PORT: String(port),
    WORKERS: String(workers),
    DATA_DIR: join(folder, 'data'),
    ...SETTINGS,
    ...trusted,
    ...database,
    ...settings,
  };
  const begun = performance.now();
  const out = Bun.file(log);
  const child = Bun.spawn(boundTo(processors, [join(ROOT, 'crypto-server')]), {
    cwd: folder,
    env,
    stdin: 'ignore',
    stdout: out,
    stderr: out,
    detached,
  });
  const peer = { pid: child.pid, url, [Symbol.asyncDispose]: () => stop(child) };
  try {
    await untilAnswering(`${url}/health/ready`, child, signal);
    return { ...peer, firstAnswerMs: performance.now() - begun };
  } catch (error) {
    await stop(child);
    const words = existsSync(log) ? readFileSync(log, 'utf8').slice(-2_000) : '';
    throw new Error(`crypto-server did not start:\n${words}`, { cause: error });
  }
}

async function untilAnswering(url: string, child: Subprocess, signal: AbortSignal): Promise<void> {
  for (const end = performance.now() + START_MS; performance.now() < end; await Bun.sleep(ASK_MS)) {
    signal.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended');
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return;
  }
  throw new Error(`no 200 from ${url} within ${START_MS / 1000} s`);
}

/** Starts a bare `Bun.serve` that answers everything with the bytes of `file`. */
export async function startRaw(file: string): Promise<Peer> {
  const command = [process.execPath, join(import.meta.dir, 'raw.ts'), file];
  const child = Bun.spawn(command, { cwd: ROOT, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  if (!(port > 0)) throw new Error('The raw server did not start.');
  return { pid: child.pid, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => stop(child) };
}

async function stop(child: Subprocess): Promise<void> {
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await child.exited;
  clearTimeout(late);
}

/** Processor time that a process has used on all its threads, in seconds; NaN where there is no `/proc`. */
export function cpuSeconds(pid: number): number {
  if (!existsSync(`/proc/${pid}/stat`)) return Number.NaN;
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // After the name in parentheses, which may hold anything: field 3 on; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** USER_HZ, which Linux fixes for what it shows to programs. */
const TICKS_PER_SECOND = 100;

/** The most resident memory that a process ever had, in MB; NaN where there is no `/proc`. */
export function peakMegabytes(pid: number): number {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return Number.NaN;
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'latin1')) ?? [];
  return (Number(kibibytes) * 1024) / 1e6;
}

/** Resident memory of a process in MB (10⁶ bytes). */
export function residentMegabytes(pid: number): number {
  const kibibytes = Bun.spawnSync(['ps', '-o', 'rss=', '-p', String(pid)]).stdout.toString();
  return (Number(kibibytes) * 1024) / 1e6;
}
