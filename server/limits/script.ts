import type { Limit } from '../../kit/limit';

/** What became of one limit in the memory of all replicas. */
export interface SharedLevel {
  readonly allowed: boolean;
  /** As `Bucket.debt`. */
  readonly debt: number;
}

/** Limits that one request is counted against. */
export interface Group {
  readonly limits: readonly Limit[];
  /** 1 takes one from each of them when all allow it, else from none; 0 only looks. */
  readonly amount: 0 | 1;
}

const NOW = "redis.call('TIME')";

/**
 * `take` and `look` of kit/limits/gcra.ts in Lua, for many requests in one call, one after another: that costs a quarter of a
 * call for each. Its clock is that of Redis, so those of the replicas may differ; set back, it gives nothing and goes on from
 * there. A key goes a second after nothing is owed any more.
 * @param clock gives seconds and microseconds, in Lua
 */
export function limitScript(clock = NOW): string {
  return `
local time = ${clock}
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function keep(key, debt, count)
  redis.call('SET', key, string.format('%.0f %.0f', debt, now), 'PX', math.ceil(debt / count) + 1000)
end
local reply, done, arg = {}, 0, 1
while done < #KEYS do
  local amount, size, all = ARGV[arg], tonumber(ARGV[arg + 1]), true
  for i = 1, size do
    local key, count, period = KEYS[done + i], tonumber(ARGV[arg + 2 * i]), tonumber(ARGV[arg + 2 * i + 1])
    local debt, at = string.match(redis.call('GET', key) or '0 0', '(%d+) (%d+)')
    debt = math.max(0, debt - math.max(0, now - at) * count)
    if now < tonumber(at) then keep(key, debt, count) end
    local allowed = debt + period <= count * period
    all = all and allowed
    reply[2 * (done + i) - 1], reply[2 * (done + i)] = allowed and 1 or 0, debt
  end
  for i = 1, all and amount == '1' and size or 0 do
    local count, period = tonumber(ARGV[arg + 2 * i]), tonumber(ARGV[arg + 2 * i + 1])
    reply[2 * (done + i)] = reply[2 * (done + i)] + period
    keep(KEYS[done + i], reply[2 * (done + i)], count)
  end
  done, arg = done + size, arg + 2 + 2 * size
end
return reply`;
}

/** The script's arguments. */
export function limitArguments(groups: readonly Group[]): string[] {
  return groups.flatMap(({ limits, amount }) => [
    String(amount),
    String(limits.length),
    ...limits.flatMap(({ count, periodMs }) => [String(count), String(periodMs)]),
  ]);
}

/** Its reply, for each limit of each group. @throws Error when it is no such reply. */
export function readLevels(reply: unknown, groups: readonly Group[]): SharedLevel[][] {
  const numbers: readonly unknown[] = Array.isArray(reply) ? reply : [];
  let at = 0;
  return groups.map(({ limits }) =>
    limits.map(() => {
      const [allowed, debt] = [numbers[at], numbers[at + 1]];
      at += 2;
      if (typeof debt !== 'number') throw new Error('not a reply of the script of limits');
      return { allowed: allowed === 1, debt };
    }),
  );
}
