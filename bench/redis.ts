// What it costs to share the limits by Redis.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasRedis, startRedis } from '../server/redis/testing-redis';
import type { Figure } from './figure';
import { ASKED, inTurn, type Runner, runnerOf } from './pair';
import { startServer } from './processes';
import type { Pace } from './throughput';

/** What it takes to measure it. */
export interface RedisOptions {
  readonly folder: string;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly newDatabase: () => Promise<string>;
}

/** Limits count, and nobody reaches them: without any there is nothing to share. */
const COUNTED = { RATE_LIMIT: 'on', LIMIT_API: '9999999/s', LIMIT_TOKEN: '9999999/s' };

/** Rates and tokens a second with limits in the server's own memory and with limits in Redis, in turn; nothing without Redis. */
export async function measureRedis({ folder, pace, signal, newDatabase }: RedisOptions): Promise<Figure[]> {
  if (!hasRedis()) return [];
  await using stack = new AsyncDisposableStack();
  const redis = stack.adopt(await startRedis(), ({ close }) => close());
  const start = async (name: string, settings: Readonly<Record<string, string>>): Promise<Runner> => {
    const own = join(folder, name);
    mkdirSync(own);
    const options = { folder: own, databaseUrl: await newDatabase(), settings: { ...COUNTED, ...settings } };
    return runnerOf(stack.use(await startServer({ ...options, signal })), { folder: own, signal });
  };
  const both = { first: await start('alone', {}), second: await start('shared', { REDIS_URL: redis.url }) };
  const figures: Figure[] = [];
  for (const what of ['rates', 'token'] as const) {
    const { first, second, ratio } = await inTurn(what, both, pace);
    const alone = Math.round(first.perSecond).toLocaleString('en');
    figures.push(
      {
        name: `${ASKED[what]}, limits in Redis`,
        unit: '/s',
        value: second.perSecond,
        raw: null,
        hold: null,
        note: `${ratio.toFixed(2)} × what the server's own memory gives (${alone} /s)`,
      },
      {
        name: '  processor time a request',
        unit: 'µs CPU',
        value: second.cpuMicros,
        raw: null,
        hold: null,
        note: `${first.cpuMicros.toFixed(1)} µs without`,
      },
    );
  }
  return figures;
}
