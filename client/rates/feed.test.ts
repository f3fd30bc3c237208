import { beforeEach, describe, expect, test } from 'bun:test';
import type { Log } from '../../kit/logs';
import { TokenError, type TokenTrouble } from '../auth/token';
import type { ServerAnswer } from '../server-api';
import { createWorld, START_MS, type World } from '../testing/world';
import { createFeed, type Feed } from './feed';

const RATES = [{ symbol: 'BTC', rate: 45000 }];
const GOOD: ServerAnswer = { kind: 'data', data: RATES };
const AWAY: ServerAnswer = { kind: 'failed', cause: new TypeError('ECONNREFUSED') };

let world: World;
let answer: ServerAnswer | Promise<ServerAnswer>;
let requests: number;
let shown: unknown[][];
let said: string[];
let feed: Feed;

beforeEach(() => {
  world = createWorld();
  answer = GOOD;
  requests = 0;
  shown = [];
  said = [];
  const tell = (message: string) => void said.push(message);
  const log: Log = { debug: tell, info: tell, warn: tell, error: tell, with: () => log };
  const fetchRates = async () => {
    requests++;
    return answer;
  };
  feed = createFeed({
    ...world,
    random: () => 0.5,
    fetchRates,
    isLive: () => false,
    serverUrl: 'http://localhost:8000',
    fetchSeconds: 10,
    log,
    shown: (...view) => shown.push(view),
  });
});

describe('in the background', () => {
  test('rates are fetched at once and then every ten seconds, and shown with those before', async () => {
    feed.start();
    await world.pass(20_000);
    expect(requests).toBe(3);
    expect(shown).toEqual([
      [RATES, null],
      [RATES, RATES],
      [RATES, RATES],
    ]);
  });

  test('after stopping nothing is fetched', async () => {
    feed.start();
    await world.pass(0);
    feed.stop();
    await world.pass(60_000);
    expect(requests).toBe(1);
    expect(world.timers()).toEqual([]);
  });

  test('a stop during a fetch leaves no timer behind', async () => {
    const late = Promise.withResolvers<ServerAnswer>();
    answer = late.promise;
    feed.start();
    feed.stop();
    late.resolve(GOOD);
    await world.pass(60_000);
    expect(world.timers()).toEqual([]);
  });
});

describe('a caller', () => {
  test('shares the request under way with all others', async () => {
    await Promise.all(Array.from({ length: 100 }, () => feed.refresh()));
    expect(requests).toBe(1);
  });

  test('within a second shares the outcome, good or bad', async () => {
    answer = AWAY;
    await feed.refresh();
    await world.pass(999);
    await feed.refresh();
    expect(requests).toBe(1);
    await world.pass(1);
    await feed.refresh();
    expect(requests).toBe(2);
  });
});

