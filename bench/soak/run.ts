import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerPeer } from '../processes';
import { type Account, newAccount, register } from '../setting';
import type { LoadSeen, LoadTask } from './load';
import type { SoakSeen } from './report';
import { createRotations, type Rotations } from './rotations';
import { contentsOf, countLongEnded, insertLongEnded, watchProcesses } from './watch';

/** One run. */
export interface SoakOptions {
  readonly server: ServerPeer;
  /** The server's `DATA_DIR`. */
  readonly dataFolder: string;
  readonly databaseUrl: string;
  readonly minutes: number;
  /** Requests a second. */
  readonly rate: number;
  /** Ends it with what was seen until then. */
  readonly signal: AbortSignal;
  /** Hears what is being done. */
  readonly progress: (doing: string) => void;
}

/** Clients that take turns, and readers of the stream. */
const CLIENTS = 20;
const READERS = 20;

/** Until what is remembered has been remembered once; a quarter of the time where that is less. In seconds. */
const WARM_UP_SECONDS = 60;

/** From one rotation to the next: a dozen in half an hour, and some in the shortest run. In milliseconds. */
const ROTATION_MS = 120_000;

/** Ten samples make a median, and a run of half an hour has sixty in each third. In milliseconds. */
const SAMPLE_MS = 10_000;

/** More than the server forgets by accident, and little beside what is revoked within the run. */
const LONG_ENDED = 10_000;

/** Puts load on the server for that long, and looks at it. */
export async function soak(options: SoakOptions): Promise<SoakSeen> {
  const { server, databaseUrl, minutes, rate, signal, progress } = options;
  const accounts = Array.from({ length: CLIENTS }, newAccount);
  for (const account of accounts) await register(server.url, account);
  await insertLongEnded(databaseUrl, LONG_ENDED);
  const before = await contentsOf(databaseUrl);
  const seconds = minutes * 60;
  const warmUpSeconds = Math.min(WARM_UP_SECONDS, seconds / 4);
  const port = Number(new URL(server.url).port);
  const load = startLoad({ port, rate, warmUpSeconds, seconds, accounts, readers: READERS }, signal);
  const adminSecret = readFileSync(join(options.dataFolder, 'admin-secret'), 'utf8').trim();
  const rotations = createRotations({ url: server.url, adminSecret, accounts, rotated: load.rotated });
  using rotating = keepRotating(rotations, Math.min(ROTATION_MS, (seconds * 1_000) / 4));
  progress(`Warming up for ${warmUpSeconds} s`);
  await Promise.race([Bun.sleep(warmUpSeconds * 1_000), load.seen]);
  progress(`${rate} requests/s for ${minutes} minutes (Ctrl-C ends it with what was seen until then)`);
  using watch = watchProcesses({ server: server.pid, load: load.pid }, SAMPLE_MS);
  return {
    load: await load.seen,
    rate,
    memory: watch.memory(),
    processors: watch.processors(),
    before,
    after: await contentsOf(databaseUrl),
    longEnded: { inserted: LONG_ENDED, left: await countLongEnded(databaseUrl) },
    rotations: rotations.seen(),
    faults: rotating.faults,
  };
}

function startLoad(task: LoadTask, signal: AbortSignal) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'load.ts')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const tell = (line: LoadTask | Account): void => {
    child.stdin.write(`${JSON.stringify(line)}\n`);
    child.stdin.flush();
  };
  tell(task);
  signal.addEventListener('abort', () => child.stdin.end());
  return {
    pid: child.pid,
    rotated: (account: Account): void => tell(account),
    /** Resolves when the time is over, or soon after the signal. */
    seen: new Response(child.stdout).text().then((text) => JSON.parse(text) as LoadSeen),
  };
}

/** Rotates until it is disposed of. What fails is in `faults`. */
function keepRotating(rotations: Rotations, everyMs: number): Disposable & { readonly faults: readonly string[] } {
  const faults: string[] = [];
  const timer = setInterval(() => {
    rotations.next().catch((error) => faults.push(String(error)));
  }, everyMs);
  return { faults, [Symbol.dispose]: () => clearInterval(timer) };
}
