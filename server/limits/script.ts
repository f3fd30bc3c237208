import { createHash } from 'node:crypto';
import type { Limit } from '../../kit/limit';

/** What became of one limit in the memory of all replicas. */
export interface SharedLevel {
  readonly allowed: boolean;
  /** As `Bucket.debt`. */
  readonly debt: number;
}

const NOW = "redis.call('TIME')";

/**
 * `take` and `look` of kit/limits/gcra.ts in Lua, for several limits at once: when all of them allow it, `amount` is taken from
 * each, else nothing from any. Its clock is that of Redis, so those of the replicas may differ; set back, it gives nothing and
 * goes on from there. A key goes a second after nothing is owed any more.
 * @param clock gives seconds and microseconds, in Lua
 */
export function limitScript(clock = NOW) {
  const text = `
local time = ${clock}
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local amount = tonumber(ARGV[1])
local all, debts, reply = true, {}, {}
local function keep(key, debt, count)
  redis.call('SET', key, string.format('%.0f %.0f', debt, now), 'PX', math.ceil(debt / count) + 1000)
end
for i, key in ipairs(KEYS) do
  local count, period = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local debt, at = string.match(redis.call('GET', key) or '0 0', '(%d+) (%d+)')
  debts[i] = math.max(0, debt - math.max(0, now - at) * count)
  if now < tonumber(at) then keep(key, debts[i], count) end
  reply[2 * i - 1] = debts[i] + period <= count * period and 1 or 0
  reply[2 * i] = debts[i]
  all = all and reply[2 * i - 1] == 1
end
if not all or amount == 0 then return reply end
for i, key in ipairs(KEYS) do
  local count, period = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  reply[2 * i] = debts[i] + period
  keep(key, reply[2 * i], count)
end
return reply`;
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** The script's arguments. @param amount 1 takes, 0 only looks */
export function limitArguments(limits: readonly Limit[], amount: 0 | 1): string[] {
  return [String(amount), ...limits.flatMap(({ count, periodMs }) => [String(count), String(periodMs)])];
}

/** Its reply. @throws Error when it is no such reply. */
export function readLevels(reply: unknown, limits: readonly Limit[]): SharedLevel[] {
  const numbers: readonly unknown[] = Array.isArray(reply) ? reply : [];
  return limits.map((_, at) => {
    const [allowed, debt] = [numbers[2 * at], numbers[2 * at + 1]];
    if (typeof debt !== 'number') throw new Error('not a reply of the script of limits');
    return { allowed: allowed === 1, debt };
  });
}
