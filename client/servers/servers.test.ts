import { describe, expect, test } from 'bun:test';
import { TokenError } from '../auth/token';
import { createWorld, deadlineOf, noDeadline, settle, thrown, type World } from '../testing/world';
import { overServers } from './failover';
import { WATCH_MS } from './member';
import { ATTEMPTS_MS, createServers, type Servers } from './servers';

const URLS = ['http://one.test:1', 'http://two.test:2', 'http://three.test:3'];
const ISSUER = 'https://auth.test';
const METADATA = { issuer: ISSUER, token_endpoint: `${ISSUER}/api/auth/token` };

const refusedConnection = (): Error => Object.assign(new TypeError('refused'), { code: 'ECONNREFUSED' });

const never = (): Promise<Response> => new Promise(() => {});

type Answer = (request: Request) => Response | Promise<Response>;

/** Three servers whose answers are set by hand, and what each was asked. */
function farm(urls: readonly string[] = URLS, onTheWay: (request: Request) => Promise<Response> | null = () => null) {
  const world = createWorld();
  const asked: string[] = [];
  const well: Answer = () => Response.json({ ok: true });
  const answers = new Map<string, Answer>(urls.map((url) => [url, well]));
  const metadata = new Map<string, object>(urls.map((url) => [url, METADATA]));
  const fetch = async (request: Request): Promise<Response> => {
    const { origin, pathname } = new URL(request.url);
    const answer = answers.get(origin);
    if (answer === undefined) throw new Error(`nobody at ${origin}`);
    const special = onTheWay(request);
    if (special !== null) return special;
    if (pathname.startsWith('/.well-known/')) return Response.json(metadata.get(origin));
    asked.push(`${request.method} ${origin.slice(7)}${pathname}`);
    return answer(request);
  };
  const servers = createServers({ ...world, urls, issuer: ISSUER, fetch, deadline: deadlineOf(world) });
  const route = overServers(servers);
  const get = (path = '/x', init?: RequestInit): Promise<Response> =>
    route(new Request(`${urls[0]}${path}`, init), fetch);
  return { world, asked, answers, metadata, servers, get };
}

const down: Answer = () => Promise.reject(refusedConnection());
const states = (servers: Servers): string[] => servers.health().map(({ state, circuit }) => `${state} ${circuit}`);
const at = (world: World, ms: number): Promise<void> => world.pass(ms);

describe('the choice', () => {
  test('of servers that nobody knows yet is the first', async () => {
    const { get, asked } = farm();
    await get('/rates?symbols=BTC');
    expect(asked).toEqual(['GET one.test:1/rates']);
  });

  test('is the least loaded: what is under way counts', async () => {
    const { get, asked, answers } = farm();
    const waiting = Promise.withResolvers<Response>();
    answers.set(URLS[0] as string, () => waiting.promise);
    const first = get();
    await settle();
    await get();
    await get();
    expect(asked.map((one) => one.slice(4, 9))).toEqual(['one.t', 'two.t', 'two.t']);
    waiting.resolve(new Response());
    await first;
  });

  test('is the faster one', async () => {
    const { get, asked, answers, world } = farm(URLS.slice(0, 2));
    answers.set(URLS[0] as string, async () => {
      await at(world, 500);
      return new Response();
    });
    await get();
    await get();
    await get();
    expect(asked.map((one) => one.slice(4, 7))).toEqual(['one', 'two', 'two']);
  });
});

