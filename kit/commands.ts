import { existsSync } from 'node:fs';
import { Refusal } from './command';
import { type Configuration, describeSettings, MASKED, type Settings, UNSET } from './config';
import type { Output } from './output';

/** A healthy program answers its health at once; in milliseconds. */
const ANSWER_TIMEOUT_MS = 3_000;

/** `config`: every setting, its value with secrets masked, and where it came from. */
export function printSettings<S extends Settings>(
  write: Output,
  settings: S,
  { reading, derived, generated }: Pick<Configuration<unknown, S>, 'reading' | 'derived' | 'generated'>,
  json: boolean,
): void {
  const rows = describeSettings(settings, reading).map((row) => {
    if (row.value !== UNSET) return row;
    const file = generated[row.name];
    if (file === undefined) return { ...row, value: derived[row.name] ?? null };
    if (existsSync(file)) return { ...row, value: MASKED, origin: `generated, ${file}` };
    return { ...row, value: null, origin: `will be generated into ${file}` };
  });
  const wide = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(({ name, value, origin }) => `${name.padEnd(wide)}  ${value ?? UNSET}  (${origin})`);
  write.out(json ? `${JSON.stringify(rows, null, 2)}\n` : `${lines.join('\n')}\n`);
}

/** What asking a running program takes. */
export interface Asking {
  readonly fetch: (request: Request) => Promise<Response>;
  readonly write: Output;
  /** Its base URL, as reached from this machine. */
  readonly url: string;
  readonly json: boolean;
}

/** Asks a running program, which has three seconds unless `init` brings a signal of its own. @throws Refusal when it does not answer. */
export async function askRunning(
  { fetch, url }: Pick<Asking, 'fetch' | 'url'>,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const request = new Request(`${url}${path}`, {
    ...init,
    signal: init.signal ?? AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  return fetch(request).catch((error: unknown) => {
    if (error instanceof Refusal) throw error;
    // The query of a path is not worth repeating.
    throw new Refusal(`No answer from ${url}${path.replace(/\?.*/, '')}: is it running with this HOST and PORT?`);
  });
}

/** `healthcheck`: says `ready`. @throws Refusal when the running program does not take requests. */
export async function checkHealth(asking: Asking): Promise<void> {
  const { write, url, json } = asking;
  const answer = await askRunning(asking, '/health/ready');
  const health: unknown = await answer.json().catch(() => null);
  if (json) write.out(`${JSON.stringify(health)}\n`);
  if (!answer.ok) throw new Refusal(`${url}/health/ready answered ${answer.status}: not ready.`);
  if (!json) write.out('ready\n');
}
