import { beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { createWorld, START_MS, thrown, type World } from '../testing/world';
import { SPREAD_MS, TIMER_MAX_MS } from './renewal-timer';
import { TokenError, type TokenTrouble } from './token';
import { type CachedTokens, cached, type TokenEvent } from './token-source';

const LIFE_MS = 7_200_000;

/** A source that answers when told to, and counts. */
function createSource(world: World) {
  let waiting: { resolve: (lifeMs: number) => void; reject: (error: Error) => void }[] = [];
  const source = {
    requests: 0,
    /** Answers at once with tokens of this life, when set. */
    lifeMs: null as number | null,
    trouble: null as TokenTrouble | null,
    async token() {
      const number = ++source.requests;
      if (source.trouble !== null) throw new TokenError(source.trouble);
      const lifeMs =
        source.lifeMs ?? (await new Promise<number>((resolve, reject) => waiting.push({ resolve, reject })));
      const obtainedAtMs = world.clock.now();
      return {
        value: `token-${number}`,
        type: 'Bearer' as const,
        obtainedAtMs,
        expiresAtMs: obtainedAtMs + lifeMs,
        scope: null,
      };
    },
    answer(lifeMs = LIFE_MS) {
      for (const { resolve } of waiting) resolve(lifeMs);
      waiting = [];
    },
    fail(error: Error) {
      for (const { reject } of waiting) reject(error);
      waiting = [];
    },
  };
  return source;
}

const AWAY: TokenTrouble = { kind: 'unreachable', detail: 'no connection' };

let world: World;
let source: ReturnType<typeof createSource>;
let events: TokenEvent[];
let tokens: CachedTokens;

beforeEach(() => {
  world = createWorld();
  source = createSource(world);
  events = [];
  tokens = cached(source, { ...world, random: () => world.chance, heard: (event) => events.push(event) });
});

const value = async () => (await tokens.token()).value;

describe('single flight', () => {
  test('a thousand callers at once cause one request and get the same token', async () => {
    const callers = Array.from({ length: 1000 }, () => tokens.token());
    source.answer();
    const got = await Promise.all(callers);
    expect(source.requests).toBe(1);
    expect(new Set(got.map(({ value }) => value))).toEqual(new Set(['token-1']));
  });

  test('a thousand callers share a failure, and none of them starts another request', async () => {
    const callers = Promise.allSettled(Array.from({ length: 1000 }, () => tokens.token()));
    source.fail(new TokenError(AWAY));
    expect((await callers).every(({ status }) => status === 'rejected')).toBe(true);
    expect(source.requests).toBe(1);
  });

  test('a live token is given without a request', async () => {
    source.lifeMs = LIFE_MS;
    await value();
    await world.pass(1000);
    expect(await value()).toBe('token-1');
    expect(source.requests).toBe(1);
  });
});

describe('renewal ahead of the end', () => {
  test.each([
    [0, 0.8],
    [0.5, 0.85],
    [0.999999, 0.9],
  ])('with chance %p it begins at %p of the life', async (chance, share) => {
    world.chance = chance;
    source.lifeMs = LIFE_MS;
    await value();
    await world.pass(LIFE_MS * share - 10);
    expect(source.requests).toBe(1);
    await world.pass(20);
    expect(source.requests).toBe(2);
  });

  test('the old token serves while the renewal is under way', async () => {
    source.lifeMs = LIFE_MS;
    await value();
    source.lifeMs = null;
    await world.pass(LIFE_MS * 0.9);
    expect(source.requests).toBe(2);
    expect(await value()).toBe('token-1');
    source.answer();
    await world.pass(0);
    expect(await value()).toBe('token-2');
  });

  test('the old token serves to its end while the server is away, and not a moment longer', async () => {
    source.lifeMs = LIFE_MS;
    await value();
    source.trouble = AWAY;
    await world.pass(LIFE_MS - 1);
    expect(await value()).toBe('token-1');
    expect(tokens.state().lastError?.trouble.kind).toBe('unreachable');
    expect(events.some((event) => event.kind === 'failed' && event.serving)).toBe(true);
    await world.pass(1);
    await thrown(tokens.token(), TokenError);
  });

  test('leaves at least a minute to every token of ten minutes or more', () => {
    const ahead = fc.asyncProperty(
      fc.integer({ min: 600, max: 1_000_000 }),
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      async (lifeSeconds, chance) => {
        const world = createWorld();
        const source = createSource(world);
        source.lifeMs = lifeSeconds * 1000;
        const one = cached(source, { ...world, random: () => chance, heard: () => {} });
        await one.token();
        const state = one.state();
        expect((state.live?.expiresAtMs ?? 0) - (state.nextAttemptAtMs ?? 0)).toBeGreaterThanOrEqual(59_999);
        one.close();
      },
    );
    return fc.assert(ahead, { numRuns: 50 });
  });

  test('a timer is never longer than a minute, and an early one only looks again', async () => {
    source.lifeMs = 30 * 86_400_000;
    await value();
    expect(world.timers()).toEqual([TIMER_MAX_MS]);
    await world.pass(20 * 86_400_000);
    expect(source.requests).toBe(1);
  });

  test('what was slept through is noticed within a minute, and made up for a random while later', async () => {
    source.lifeMs = LIFE_MS;
    await value();
    world.stepWallClock(LIFE_MS);
    await world.pass(TIMER_MAX_MS);
    expect([source.requests, world.timers()]).toEqual([1, [world.chance * SPREAD_MS]]);
    await world.pass(world.chance * SPREAD_MS);
    expect([source.requests, await value()]).toEqual([2, 'token-2']);
  });

  test('after closing nothing is renewed', async () => {
    source.lifeMs = LIFE_MS;
    await value();
    tokens.close();
    expect(world.timers()).toEqual([]);
    await world.pass(LIFE_MS * 2);
    expect(source.requests).toBe(1);
  });

  test('closing during a request leaves no timer behind', async () => {
    const asked = tokens.token();
    tokens.close();
    source.answer();
    await asked;
    await world.pass(0);
    expect(world.timers()).toEqual([]);
  });
});

describe('short lives', () => {
  test.each([0, 1, 500])('a token that lives %p ms is asked for about once a second', async (lifeMs) => {
    source.lifeMs = lifeMs;
    for (let at = 0; at < 10_000; at += 10) {
      await tokens.token();
      await world.pass(10);
    }
    expect(source.requests).toBeLessThanOrEqual(13);
    expect(source.requests).toBeGreaterThanOrEqual(10);
  });

  test('a token of five seconds is there at any time, at one request in four seconds', async () => {
    source.lifeMs = 5_000;
    await value();
    for (let at = 0; at < 60_000; at += 100) {
      await world.pass(100);
      expect(tokens.state().live).not.toBeNull();
    }
    expect(source.requests).toBeLessThanOrEqual(16);
  });
});

describe('after a failure', () => {
  test('callers get the last error at once, with the time of the next attempt', async () => {
    source.trouble = AWAY;
    const first = await thrown(tokens.token(), TokenError);
    const second = await thrown(tokens.token(), TokenError);
    expect(source.requests).toBe(1);
    expect(first.nextAttemptAtMs).toBe(START_MS + 750);
    expect(second.nextAttemptAtMs).toBe(START_MS + 750);
    expect(second.trouble).toEqual(AWAY);
  });

  test('it is tried again by itself, with pauses that double up to a minute', async () => {
    world.chance = 0.999999;
    source.trouble = AWAY;
    await thrown(tokens.token(), TokenError);
    const attemptsAfter = async (ms: number) => {
      await world.pass(ms);
      return source.requests;
    };
    expect(await attemptsAfter(1_000)).toBe(2);
    expect(await attemptsAfter(2_000)).toBe(3);
    expect(await attemptsAfter(4_000)).toBe(4);
    expect(await attemptsAfter(8_000 + 16_000 + 32_000)).toBe(7);
    expect(await attemptsAfter(60_000)).toBe(8);
    expect(await attemptsAfter(60_000)).toBe(9);
  });

  test('a success ends the pauses: the next failure starts from the first one', async () => {
    source.trouble = AWAY;
    await thrown(tokens.token(), TokenError);
    await world.pass(20_000);
    source.trouble = null;
    source.lifeMs = 100_000;
    await world.pass(60_000);
    expect(tokens.state().lastError).toBeNull();
    const renewalAtMs = tokens.state().nextAttemptAtMs ?? 0;
    source.trouble = AWAY;
    await world.pass(renewalAtMs - world.clock.now() + 1);
    expect(tokens.state().lastError).not.toBeNull();
    expect(tokens.state().nextAttemptAtMs).toBeCloseTo(renewalAtMs + 750, -1);
  });

  test('Retry-After is waited for, and a little more', async () => {
    source.trouble = { kind: 'busy', status: 503, retryAfterMs: 30_000 };
    const { nextAttemptAtMs } = await thrown(tokens.token(), TokenError);
    expect(nextAttemptAtMs).toBe(START_MS + 31_500);
    await world.pass(31_400);
    expect(source.requests).toBe(1);
    await world.pass(200);
    expect(source.requests).toBe(2);
  });

  test('an unexpected error is trouble like any other, and its cause is kept for the log', async () => {
    const asked = tokens.token();
    const bug = new Error('bug');
    source.fail(bug);
    const error = await thrown(asked, TokenError);
    expect(error.message).not.toContain('bug');
    expect(events).toHaveLength(1);
    expect(events[0]?.kind === 'failed' && events[0].error.cause).toBe(bug);
  });
});

describe('forced renewal', () => {
  beforeEach(async () => {
    source.lifeMs = LIFE_MS;
    await value();
  });

  test('a rejected token is replaced', async () => {
    expect((await tokens.renew('token-1')).value).toBe('token-2');
    expect(await value()).toBe('token-2');
  });

  test('a thousand callers with the same rejected token cause one request', async () => {
    source.lifeMs = null;
    const callers = Array.from({ length: 1000 }, () => tokens.renew('token-1'));
    await world.pass(0);
    source.answer();
    const got = await Promise.all(callers);
    expect(source.requests).toBe(2);
    expect(got.every(({ value }) => value === 'token-2')).toBe(true);
  });

  test('who comes late with the old token gets the current one', async () => {
    await tokens.renew('token-1');
    await world.pass(60_000);
    expect((await tokens.renew('token-1')).value).toBe('token-2');
    expect(source.requests).toBe(2);
  });

  /** Each token is rejected at once, for so long. */
  const rejectAll = async (forMs: number): Promise<void> => {
    for (let at = 0; at < forMs; at += 100) {
      const { value } = await tokens.token();
      await tokens.renew(value);
      await world.pass(100);
    }
  };

  test('a server that rejects every token is asked less and less, down to once a minute', async () => {
    await rejectAll(120_000);
    expect(source.requests).toBeLessThanOrEqual(9);
    const before = source.requests;
    await rejectAll(300_000);
    expect(source.requests - before).toBeGreaterThanOrEqual(4);
    expect(source.requests - before).toBeLessThanOrEqual(6);
  });

  test('one that has taken tokens for a while is asked at once again', async () => {
    await rejectAll(120_000);
    await world.pass(120_000);
    const before = source.requests;
    await rejectAll(3_000);
    expect(source.requests - before).toBe(2);
  });

  test('a rejected token serves nobody while the renewal fails', async () => {
    source.trouble = AWAY;
    await thrown(tokens.renew('token-1'), TokenError);
    await thrown(tokens.token(), TokenError);
    expect(tokens.state().live).toBeNull();
    expect(source.requests).toBe(2);
  });

  test('during a pause it fails at once', async () => {
    source.trouble = AWAY;
    await thrown(tokens.renew('token-1'), TokenError);
    await thrown(tokens.renew('token-1'), TokenError);
    expect(source.requests).toBe(2);
  });
});

describe('clocks', () => {
  beforeEach(async () => {
    source.lifeMs = LIFE_MS;
    await value();
  });

  test('a wall clock set back by a day keeps no token alive longer', async () => {
    world.stepWallClock(-86_400_000);
    source.trouble = AWAY;
    await world.pass(LIFE_MS);
    await thrown(tokens.token(), TokenError);
  });

  test('the stated end stays right when the wall clock is set back', () => {
    world.stepWallClock(-86_400_000);
    expect(tokens.state().live?.expiresAtMs).toBe(START_MS - 86_400_000 + LIFE_MS);
  });

  test('a wall clock that jumps ahead, as after sleep, costs one renewal and no more', async () => {
    world.stepWallClock(86_400_000);
    expect(await value()).toBe('token-2');
    await world.pass(1000);
    expect(await value()).toBe('token-2');
    expect(source.requests).toBe(2);
  });
});

describe('state', () => {
  test('before the first use there is nothing', () => {
    expect(tokens.state()).toEqual({ live: null, nextAttemptAtMs: null, lastError: null });
  });

  test('tells when the token ends and when it is renewed, and never the token', async () => {
    source.lifeMs = LIFE_MS;
    await value();
    const state = tokens.state();
    expect(state.live?.expiresAtMs).toBe(START_MS + LIFE_MS);
    expect(state.nextAttemptAtMs).toBe(START_MS + LIFE_MS * 0.85);
    expect(JSON.stringify(state)).not.toContain('token-1');
  });
});