describe('a server that fails', () => {
  test.each([
    ['gives no connection', down],
    ['is busy', () => new Response(null, { status: 503 })],
    ['has a fault', () => new Response(null, { status: 500 })],
    ['has enough of this client', () => new Response(null, { status: 429 })],
    ['does not answer in time', () => Promise.reject(new DOMException('late', 'TimeoutError'))],
  ] as const)('because it %s is left for the next one', async (_, answer) => {
    const { get, asked, answers } = farm();
    answers.set(URLS[0] as string, answer);
    expect((await get()).status).toBe(200);
    expect(asked).toEqual(['GET one.test:1/x', 'GET two.test:2/x']);
  });

  test.each([400, 401, 403, 404, 501])('but a status of %p is the answer of them all', async (status) => {
    const { get, asked, answers } = farm();
    answers.set(URLS[0] as string, () => new Response(null, { status }));
    expect((await get()).status).toBe(status);
    expect(asked).toHaveLength(1);
  });

  test('is asked last after two failures in a row, and first again once it is well', async () => {
    const { get, asked, answers, servers, world } = farm();
    answers.set(URLS[0] as string, down);
    await get();
    expect(states(servers)).toEqual(['away closed', 'ok closed', 'unknown closed']);
    world.chance = 0.5;
    await get('/again', { method: 'GET' });
    await get('/again');
    expect(servers.health()[0]).toMatchObject({ state: 'away', lastError: expect.stringContaining('ECONNREFUSED') });
    asked.length = 0;
    await get();
    expect(asked).toEqual(['GET two.test:2/x']);
    answers.set(URLS[0] as string, () => new Response());
    await at(world, 60_000);
    expect(states(servers)[0]).toBe('ok closed');
  });

  test('at its health is asked last from then on, also in the middle of a piece of work', async () => {
    const { servers, answers, asked, world, get } = farm();
    servers.start();
    await at(world, 1);
    answers.set(URLS[1] as string, down);
    await at(world, WATCH_MS - 2_000);
    answers.set(URLS[0] as string, async ({ url }) => {
      if (url.endsWith('/x')) await at(world, 2_500);
      return new Response(null, { status: 503 });
    });
    await get();
    expect(asked.filter((one) => one.endsWith('/x'))).toEqual(['GET one.test:1/x', 'GET three.test:3/x']);
  });

  test('is asked how it is with growing pauses, and says when next', async () => {
    const { get, asked, answers, servers, world } = farm(URLS.slice(0, 1));
    answers.set(URLS[0] as string, down);
    await get().catch(() => null);
    const { nextAttemptAtMs } = servers.health()[0] ?? {};
    expect(nextAttemptAtMs).toBeGreaterThan(world.clock.now());
    await at(world, 120_000);
    const probes = asked.filter((one) => one.endsWith('/health')).length;
    expect(probes).toBeGreaterThan(3);
    expect(probes).toBeLessThan(20);
  });

  test('is tried all the same when no other one answers', async () => {
    const { get, answers } = farm();
    for (const url of URLS) answers.set(url, down);
    for (let count = 0; count < 3; count++) await get().catch(() => null);
    answers.set(URLS[1] as string, () => new Response('two'));
    expect(await (await get()).text()).toBe('two');
  });

  test('with all others: the last answer is given back, else the failure', async () => {
    const { get, answers } = farm();
    for (const url of URLS) answers.set(url, down);
    expect(await thrown(get(), TypeError)).toMatchObject({ code: 'ECONNREFUSED' });
    answers.set(URLS[2] as string, () => new Response(null, { status: 503, headers: { 'retry-after': '7' } }));
    expect((await get()).headers.get('retry-after')).toBe('7');
  });
});

describe('the deadline', () => {
  test('is shared out, so that a slow server leaves time for the others', async () => {
    const { get, asked, answers, world } = farm();
    answers.set(
      URLS[0] as string,
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
    );
    const answer = get();
    await settle();
    await at(world, ATTEMPTS_MS / 3 - 1);
    expect(asked).toHaveLength(1);
    await at(world, 2);
    expect((await answer).status).toBe(200);
    expect(asked).toHaveLength(2);
  });

  test('is shared out of the metadata too: a server that is silent there leaves time for the others', async () => {
    const { get, asked, world } = farm(URLS, (request) => (request.url.startsWith(URLS[0] as string) ? never() : null));
    const answer = get();
    await settle();
    await at(world, ATTEMPTS_MS / 3 + 1);
    expect((await answer).status).toBe(200);
    expect(asked).toEqual(['GET two.test:2/x']);
  });

  test('does not end what has been answered', async () => {
    const { get, answers, world } = farm(URLS.slice(0, 1));
    let gone: AbortSignal | null = null;
    answers.set(URLS[0] as string, ({ signal }) => {
      gone = signal;
      return new Response('slowly');
    });
    const answer = await get();
    await at(world, 10 * ATTEMPTS_MS);
    expect((gone as AbortSignal | null)?.aborted).toBe(false);
    expect(await answer.text()).toBe('slowly');
  });

  test('a caller who leaves ends it: nobody else is asked', async () => {
    const { get, asked, answers } = farm();
    const leaving = new AbortController();
    answers.set(URLS[0] as string, () => {
      leaving.abort();
      return Promise.reject(leaving.signal.reason);
    });
    await get('/x', { signal: leaving.signal }).catch(() => null);
    expect(asked).toHaveLength(1);
  });
});

