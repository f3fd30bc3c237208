// Whether throughput grows with the processors: a worker and the load on one of them, two workers and the load on two.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figure';
import { ASKED, inTurn, type Runner, runnerOf } from './pair';
import { startServer } from './processes';
import type { Pace } from './throughput';

/** What it takes to measure them. */
export interface WorkersOptions {
  readonly folder: string;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly newDatabase: () => Promise<string>;
}

/** Rounds of both take turns. Nothing is measured where processes cannot be bound to processors, or there is one only. */
export async function measureWorkers({ folder, pace, signal, newDatabase }: WorkersOptions): Promise<Figure[]> {
  const allowed = allowedProcessors();
  if (allowed.length < 2 || Bun.which('taskset') === null) return [];
  await using stack = new AsyncDisposableStack();
  const start = async (workers: number): Promise<Runner> => {
    const own = join(folder, String(workers));
    mkdirSync(own);
    const options = { folder: own, processors: allowed.slice(0, workers), signal };
    const databaseUrl = await newDatabase();
    return runnerOf(stack.use(await startServer({ ...options, databaseUrl, workers })), options);
  };
  const both = { first: await start(1), second: await start(2) };
  const figures: Figure[] = [];
  for (const what of ['token', 'rates'] as const) {
    const { first, second, ratio } = await inTurn(what, both, pace);
    const one = Math.round(first.perSecond).toLocaleString('en');
    const note = `server and load on two processors; ${ratio.toFixed(2)} × one worker and the load on one of them (${one}/s)`;
    figures.push({
      name: `${ASKED[what]}, two workers`,
      unit: '/s',
      value: second.perSecond,
      raw: null,
      hold: null,
      note,
    });
  }
  return figures;
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
