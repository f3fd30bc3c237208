// Whether throughput grows with the processors: one worker on one of them, two workers on two.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figure';
import { fire, type Shot } from './load';
import { type ServerPeer, startServer } from './processes';
import { goodAnswer, newAccount, ratesRequest, register, tokenForm, tokenIn } from './setting';
import { median } from './statistics';
import type { Pace } from './throughput';

/** What it takes to measure them. */
export interface WorkersOptions {
  readonly folder: string;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly newDatabase: () => Promise<string>;
}

/** Tokens of two workers on two processors, which the load generator and PostgreSQL share with them, beside one worker that has one to itself. */
const GROWTH_AT_LEAST = 1.3;

/** Rounds of both take turns. Nothing is measured where processes cannot be bound to processors, or there is one only. */
export async function measureWorkers(options: WorkersOptions): Promise<Figure[]> {
  const processors = allowedProcessors();
  if (processors.length < 2 || Bun.which('taskset') === null) return [];
  await using stack = new AsyncDisposableStack();
  const [one, two] = [
    await startWorkers(1, processors.slice(0, 1), options, stack),
    await startWorkers(2, processors.slice(0, 2), options, stack),
  ];
  return [
    ...(await compare('POST /api/auth/token', [one, two], ({ token }) => token, GROWTH_AT_LEAST, options)),
    ...(await compare('GET /api/currency/', [one, two], ({ rates }) => rates, null, options)),
  ];
}

interface Workers {
  readonly folder: string;
  readonly server: ServerPeer;
  readonly token: Shot;
  readonly rates: Shot;
}

async function startWorkers(
  workers: number,
  processors: readonly number[],
  { folder: parent, signal, newDatabase }: WorkersOptions,
  stack: AsyncDisposableStack,
): Promise<Workers> {
  const folder = join(parent, String(workers));
  mkdirSync(folder);
  const databaseUrl = await newDatabase();
  const server = stack.use(await startServer({ folder, databaseUrl, workers, processors, signal }));
  const account = newAccount();
  await register(server.url, account);
  const token = tokenForm(account);
  return { folder, server, token, rates: ratesRequest(tokenIn(await goodAnswer(server.url, token))) };
}

async function compare(
  name: string,
  both: readonly [Workers, Workers],
  shotOf: (workers: Workers) => Shot,
  atLeast: number | null,
  { pace, signal }: WorkersOptions,
): Promise<Figure[]> {
  const round = async (one: Workers, seconds: number): Promise<number> =>
    (await fire(shotOf(one), one.server, { seconds, folder: one.folder, signal })).perSecond;
  for (const one of both) await round(one, pace.warmUpSeconds);
  const seen: [number, number][] = [];
  for (let at = 0; at < pace.rounds; at++)
    seen.push([await round(both[0], pace.seconds), await round(both[1], pace.seconds)]);
  const growth = median(seen.map(([one, two]) => two / one));
  const figure = { name: `${name}, two workers`, unit: '/s', raw: null } as const;
  return [
    {
      ...figure,
      value: median(seen.map(([, two]) => two)),
      hold: atLeast === null ? null : { of: 'ratio', measured: growth, atLeast },
      note: `on two processors; ${growth.toFixed(2)} × one worker on one of them (${Math.round(median(seen.map(([one]) => one))).toLocaleString('en')}/s)`,
    },
  ];
}

/** Numbers of the processors that this process may use; none where the system does not tell. */
function allowedProcessors(): number[] {
  const status = process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '';
  const ranges = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1]?.split(',') ?? [];
  return ranges.flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}
