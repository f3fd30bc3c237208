import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { SETTINGS as CLIENT_SETTINGS } from '../client/config';
import { version } from '../package.json';
import { SETTINGS as SERVER_SETTINGS } from '../server/config';
import { buildBinary, prepareDump } from './build';
import { type Child, startChild } from './child';
import { pass, say, step, style } from './screen';
import { watchWrappers } from './wrappers';

const USAGE = 'bun run start [--server-port 8000] [--client-port 8001]';
const children: Child[] = [];

/** Every setting of the two programs, which know some of the same names; the logs alone are passed on. */
const SETTING_NAMES = new Set(
  [...Object.keys(SERVER_SETTINGS), ...Object.keys(CLIENT_SETTINGS), 'CONFIG_FILE']
    .filter((name) => !name.startsWith('LOG_'))
    .flatMap((name) => [name, `${name}_FILE`]),
);

/** What the two programs inherit: this environment without settings. */
function environment(): Record<string, string> {
  const entries = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const { LOG_LEVEL = 'warn', LOG_FORMAT = process.stdout.isTTY ? 'pretty' : 'json' } = process.env;
  return { ...Object.fromEntries(entries.filter(([name]) => !SETTING_NAMES.has(name))), LOG_LEVEL, LOG_FORMAT };
}

function sayIgnored(): void {
  const ignored = Object.keys(process.env).filter((name) => SETTING_NAMES.has(name));
  if (ignored.length > 0) say(`  ${style.dim(`not used here: ${ignored.join(', ')}; run the binaries to set them`)}`);
}

function readPorts(): { server: number; client: number } {
  const options = {
    'server-port': { type: 'string', default: '8000' },
    'client-port': { type: 'string', default: '8001' },
  } as const;
  const { values } = parseArgs({ options });
  const [server, client] = [Number(values['server-port']), Number(values['client-port'])];
  const fits = [server, client].every((port) => Number.isInteger(port) && port > 0 && port < 65_536);
  if (!fits || server === client) throw new Error('a port is a number from 1 to 65535, and the two differ');
  return { server, client };
}

/** Finds out before anything is built that a port is taken. */
function checkFree(port: number, flag: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', () =>
      reject(new Error(`Port ${port} is in use: stop what listens there, or start with ${flag} and another.`)),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}

async function launch(
  name: 'crypto-server' | 'crypto-client',
  port: number,
  args: readonly string[],
  hear: (text: string) => void,
): Promise<void> {
  const terminal = name === 'crypto-client' && process.stdout.isTTY ? process.stdout.columns : null;
  await step(`Starting ${name}`, async () => {
    const child = startChild(name, { args: ['--port', String(port), ...args], env: environment(), terminal, hear });
    children.push(child);
    await child.ready(`http://127.0.0.1:${port}/health/ready`);
    return 'ready';
  });
}

function showUrls(ports: { server: number; client: number }): void {
  const rows = (title: string, port: number, paths: readonly [string, string][]) => {
    const base = `http://localhost:${port}`;
    say(`  ${style.bold(title)}  ${style.cyan(base)}`);
    for (const [label, path] of paths) say(`    ${style.dim(label.padEnd(9))}  ${base}${path}`);
    say();
  };
  say();
  rows('crypto-server', ports.server, [
    ['console', '/'],
    ['docs', '/docs'],
    ['health', '/health'],
    ['metadata', '/.well-known/oauth-authorization-server'],
  ]);
  rows('crypto-client', ports.client, [
    ['dashboard', '/'],
    ['rates', '/api/currencies'],
    ['docs', '/docs'],
  ]);
  say(`  ${style.dim('The console asks for the secret in data/server/admin-secret. Ctrl-C stops both.')}`);
  say();
}

/** What the programs write, held back while steps are shown. */
const gate = {
  held: [] as string[],
  isOpen: false,
  hear: (text: string) => {
    if (gate.isOpen) pass(text);
    else gate.held.push(text);
  },
  open: () => {
    gate.isOpen = true;
    for (const text of gate.held.splice(0)) pass(text);
  },
};

