// What it costs to share the limits by Redis.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasRedis, startRedis } from '../server/redis/testing-redis';
import type { Figure } from './figure';
import { fire, type Round, type Shot } from './load';
import { type ServerPeer, startServer } from './processes';
import { goodAnswer, newAccount, ratesRequest, register, tokenForm, tokenIn } from './setting';
import { median } from './statistics';
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
    return runnerOf(
      stack.use(await startServer({ folder: own, databaseUrl: await newDatabase(), settings, signal })),
      own,
      signal,
    );
  };
  const alone = await start('alone', COUNTED);
  const shared = await start('shared', { ...COUNTED, REDIS_URL: redis.url });
  const figures: Figure[] = [];
  for (const what of ['rates', 'token'] as const)
    figures.push(...figuresOf(what, await inTurn(what, { alone, shared }, pace)));
  return figures;
}

type What = 'rates' | 'token';

/** A server, and what it is asked. */
interface Runner {
  readonly round: (what: What, seconds: number) => Promise<Round>;
}

interface Rounds {
  readonly alone: readonly Round[];
  readonly shared: readonly Round[];
}

async function runnerOf(server: ServerPeer, folder: string, signal: AbortSignal): Promise<Runner> {
  const account = newAccount();
  await register(server.url, account);
  const token = tokenForm(account);
  const shots: Readonly<Record<What, Shot>> = {
    token,
    rates: ratesRequest(tokenIn(await goodAnswer(server.url, token))),
  };
  return { round: (what, seconds) => fire(shots[what], server, { seconds, folder, signal }) };
}

/** Rounds of both alternate, so that whatever else the machine does hits both. */
async function inTurn(what: What, runners: Readonly<Record<keyof Rounds, Runner>>, pace: Pace): Promise<Rounds> {
  const rounds = { alone: [] as Round[], shared: [] as Round[] };
  for (const runner of Object.values(runners)) await runner.round(what, pace.warmUpSeconds);
  for (let round = 0; round < pace.rounds; round++)
    for (const name of ['alone', 'shared'] as const) rounds[name].push(await runners[name].round(what, pace.seconds));
  return rounds;
}

function figuresOf(what: What, { alone, shared }: Rounds): Figure[] {
  const name = { rates: 'GET /api/currency/, limits in Redis', token: 'POST /api/auth/token, limits in Redis' }[what];
  const ratio = median(shared.map(({ perSecond }, at) => perSecond / (alone[at]?.perSecond ?? Number.NaN)));
  const of = (member: keyof Round, rounds: readonly Round[]): number => median(rounds.map((round) => round[member]));
  const own = Math.round(of('perSecond', alone)).toLocaleString('en');
  return [
    {
      name,
      unit: '/s',
      value: of('perSecond', shared),
      raw: null,
      hold: null,
      note: `${ratio.toFixed(2)} × what the server's own memory gives (${own} /s)`,
    },
    {
      name: '  processor time a request',
      unit: 'µs CPU',
      value: of('cpuMicros', shared),
      raw: null,
      hold: null,
      note: `${of('cpuMicros', alone).toFixed(1)} µs without`,
    },
  ];
}
