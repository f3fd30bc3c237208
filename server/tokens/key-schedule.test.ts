// The life of signing keys, as pure tables: whatever happens in whatever order, nobody ever meets a key they cannot know.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { CLOCKS_APART_MS } from '../../kit/clocks';
import {
  bringForward,
  changeAlg,
  keepUp,
  type MakeKey,
  PUBLISHED_AHEAD_MS,
  RETIRING_MS,
  ROTATE_EVERY_MS,
  type SigningAlg,
  signingKey,
  stateOf,
  type TimedKey,
  withdraw,
} from './key-schedule';

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const JWKS_MAX_AGE_MS = 300_000;
const TOKEN_LIFE_MAX_MS = 86_400_000;

const forge = () => {
  let count = 0;
  const make: MakeKey<TimedKey> = (alg, createdAt, activeFrom) => ({
    kid: `k${++count}`,
    alg,
    privateKey: 'sealed',
    createdAt,
    activeFrom,
    retiredAt: null,
    revokedAt: null,
  });
  return (alg: SigningAlg = 'ES256') => ({ make, alg });
};
const states = (keys: readonly TimedKey[], atMs: number): string =>
  keys.map((key) => `${key.kid}:${stateOf(key, atMs)}${key.privateKey === null ? ' wiped' : ''}`).join(', ');

/** As the maintenance leaves it: a run in which a turn comes leaves what cannot be undone to the next one. */
const settled = (keys: readonly TimedKey[], at: Date, how: ReturnType<typeof forge>): TimedKey[] =>
  [1, 2, 3, 4].reduce<TimedKey[]>((table) => keepUp(table, at, how()), [...keys]);

describe('a key by the calendar', () => {
  const how = forge();
  let keys: TimedKey[] = [];
  test.each([
    ['the first one signs at once, and its successor is published', 0, 'k1:active, k2:next'],
    ['nothing changes before its time', ROTATE_EVERY_MS - 1, 'k1:active, k2:next'],
    ['after a month the successor signs and is given its own', ROTATE_EVERY_MS, 'k1:retiring, k2:active, k3:next'],
    [
      'the private key goes when no clock can want it any more',
      ROTATE_EVERY_MS + CLOCKS_APART_MS,
      'k1:retiring wiped, k2:active, k3:next',
    ],
    [
      'it verifies until its last token has ended',
      ROTATE_EVERY_MS + RETIRING_MS - 1,
      'k1:retiring wiped, k2:active, k3:next',
    ],
    ['then it is gone', ROTATE_EVERY_MS + RETIRING_MS, 'k2:active, k3:next'],
    [
      'a server that slept for a year signs with the key it has, and turns it over when the next one is known',
      ROTATE_EVERY_MS + 365 * 24 * 60 * MINUTE,
      'k3:active, k4:next',
    ],
    ['and so on', ROTATE_EVERY_MS + 365 * 24 * 60 * MINUTE + PUBLISHED_AHEAD_MS, 'k3:retiring, k4:active, k5:next'],
  ])('%s', (_name, afterMs, expected) => {
    keys = settled(keys, new Date(START + afterMs), how);
    expect(states(keys, START + afterMs)).toBe(expected);
    expect(keepUp(keys, new Date(START + afterMs), how())).toEqual(keys);
  });
});