/** Lines with a name before each; JSON lines stay as they are. */
function createPrefix(name: string, write: (text: string) => void): (text: string) => void {
  if (!process.stdout.isTTY) return write;
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) write(`${style.dim(`${name} │`)} ${line}\n`);
  };
}

interface Rate {
  readonly symbol: string;
  readonly name: string;
  readonly rate: number;
}

/** The rates as a table, for those who read this in a file: on a terminal the client shows its own. */
async function showRates(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/currencies`);
  if (!answer.ok) throw new Error(`crypto-client has no rates: GET /api/currencies answered ${answer.status}`);
  for (const { symbol, name, rate } of (await answer.json()) as Rate[]) {
    say(`  ${symbol.padEnd(6)} ${name.padEnd(14)} ${String(rate).padStart(18)}`);
  }
  say();
}

/** Stops what runs, the youngest first. */
async function stopAll(): Promise<boolean> {
  let clean = true;
  gate.isOpen = false;
  for (const child of children.toReversed().filter((each) => each.isRunning())) {
    await step(`Stopping ${child.name}`, async () => {
      const stopped = await child.stop();
      clean &&= stopped;
      return stopped ? 'stopped' : 'was ended by force';
    });
  }
  if (!clean) gate.open();
  return clean;
}

const SAME_SIGNAL_MS = 1_000; // Ctrl-C arrives from the terminal and again from each wrapper that passes it on

/** Resolves at the first signal, or when nobody waits for this script any more; a second signal ends all at once. */
function firstSignal(): Promise<null> {
  return new Promise((resolve) => {
    let first: number | null = null;
    const hear = () => {
      first ??= performance.now();
      if (performance.now() - first > SAME_SIGNAL_MS) {
        for (const child of children) child.kill();
        process.exit(130);
      }
      resolve(null);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, hear);
    watchWrappers(() => resolve(null));
  });
}

async function bringUp(ports: { server: number; client: number }): Promise<void> {
  await checkFree(ports.server, '--server-port');
  await checkFree(ports.client, '--client-port');
  await prepareDump();
  await buildBinary('crypto-server');
  await buildBinary('crypto-client');
  await launch('crypto-server', ports.server, [], createPrefix('crypto-server', gate.hear));
  await launch('crypto-client', ports.client, ['--crypto-server-url', `http://localhost:${ports.server}`], gate.hear);
  showUrls(ports);
  if (!process.stdout.isTTY) await showRates(ports.client);
  gate.open();
}

/** Shows what ended too early and its last words. */
function tell(error: unknown): void {
  const [line, ...more] = (error instanceof Error ? error.message : String(error)).split('\n');
  say(`\n  ${style.red(line ?? '')}`);
  for (const text of more) say(`    ${text}`);
}

function earlyEnd(child: Child): Promise<Child> {
  return child.exited.then(() => child);
}

async function main(): Promise<number> {
  const ports = readPorts();
  say(`\n  ${style.bold('crypto-server')} ${version}\n`);
  sayIgnored();
  const signalled = firstSignal();
  const up = bringUp(ports).then(() => Promise.race(children.map(earlyEnd)));
  const ended = await Promise.race([signalled, up]).catch((error: unknown) => {
    tell(error);
    return children.at(-1);
  });
  say();
  if (ended === null) {
    up.catch(() => {}); // what was being started is stopped now
    return (await stopAll()) ? 0 : 1;
  }
  const lines = ended?.lastLines() ?? [];
  if (lines.length > 0) say(`  The last lines of ${ended?.name}:\n${lines.map((line) => `    ${line}`).join('\n')}\n`);
  await stopAll();
  return 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`${error instanceof Error ? error.message : String(error)}\nUsage: ${USAGE}`);
  process.exitCode = 2;
}
