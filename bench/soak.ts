// `bun run soak`: whether a server stays as it is, and right, while it is asked for long. Errors, times, memory, rows.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPostgres, startPostgres } from '../db/testing-postgres';
import { standardOutput } from '../kit/output';
import { ROOT } from '../scripts/build';
import { hasRedis, startRedis } from '../server/redis/testing-redis';
import { runMeasurement } from './command';
import { startServer, temporaryFolder } from './processes';
import { judge, renderSoak } from './soak/report';
import { soak } from './soak/run';

const USAGE = 'bun run soak [--minutes 30] [--rate 5000] [--redis]';

/** Limits count, and nobody reaches them; tokens end many times over within the run. */
const SETTINGS = {
  RATE_LIMIT: 'on',
  LIMIT_API: '100000/s',
  LIMIT_TOKEN: '100000/s',
  LIMIT_REGISTER: '1000/s',
  ACCESS_TOKEN_TTL_SECONDS: '300',
};

interface Flags {
  readonly minutes: number;
  readonly rate: number;
  readonly redis: boolean;
}

const write = standardOutput();
const progress = (doing: string): void => write.err(`${doing} …\n`);

/** @returns the exit code. */
async function main({ minutes, rate, redis }: Flags, signal: AbortSignal): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  progress(`Starting PostgreSQL${redis ? ', Redis' : ''} and the server`);
  const postgres = stack.adopt(await startPostgres(), ({ close }) => close());
  const cache = redis ? stack.adopt(await startRedis(), ({ close }) => close()) : null;
  const server = stack.use(
    await startServer({
      folder,
      databaseUrl: postgres.url,
      // It answers until the load has ended.
      detached: true,
      settings: cache === null ? SETTINGS : { ...SETTINGS, REDIS_URL: cache.url },
      signal,
    }),
  );
  const dataFolder = join(folder, 'data');
  const seen = await soak({ server, dataFolder, databaseUrl: postgres.url, minutes, rate, signal, progress });
  write.out(`\n${renderSoak(seen)}`);
  return judge(seen).every(({ isHeld }) => isHeld) ? 0 : 1;
}

/** What is missing, as one line; null when all is there. */
function missing({ redis }: Flags): string | null {
  if (findPostgres() === null) return 'This needs PostgreSQL. Debian and Ubuntu: apt-get install postgresql.';
  if (redis && !hasRedis()) return '--redis needs redis-server. Debian and Ubuntu: apt-get install redis-server.';
  if (!existsSync(join(ROOT, 'crypto-server'))) return 'There is no ./crypto-server yet: bun run build.';
  return null;
}

/** Throws a TypeError for what cannot be meant. */
function readFlags(): Flags {
  const options = {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '5000' },
    redis: { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ options });
  const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
  if (!(minutes > 0) || !(rate > 0)) throw Object.assign(new TypeError('Numbers above 0.'), { code: 'FLAG' });
  return { minutes, rate, redis: values.redis };
}

await runMeasurement({ usage: USAGE, write, readFlags, missing, main });