describe('a key on demand', () => {
  const at = (ms: number): Date => new Date(START + ms);
  test('a successor known to all signs at once', () => {
    const how = forge();
    const keys = bringForward(keepUp([], at(0), how()), at(PUBLISHED_AHEAD_MS), how());
    expect(states(keys, START + PUBLISHED_AHEAD_MS)).toBe('k1:retiring, k2:active, k3:next');
  });
  test('one that caches may lack signs as soon as it can, and asking again changes nothing', () => {
    const how = forge();
    const keys = bringForward(keepUp([], at(0), how()), at(MINUTE), how());
    expect(states(keys, START + MINUTE)).toBe('k1:active, k2:next');
    expect(keys[1]?.activeFrom).toEqual(at(PUBLISHED_AHEAD_MS));
    expect(keys[0]?.retiredAt).toEqual(at(PUBLISHED_AHEAD_MS));
    expect(bringForward(keys, at(2 * MINUTE), how())).toEqual(keys);
  });
  test('another algorithm is published at once and signs when caches know it; the successor of the old one makes way', () => {
    const how = forge();
    const keys = changeAlg(keepUp([], at(0), how()), at(MINUTE), how('EdDSA'));
    expect(keys.map(({ kid, alg }) => `${kid} ${alg}`)).toEqual(['k1 ES256', 'k3 EdDSA']);
    expect(keys[1]?.activeFrom).toEqual(at(MINUTE + PUBLISHED_AHEAD_MS));
    expect(changeAlg(keys, at(2 * MINUTE), how('EdDSA'))).toEqual(keys);
    const back = changeAlg(keys, at(2 * MINUTE), how('ES256'));
    expect(back.map(({ kid, alg }) => `${kid} ${alg}`)).toEqual(['k1 ES256', 'k4 ES256']);
  });
  test('one about to sign is left alone: another replica may have begun', () => {
    const how = forge();
    const keys = changeAlg(keepUp([], at(0), how()), at(ROTATE_EVERY_MS - CLOCKS_APART_MS), how('RS256'));
    expect(keys.map(({ kid, alg }) => `${kid} ${alg}`)).toEqual(['k1 ES256', 'k2 ES256', 'k3 RS256']);
    expect(keys[2]?.activeFrom).toEqual(at(ROTATE_EVERY_MS + PUBLISHED_AHEAD_MS));
  });
});

describe('a revoked key', () => {
  const at = new Date(START + MINUTE);
  const begin = () => {
    const how = forge();
    return { how, keys: keepUp([], new Date(START), how()) };
  };
  test('the one that signs: the next one takes over at once', () => {
    const { how, keys } = begin();
    expect(states(withdraw(keys, 'k1', at, how()), at.getTime())).toBe('k1:revoked wiped, k2:active, k3:next');
  });
  test('the next one: another one stands in', () => {
    const { how, keys } = begin();
    expect(states(withdraw(keys, 'k2', at, how()), at.getTime())).toBe('k1:active, k2:revoked wiped, k3:next');
  });
  test('the next one when it is to take over soon: another one takes that turn, or the first that caches know in time', () => {
    const { how, keys } = begin();
    const asked = bringForward(keys, at, how());
    const turn = asked[1]!.activeFrom;
    expect(turn).toEqual(new Date(START + PUBLISHED_AHEAD_MS));
    const left = withdraw(asked, 'k2', at, how());
    expect(states(left, at.getTime())).toBe('k1:active, k2:revoked wiped, k3:next');
    expect(left[2]?.activeFrom).toEqual(new Date(at.getTime() + PUBLISHED_AHEAD_MS));
    expect(left[0]?.retiredAt).toEqual(new Date(at.getTime() + PUBLISHED_AHEAD_MS));
  });
  test('the last one is replaced', () => {
    const { how, keys } = begin();
    const left = withdraw(keys.slice(0, 1), 'k1', at, how());
    expect(states(left, at.getTime())).toBe('k1:revoked wiped, k3:active, k4:next');
  });
  test('twice is once', () => {
    const { how, keys } = begin();
    const once = withdraw(keys, 'k1', at, how());
    expect(withdraw(once, 'k1', new Date(at.getTime() + MINUTE), how())).toEqual(once.map((key) => ({ ...key })));
  });
});

