import { join } from 'node:path';
import type { Subprocess } from 'bun';
import { type Binary, ROOT } from './build';

const KEPT_LINES = 15; // the last words of a program that ended early
const STOP_MS = 12_000; // its own deadline is 10 s
const READY_MS = 60_000;
const POLL_MS = 100;

/** A program of ours that runs beside the script. */
export interface Child {
  readonly name: Binary;
  /** Resolves to the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  /** Resolves once `url` answers 200. Throws Error when the program ends before, or stays silent for a minute. */
  ready(url: string): Promise<void>;
  /** What it wrote last. */
  lastLines(): readonly string[];
  /** Asks it to stop and waits; true when it ended by itself with exit code 0. */
  stop(): Promise<boolean>;
  isRunning(): boolean;
  kill(): void;
}

/**
 * Starts a binary in a session of its own, so that Ctrl-C reaches this script alone and the order of stopping is ours.
 * `hear` gets its output. With `terminal`, the program writes to a terminal of this many columns.
 */
export function startChild(
  name: Binary,
  options: {
    args: readonly string[];
    env: Record<string, string>;
    terminal: number | null;
    hear: (text: string) => void;
  },
): Child {
  let tail = '';
  const decoder = new TextDecoder();
  const take = (bytes: Uint8Array) => {
    const text = decoder.decode(bytes, { stream: true });
    tail = (tail + text).slice(-20_000);
    options.hear(text);
  };
  const child = spawn(name, options, take);
  const exited = child.exited.then(() => child.exitCode);
  return {
    name,
    exited,
    ready: (url) => untilReady(url, name, child),
    lastLines: () => tail.split(/\r?\n/).filter(Boolean).slice(-KEPT_LINES),
    stop: () => stop(child),
    isRunning: () => child.exitCode === null && child.signalCode === null,
    kill: () => child.kill('SIGKILL'),
  };
}

function spawn(
  name: Binary,
  { args, env, terminal }: { args: readonly string[]; env: Record<string, string>; terminal: number | null },
  take: (bytes: Uint8Array) => void,
): Subprocess {
  const command = [join(ROOT, name), ...args];
  const shared = { cwd: ROOT, env, detached: true } as const;
  if (terminal !== null) {
    return Bun.spawn(command, { ...shared, terminal: { cols: terminal, data: (_, bytes) => take(bytes) } });
  }
  const child = Bun.spawn(command, { ...shared, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  void drain(child.stdout, take);
  void drain(child.stderr, take);
  return child;
}

async function drain(stream: ReadableStream<Uint8Array>, take: (bytes: Uint8Array) => void): Promise<void> {
  for await (const bytes of stream) take(bytes);
}

async function untilReady(url: string, name: Binary, child: Subprocess): Promise<void> {
  for (const end = performance.now() + READY_MS; performance.now() < end; await Bun.sleep(POLL_MS)) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} ended before it was ready`);
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (answer?.status === 200) return;
  }
  throw new Error(`${name} did not answer ${url} within ${READY_MS / 1000} s`);
}

async function stop(child: Subprocess): Promise<boolean> {
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await child.exited;
  clearTimeout(late);
  return child.exitCode === 0;
}
