import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { boundTo, cpuSeconds, type Peer } from './processes';

/** Connections that ask at the same time. */
export const CONNECTIONS = 32;

/** A request that is sent over and over. */
export interface Shot {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Texts that are sent in turn, after `body` or, with a name, as that header. */
  readonly inTurn?: InTurn;
}

/** Texts that take turns; `again`: from the first on when they run out, else they must last for the round. */
export interface InTurn {
  readonly header: string | null;
  readonly texts: readonly string[];
  readonly again: boolean;
}

/** What one round of load saw. */
export interface Round {
  readonly perSecond: number;
  /** 99th percentile of latency. */
  readonly p99Ms: number;
  /** Processor time of the answering process for one request; NaN where it cannot be read. */
  readonly cpuMicros: number;
}

/** How a round is fired. */
export interface FireOptions {
  readonly seconds: number;
  /** For the script of the load. */
  readonly folder: string;
  /** To which the load is bound; left out: to none. */
  readonly processors?: readonly number[];
  readonly signal: AbortSignal;
}

/** One line on how to get wrk. */
export const WRK_MISSING =
  'The benchmarks need wrk, and it is not on the PATH. Debian and Ubuntu: apt-get install wrk. macOS: brew install wrk.';

/**
 * Lets wrk fire at a peer for some seconds. Throws when an answer was not 2xx or 3xx, or a connection failed, since such
 * answers are cheap. Its script, in `folder`, keeps tokens and secrets out of the process list.
 */
export async function fire(
  shot: Shot,
  peer: Peer,
  { seconds, folder, processors = [], signal }: FireOptions,
): Promise<Round> {
  const script = join(folder, 'shot.lua');
  const texts = join(folder, 'texts');
  writeFileSync(texts, (shot.inTurn?.texts ?? []).join('\n'), { mode: 0o600 });
  writeFileSync(script, luaOf(shot, texts), { mode: 0o600 });
  const flags = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', '-s', script];
  const before = cpuSeconds(peer.pid);
  const wrk = Bun.spawn(boundTo(processors, ['wrk', ...flags, peer.url + shot.path]), {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
    signal,
  });
  const text = await new Response(wrk.stdout).text();
  const cpu = cpuSeconds(peer.pid) - before;
  signal.throwIfAborted();
  if ((await wrk.exited) !== 0) throw new Error(`wrk failed:\n${text}`);
  const { requests, failed, microseconds, p99 } = readSummary(text);
  if (failed > 0) throw new Error(`${shot.method} ${shot.path}: ${failed} of ${requests} requests failed:\n${text}`);
  return { perSecond: requests / (microseconds / 1e6), p99Ms: p99 / 1000, cpuMicros: (cpu * 1e6) / requests };
}

interface Summary {
  readonly requests: number;
  readonly failed: number;
  readonly microseconds: number;
  /** In microseconds. */
  readonly p99: number;
}

/** A request, rendered by wrk once where it is always the same, and a summary that a program can read. */
function luaOf({ method, path, headers, body, inTurn }: Shot, texts: string): string {
  const lines = Object.entries(headers).map(([name, value]) => `wrk.headers[${quote(name)}] = ${quote(value)}`);
  return `wrk.method, wrk.path, wrk.body = ${quote(method)}, ${quote(path)}, ${body === '' ? 'nil' : quote(body)}
${lines.join('\n')}
${inTurn === undefined ? '' : luaOfTurns(inTurn, texts)}
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("\\nSUMMARY %d %d %d %f\\n", summary.requests, e.connect + e.read + e.write + e.status + e.timeout,
    summary.duration, latency:percentile(99)))
end
`;
}

/** When texts that are good once run out, the last one is sent again, is refused, and so fails the round. */
function luaOfTurns({ header, again }: InTurn, texts: string): string {
  const use = header === null ? 'body = wrk.body .. text' : `wrk.headers[${quote(header)}] = text`;
  return `local texts, at = {}, 0
for line in io.lines(${quote(texts)}) do texts[#texts + 1] = line end
function request()
  at = ${again ? 'at % #texts + 1' : 'math.min(at + 1, #texts)'}
  local text, body = texts[at], wrk.body
  ${use}
  return wrk.format(nil, nil, nil, body)
end`;
}

/** A Lua string: decimal escapes for everything that could mean something. */
function quote(text: string): string {
  const bytes = [...Buffer.from(text)];
  return `"${bytes.map((byte) => (/[\w ./-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`)).join('')}"`;
}

function readSummary(text: string): Summary {
  const found = /^SUMMARY (\d+) (\d+) (\d+) ([\d.]+)$/m.exec(text);
  if (found === null) throw new Error(`wrk gave no summary:\n${text}`);
  const [requests = 0, failed = 0, microseconds = 0, p99 = 0] = found.slice(1).map(Number);
  return { requests, failed, microseconds, p99 };
}
