// The real program as a process of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandOf } from '../kit/testing';
import { waitFor } from './testing';

/** What a finished command left. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A server under way. */
export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Everything on stderr so far: its log. */
  err(): string;
  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGKILL' | 'SIGHUP'): void;
  /** Exit code; 128 + n after a signal that nobody handled. */
  readonly exited: Promise<number>;
}

/** A folder of its own for a server, and how to take it away. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'crypto-server-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs a command to its end, in an empty folder and with nothing in its environment but `env`. */
export async function runServer(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const cwd = temporaryFolder();
  const child = spawn(args, env, cwd.path);
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  cwd.remove();
  return { code, out, err };
}

/** On a machine whose processors are shared with many others a start has taken half a minute. */
const START_PATIENCE_MS = 60_000;

/** Starts `serve` on a free port and waits until it is ready. */
export async function startServerProcess(env: Record<string, string>): Promise<ServerProcess> {
  const child = spawn([], { PORT: '0', RATE_LIMIT: 'off', ...env }, tmpdir());
  let err = '';
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) err += decoder.decode(chunk, { stream: true });
  })();
  let url: string | undefined;
  const listens = (): boolean => {
    if (child.exitCode !== null) throw new Error('the server ended');
    url = /crypto-server listens on (https?:\/\/[^\s"]+)/.exec(err)?.[1];
    return url !== undefined;
  };
  await waitFor(listens, 'the server to listen', START_PATIENCE_MS).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw new Error(`${error}: ${err}`);
  });
  const { port: bound, protocol } = new URL(url!);
  const port = Number(bound);
  return {
    url: `${protocol}//127.0.0.1:${port}`,
    port,
    pid: child.pid,
    err: () => err,
    signal: (name) => child.kill(name),
    exited: child.exited.then(async (code) => {
      await reading;
      return code;
    }),
  };
}

function spawn(args: readonly string[], env: Record<string, string>, cwd: string) {
  return Bun.spawn([...commandOf('server'), ...args], { env, cwd, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
}
