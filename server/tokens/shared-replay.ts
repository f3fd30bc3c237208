/** Used proofs where replicas share what they know: in Redis, and while that is away in rows of the database. */
import { CLOCKS_APART_MS } from '../../kit/clocks';
import { MemoryAway, PROOF_LIFE_MS, proofId, type ReplayMemory } from './replay';

/** Memory that replicas share, which runs scripts (Lua) and is greeted whenever it is found again. */
export interface GreetedMemory {
  up(): boolean;
  /** Rejects soon when it is away. */
  run(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  greet(greeting: (send: Send) => Promise<void>): void;
}

type Send = (command: string, ...args: readonly string[]) => Promise<unknown>;

/** What remembering in Redis stands on. */
export interface RedisReplayOptions {
  readonly memory: GreetedMemory;
  readonly randomBytes: (n: number) => Buffer;
  /** Hears that this Redis may drop what it was told to keep, so that it is not used for proofs. */
  readonly unfit: (policy: string) => void;
}

/** A proof is good for longer by the clock of a server that is behind. */
const REMEMBERED_MS = PROOF_LIFE_MS + CLOCKS_APART_MS;

const PREFIX = 'crypto-server:proof:';

/** Names what this Redis knows: another one once it has started anew or was emptied, because then it has forgotten. */
const ERA = 'crypto-server:proofs';

const BEGIN = `
local era = redis.call('GET', KEYS[1])
if era and string.sub(era, 1, #ARGV[1]) == ARGV[1] then return era end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2])
return ARGV[1] .. ARGV[2]`;

const USE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
return redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[2]) and 1 or 0`;

/**
 * Proofs in Redis. Its name is the run of the server and a random text that is lost with everything else: nonces from before it
 * forgot, by a start from an older snapshot too, are not good any more.
 */
export function createRedisReplay({ memory, randomBytes, unfit }: RedisReplayOptions): ReplayMemory {
  let run = '';
  let era: string | null = null;
  const random = (): string => randomBytes(12).toString('base64url');
  memory.greet(async (send) => {
    era = null;
    const [server, room] = [infoOf(await send('INFO', 'server')), infoOf(await send('INFO', 'memory'))];
    const dropping = droppingPolicy(room);
    if (dropping !== null) return unfit(dropping);
    run = `${server.get('run_id') ?? missing()}:`;
    era = String(await send('EVAL', BEGIN, '1', ERA, run, random()));
  });
  const ask = (script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> =>
    memory.run(script, keys, args).catch(() => {
      throw new MemoryAway();
    });
  return {
    standing: () => (era !== null && memory.up() ? { name: `redis ${era}`, sinceMs: 0 } : null),
    use: async (jkt, jti) => {
      const asked = era;
      if (asked === null) throw new MemoryAway();
      const reply = await ask(USE, [ERA, PREFIX + proofId(jkt, jti)], [asked, String(REMEMBERED_MS)]);
      if (reply === 1 || reply === 0) return reply === 1;
      // It was emptied: what was used is forgotten, so nonces of before are good no more.
      if (era === asked) era = String(await ask(BEGIN, [ERA], [run, random()]));
      throw new MemoryAway();
    },
  };
}

/** Rows of used ids. */
export interface UsedIds {
  /** @returns false when it was there before. */
  use(id: string, until: Date): Promise<boolean>;
}

/** Proofs in the database: slower, and as good as the database is there. */
export function createRowsReplay({ store, now }: { store: UsedIds; now: () => number }): ReplayMemory {
  const standing = { name: 'rows', sinceMs: 0 };
  return {
    standing: () => standing,
    // No id of an assertion holds a dot.
    use: (jkt, jti) => store.use(`dpop.${proofId(jkt, jti)}`, new Date(now() + REMEMBERED_MS)),
  };
}

/** By what it may drop what it was told to keep; null: it never does. One that does not say is not believed to keep it. */
function droppingPolicy(memory: ReadonlyMap<string, string>): string | null {
  const policy = memory.get('maxmemory_policy') ?? 'unknown';
  return memory.get('maxmemory') === '0' || policy === 'noeviction' ? null : policy;
}

/** `name:value` lines. */
function infoOf(reply: unknown): ReadonlyMap<string, string> {
  const lines = String(reply).split(/\r?\n/);
  return new Map(lines.map((line) => [line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1)]));
}

function missing(): never {
  throw new Error('it does not say which run of it this is (INFO, run_id)');
}
