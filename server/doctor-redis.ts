import { createHash } from 'node:crypto';
import type { Report } from '../kit/finding';
import type { Config } from './config';
import { CONNECT_MS } from './redis/index';
import { connectTo, type Send } from './redis/session';
import { createRedisReplay } from './tokens/shared-replay';

/** Greets Redis as a server does. A server goes on without it, by a memory of its own. */
export async function checkRedis(
  { redisUrl: url }: Pick<Config, 'redisUrl'>,
  { randomBytes }: { readonly randomBytes: (n: number) => Buffer },
  report: Report,
): Promise<void> {
  if (url === null) return;
  let dropping: string | null = null;
  const unfit = (policy: string): void => {
    dropping = policy;
  };
  const greetings = [runScripts, ...greetingsOf(randomBytes, unfit)];
  try {
    const session = await connectTo({ url, timeoutMs: CONNECT_MS, greetings, broken: () => {} });
    session.close();
    reportRoom(dropping, report);
  } catch {
    // What it said may hold its password.
    const advice =
      'look at REDIS_URL, its user and its password, and what that may do: docs/redis.md names the commands';
    report.warn('redis', 'it cannot be reached, or takes nothing: each server goes by its own memory', advice);
  }
}

function reportRoom(dropping: string | null, report: Report): void {
  if (dropping === null) report.ok('redis', 'it takes what servers share');
  else
    report.warn(
      'redis',
      `it may drop what it is to keep (maxmemory-policy ${dropping}): the database remembers proofs instead`,
      'set maxmemory-policy noeviction, or give servers a Redis of their own',
    );
}

type Greeting = (send: Send) => Promise<void>;

/** Those of a server, which asks nothing else here. */
function greetingsOf(randomBytes: (n: number) => Buffer, unfit: (policy: string) => void): Greeting[] {
  const greetings: Greeting[] = [];
  const memory = {
    up: () => false,
    run: () => Promise.reject(new Error('nothing is asked')),
    greet: (greeting: Greeting) => void greetings.push(greeting),
  };
  createRedisReplay({ memory, randomBytes, unfit });
  return greetings;
}

const CLOCK = "return redis.call('TIME')";

/** As a request does: by what the script is called, and with the clock of Redis. */
async function runScripts(send: Send): Promise<void> {
  await send('EVAL', CLOCK, '0');
  await send('EVALSHA', createHash('sha1').update(CLOCK).digest('hex'), '0');
}