describe('while the server is away', () => {
  test('the last rates stay, with their age and the reason', async () => {
    await feed.refresh();
    answer = AWAY;
    await world.pass(30_000);
    const { last, ageMs, outage } = await feed.refresh();
    expect(last?.rates).toEqual(RATES);
    expect(ageMs).toBe(30_000);
    expect(outage).toMatchObject({ sinceMs: START_MS + 30_000, nextAttemptAtMs: START_MS + 30_750 });
  });

  test('a wall clock that is set makes them neither older nor younger', async () => {
    await feed.refresh();
    answer = AWAY;
    await world.pass(30_000);
    world.stepWallClock(-86_400_000);
    expect((await feed.refresh()).ageMs).toBe(30_000);
  });

  test('it is tried sooner than usual, then as usual', async () => {
    answer = AWAY;
    feed.start();
    await world.pass(750 + 1_500 + 3_000 + 6_000);
    expect(requests).toBe(5);
    await world.pass(30_000);
    expect(requests).toBe(8);
  });

  test('Retry-After is kept to, however long', async () => {
    answer = { kind: 'status', status: 503, retryAfter: '60' };
    feed.start();
    await world.pass(59_000);
    expect(requests).toBe(1);
    await world.pass(5_000);
    expect(requests).toBe(2);
  });

  test('one line says since when and when it tries next, then one a minute, then that it is over', async () => {
    answer = AWAY;
    feed.start();
    await world.pass(59_000);
    expect(said).toEqual([
      'no rates yet, next attempt at 00:00:00 UTC: The server does not answer: no connection to http://localhost:8000.',
    ]);
    await world.pass(15_000);
    expect(said).toHaveLength(2);
    answer = GOOD;
    await world.pass(10_000);
    expect(said).toHaveLength(3);
    expect(said[2]).toMatch(/^rates are back after \d+ s$/);
  });

  test('with rates from before, the line says since when there are no new ones', async () => {
    await feed.refresh();
    answer = AWAY;
    await world.pass(61_000);
    await feed.refresh();
    expect(said[0]).toStartWith('no rates since 00:01:01 UTC, ');
  });

  test.each([
    [
      'a refused connection',
      Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
      'no connection to http://localhost:8000 (ECONNREFUSED)',
    ],
    ['silence', new DOMException('x', 'TimeoutError'), 'no answer from http://localhost:8000 in time'],
  ])('%s is told in the words of the token requests', async (_, cause, words) => {
    answer = { kind: 'failed', cause };
    expect((await feed.refresh()).outage?.reason).toBe(`The server does not answer: ${words}.`);
  });

  test('another reason is said at once', async () => {
    answer = AWAY;
    await feed.refresh();
    answer = { kind: 'failed', cause: new TokenError({ kind: 'refused', error: 'invalid_client', description: null }) };
    await world.pass(1000);
    await feed.refresh();
    expect(said).toHaveLength(2);
    expect(said[1]).toContain('refuses this client id and secret');
  });

  test('a token that is planned is waited for', async () => {
    const cause = new TokenError({ kind: 'unreachable', detail: 'x' }, START_MS + 3_000);
    answer = { kind: 'failed', cause };
    expect((await feed.refresh()).outage?.nextAttemptAtMs).toBe(START_MS + 3_250);
  });
});

describe('whose fault an outage is', () => {
  const noToken = (trouble: TokenTrouble): ServerAnswer => ({ kind: 'failed', cause: new TokenError(trouble) });
  const status = (code: number): ServerAnswer => ({ kind: 'status', status: code, retryAfter: null });

  test.each<[string, ServerAnswer]>([
    ['a refused credential', noToken({ kind: 'refused', error: 'invalid_client', description: null })],
    ['a refused registration', noToken({ kind: 'not_registered', status: 403, detail: null })],
    ['another issuer', noToken({ kind: 'wrong_issuer', expected: 'https://a.example', found: 'https://b.example' })],
    ['401 for the rates', status(401)],
    ['403 for the rates', status(403)],
  ])('%s: the server refuses this client', async (_, bad) => {
    answer = bad;
    expect((await feed.refresh()).outage?.kind).toBe('refused');
  });

  test.each<[string, ServerAnswer]>([
    ['no connection', AWAY],
    ['no connection for a token', noToken({ kind: 'unreachable', detail: 'x' })],
    ['a busy token endpoint', noToken({ kind: 'busy', status: 503, retryAfterMs: null })],
    ['429', status(429)],
    ['502', status(502)],
    ['a page', { kind: 'data', data: '<html>' }],
  ])('%s: the server is away', async (_, bad) => {
    answer = bad;
    expect((await feed.refresh()).outage?.kind).toBe('away');
  });
});

describe('an answer that is no list of rates', () => {
  test.each<[string, ServerAnswer]>([
    ['a page', { kind: 'data', data: '<html>' }],
    ['403', { kind: 'status', status: 403, retryAfter: null }],
    ['401', { kind: 'status', status: 401, retryAfter: null }],
    ['broken JSON', { kind: 'failed', cause: new SyntaxError('JSON') }],
  ])('%s is an outage', async (_, bad) => {
    answer = bad;
    expect((await feed.refresh()).outage).not.toBeNull();
  });
});