describe('a clock that is a year ahead', () => {
  const [now, wrong] = [new Date(START + MINUTE), new Date(START + 365 * DAY)];
  test('for one run of the maintenance: nothing is destroyed, and turns come as they were planned', () => {
    const how = forge();
    const before = keepUp([], new Date(START), how());
    const after = keepUp(before, wrong, how());
    expect(after.slice(0, 2).map(({ privateKey }) => privateKey)).toEqual(['sealed', 'sealed']);
    const back = settled(after, now, how);
    expect(states(back, now.getTime())).toBe('k1:active, k2:next, k3:next');
    expect(back.map(({ activeFrom }) => activeFrom.getTime() - START)).toEqual([0, 30 * DAY, 60 * DAY]);
    expect(settled(back, new Date(START + 60 * DAY), how).map(({ kid }) => kid)).toEqual(['k2', 'k3', 'k4']);
  });
  test('for an hour: another key signs, which everybody knows, and turns come again, on demand too', () => {
    const how = forge();
    const after = settled(keepUp([], new Date(START), how()), wrong, how);
    const back = settled(after, now, how);
    const signer = signingKey(
      back.filter(({ privateKey }) => privateKey !== null),
      now.getTime(),
    );
    expect([signer?.kid, signer?.createdAt.getTime()]).toEqual(['k2', START]);
    const first = settled(bringForward(back, now, how()), new Date(now.getTime() + PUBLISHED_AHEAD_MS), how);
    const rotated = bringForward(first, new Date(now.getTime() + PUBLISHED_AHEAD_MS), how());
    const known = now.getTime() + 2 * PUBLISHED_AHEAD_MS;
    expect(signingKey(rotated, known)?.kid).toBe('k3');
    expect(settled(rotated, new Date(known), how).at(-1)!.activeFrom.getTime()).toBeLessThan(known + 31 * DAY);
  });
});

test('whatever is done whenever: a caller that keeps the key set for its time never meets an unknown key, and no token outlives its key', () => {
  const step = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 20 * MINUTE }), fc.integer({ min: 0, max: 40 * 24 * 60 * MINUTE })),
    what: fc.constantFrom('keepUp', 'rotate', 'ES256', 'EdDSA'),
    // One run of the maintenance sees a clock that is years ahead, and the next one the right one again.
    wrongMs: fc.option(fc.integer({ min: 365 * DAY, max: 4_000 * DAY }), { freq: 4, nil: 0 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const how = forge();
      let nowMs = START;
      let keys = keepUp([], new Date(nowMs), how());
      const cached = new Map<string, number>(keys.map(({ kid }) => [kid, Number.NEGATIVE_INFINITY]));
      const lastSigned = new Map<string, number>();
      // The maintenance runs every minute at least; longer gaps stand for a server that was down.
      for (const { afterMs, what, wrongMs } of steps) {
        // Between two changes the table is as it was; every turn in it happens by time alone.
        const moments = [nowMs, ...keys.map(({ activeFrom }) => activeFrom.getTime()), nowMs + afterMs];
        for (const moment of moments.filter((ms) => ms >= nowMs && ms <= nowMs + afterMs)) {
          const signer = signingKey(keys, moment)!;
          expect(signer.privateKey).not.toBeNull();
          expect(moment - cached.get(signer.kid)!).toBeGreaterThan(JWKS_MAX_AGE_MS + 2 * CLOCKS_APART_MS);
          lastSigned.set(signer.kid, moment);
        }
        nowMs += afterMs;
        const at = new Date(nowMs);
        const alg = keys.at(-1)!.alg as SigningAlg;
        if (wrongMs > 0) {
          keys = keepUp(keys, new Date(nowMs + wrongMs), how(alg));
          for (const { kid } of keys) if (!cached.has(kid)) cached.set(kid, nowMs);
        }
        if (what === 'keepUp') keys = keepUp(keys, at, how(alg));
        else if (what === 'rotate') keys = bringForward(keys, at, how(alg));
        else keys = changeAlg(keys, at, how(what as SigningAlg));
        for (const { kid } of keys) if (!cached.has(kid)) cached.set(kid, nowMs);
        for (const [kid, signedMs] of lastSigned) {
          if (nowMs < signedMs + TOKEN_LIFE_MAX_MS + CLOCKS_APART_MS) expect(keys.map((key) => key.kid)).toContain(kid);
        }
      }
    }),
    { numRuns: 300 },
  );
});
