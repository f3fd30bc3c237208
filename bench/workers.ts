// Whether tokens a second grow with the processes that serve.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figure';
import { fire } from './load';
import { startServer } from './processes';
import { newAccount, register, tokenForm } from './setting';
import { median } from './statistics';
import type { Pace } from './throughput';

/** What it takes to measure them. */
export interface WorkersOptions {
  readonly folder: string;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly newDatabase: () => Promise<string>;
}

/** Tokens a second of one process and of two, in turn: on two cores the load generator takes its share of both. */
export async function measureWorkers({ folder, pace, signal, newDatabase }: WorkersOptions): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const servers = await Promise.all(
    [1, 2].map(async (workers) => {
      const own = join(folder, String(workers));
      mkdirSync(own);
      const server = stack.use(await startServer({ folder: own, databaseUrl: await newDatabase(), workers, signal }));
      const account = newAccount();
      await register(server.url, account);
      const shot = tokenForm(account);
      await fire(shot, server, { seconds: pace.warmUpSeconds, folder: own, signal });
      const rates: number[] = [];
      return { workers, rates, round: () => fire(shot, server, { seconds: pace.seconds, folder: own, signal }) };
    }),
  );
  for (let round = 0; round < pace.rounds; round++)
    for (const server of servers) server.rates.push((await server.round()).perSecond);
  return servers.map(({ workers, rates }) => ({
    name: `POST /api/auth/token, WORKERS=${workers}`,
    unit: '/s',
    value: median(rates),
    raw: null,
    hold: null,
    note: workers === 1 ? '' : `${(median(rates) / median(servers[0]?.rates ?? [])).toFixed(2)} × one process`,
  }));
}