describe('a request that must not be sent twice', () => {
  const post = { method: 'POST', body: 'order' };

  test('goes elsewhere when it was certainly not sent', async () => {
    const { get, answers } = farm();
    answers.set(URLS[0] as string, down);
    answers.set(URLS[1] as string, async (request) => new Response(await request.text()));
    expect(await (await get('/x', post)).text()).toBe('order');
  });

  test.each([
    ['the connection broke', () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNRESET' }))],
    ['the answer is 503', () => new Response(null, { status: 503 })],
  ] as const)('does not when %s', async (_, answer) => {
    const { get, asked, answers } = farm();
    answers.set(URLS[0] as string, answer);
    await get('/x', post).catch(() => null);
    expect(asked).toHaveLength(1);
  });
});

describe('a server with another issuer', () => {
  test('is told nothing, and the others are asked', async () => {
    const { get, asked, metadata, servers } = farm();
    metadata.set(URLS[0] as string, { ...METADATA, issuer: 'https://evil.test' });
    await get();
    await get();
    expect(asked).toEqual(['GET two.test:2/x', 'GET two.test:2/x']);
    expect(servers.health()[0]).toMatchObject({ state: 'refused', lastError: expect.stringContaining('evil.test') });
  });

  test('is the reason when there is no other', async () => {
    const { get, metadata } = farm(URLS.slice(0, 1));
    metadata.set(URLS[0] as string, { ...METADATA, issuer: 'https://evil.test' });
    expect((await thrown(get(), TokenError)).trouble.kind).toBe('wrong_issuer');
  });
});

describe('watched', () => {
  test('one of several is noticed to be gone, and back, without a call', async () => {
    const { servers, asked, answers, world } = farm();
    servers.start();
    await at(world, 1);
    expect(states(servers)).toEqual(['ok closed', 'ok closed', 'ok closed']);
    answers.set(URLS[1] as string, down);
    await at(world, WATCH_MS);
    expect(states(servers)[1]).toBe('away open');
    answers.set(URLS[1] as string, () => new Response(null, { status: 404 }));
    await at(world, WATCH_MS);
    expect(states(servers)[1]).toBe('ok closed');
    servers.close();
    asked.length = 0;
    await at(world, 10 * WATCH_MS);
    expect(asked).toEqual([]);
  });

  test('the only one is not: it is asked all the time', async () => {
    const { servers, world } = farm(URLS.slice(0, 1));
    servers.start();
    expect(world.timers()).toEqual([]);
  });
});

test('a request to another place is sent there', async () => {
  const { servers, answers } = farm(URLS.slice(0, 2));
  answers.set('http://elsewhere.test', () => new Response('elsewhere'));
  const sent: string[] = [];
  const send = async ({ url }: Request) => {
    sent.push(url);
    return new Response();
  };
  for (const url of ['http://elsewhere.test/x', 'http://one.test:10/x'])
    await overServers(servers)(new Request(url), send);
  expect(sent).toEqual(['http://elsewhere.test/x', 'http://one.test:10/x']);
});

test('a base URL with a path is put in place of another', async () => {
  const world = createWorld();
  const sent: string[] = [];
  const fetch = async ({ url }: Request): Promise<Response> => {
    if (url.includes('/.well-known/')) return new Response(null, { status: 404 });
    sent.push(url);
    if (url.startsWith('http://a.test')) throw refusedConnection();
    return new Response();
  };
  const urls = ['http://a.test/base', 'http://b.test'];
  const servers = createServers({ ...world, urls, issuer: urls[0] as string, fetch, deadline: noDeadline });
  await overServers(servers)(new Request('http://a.test/base/api?x=1'), fetch);
  expect(sent).toEqual(['http://a.test/base/api?x=1', 'http://b.test/api?x=1']);
});
