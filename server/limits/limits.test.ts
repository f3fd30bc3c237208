// Each limit over HTTP, with exact times.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Elysia } from 'elysia';
import type { Database } from '../../db/connect';
import { eachDatabase } from '../../db/testing';
import { Problem, problemResponse } from '../../kit/http/problem';
import { CHOSEN_SECRET_COST } from '../clients/secret-hasher';
import { ADMIN_SECRET, form, json, startTestServer, type TestClient, type TestServer } from '../testing';
import { athOf, boundToken, createProver, nonceOf, prove } from '../tokens/testing-proofs';
import { LimitExceeded, within } from './refusal';
import { createLimits, type Limits } from './service';

const LIMITS = {
  api: { count: 100, periodMs: 1_000 },
  token: { count: 20, periodMs: 1_000 },
  failed: { count: 10, periodMs: 60_000 },
  register: { count: 30, periodMs: 3_600_000 },
};

let nowMs = 1_767_225_600_000;
const make = (): Limits => createLimits({ limits: LIMITS, sharing: null, now: () => nowMs });

test('once failures are paid back it is not even asked whence a request comes', () => {
  const limits = make();
  let asked = 0;
  const address = (): string => {
    asked += 1;
    return '192.0.2.1';
  };
  limits.failed.check('a', address);
  expect(asked).toBe(0);
  for (const client of ['a', 'b', 'c', 'd', 'e']) void limits.failed.count(client, () => '192.0.2.7');
  limits.failed.check('a', address);
  expect(asked).toBe(1);
  nowMs += 10 * LIMITS.failed.periodMs;
  for (let times = 0; times < 100; times++) limits.failed.check('a', address);
  expect(asked).toBeLessThan(10);
  expect(limits.sizes()).toMatchObject({ 'failed-authentication': 0, 'failed-authentication-address': 0 });
});

describe('a limit over HTTP', () => {
  let limits = make();
  const app = new Elysia()
    .onError(({ error }) => (error instanceof Problem ? problemResponse(error, 'id') : undefined))
    .get('/:policy/:key', async ({ params, set }) => {
      const taken = limits.take(params.policy as 'api' | 'token' | 'register', params.key);
      Object.assign(set.headers, within(await taken, params.key));
      return 'ok';
    });
  beforeAll(() => void app.listen({ hostname: '127.0.0.1', port: 0, reusePort: false }));
  afterAll(() => app.stop(true));
  const ask = (path: string) => fetch(`http://127.0.0.1:${app.server?.port}/${path}`);
  const shown = ({ status, headers }: Response) => [
    status,
    headers.get('ratelimit-policy'),
    headers.get('ratelimit'),
    headers.get('retry-after'),
  ];

  test.each([
    ['token', 20, 1_000, 1, 50],
    ['api', 100, 1_000, 1, 10],
    ['register', 30, 3_600_000, 120, 120_000],
  ])('%s: so many at once, then one after another', async (policy, count, periodMs, retrySeconds, intervalMs) => {
    limits = make();
    const window = `"${policy}";q=${count};w=${periodMs / 1_000}`;
    const first = await ask(`${policy}/a`);
    expect(shown(first)).toEqual([200, window, `"${policy}";r=${count - 1};t=${Math.ceil(intervalMs / 1_000)}`, null]);
    for (let at = 2; at < count; at++) await ask(`${policy}/a`);
    expect(shown(await ask(`${policy}/a`))).toEqual([200, window, `"${policy}";r=0;t=${periodMs / 1_000}`, null]);
    const refused = await ask(`${policy}/a`);
    expect(shown(refused)).toEqual([429, window, `"${policy}";r=0;t=${periodMs / 1_000}`, String(retrySeconds)]);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(await refused.json()).toMatchObject({ status: 429, title: 'Too Many Requests', type: 'about:blank' });
    // Somebody else's requests are his own.
    expect((await ask(`${policy}/b`)).status).toBe(200);
    nowMs += intervalMs - 1;
    expect((await ask(`${policy}/a`)).status).toBe(429);
    nowMs += 1;
    expect((await ask(`${policy}/a`)).status).toBe(200);
    expect((await ask(`${policy}/a`)).status).toBe(429);
    nowMs += periodMs;
    expect((await ask(`${policy}/a`)).headers.get('ratelimit')).toStartWith(`"${policy}";r=${count - 1};`);
  });

  test('a client with a limit of its own has that one', () => {
    const own = { count: 2, periodMs: 60_000 };
    const take = () => make().take('token', 'a', own);
    expect(within(take())).toEqual({ 'ratelimit-policy': '"token";q=2;w=60', ratelimit: '"token";r=1;t=30' });
  });

  test('without limits everything is allowed, and no header says otherwise', () => {
    const none = createLimits({ limits: null, sharing: null, now: () => nowMs });
    for (const _ of Array(1_000)) {
      expect(none.take('token', 'a')).toMatchObject({ allowed: true });
      void none.failed.count('a', () => '192.0.2.1');
    }
    none.failed.check('a', () => '192.0.2.1');
    expect(within(none.take('api', 'a'))).toEqual({});
    expect(none.sizes()).toEqual({});
  });
});

describe('failed authentication', () => {
  const policyOf = (limits: Limits, client: string, address: string): string | null => {
    try {
      limits.failed.check(client, () => address);
      return null;
    } catch (error) {
      return error instanceof LimitExceeded ? `${error.policy} ${error.headers['retry-after']}` : 'another error';
    }
  };

  test('of one client from one address: ten at once, then one every six seconds, the right secret refused too', () => {
    const limits = make();
    for (const _ of Array(10)) {
      expect(policyOf(limits, 'machine', '192.0.2.1')).toBeNull();
      void limits.failed.count('machine', () => '192.0.2.1');
    }
    expect(policyOf(limits, 'machine', '192.0.2.1')).toBe('failed-authentication 6');
    nowMs += 5_999;
    expect(policyOf(limits, 'machine', '192.0.2.1')).toBe('failed-authentication 1');
    nowMs += 1;
    expect(policyOf(limits, 'machine', '192.0.2.1')).toBeNull();
  });

  test('locks neither the client elsewhere nor other clients at the same address', () => {
    const limits = make();
    for (const _ of Array(10)) void limits.failed.count('machine', () => '192.0.2.1');
    expect(policyOf(limits, 'machine', '192.0.2.1')).toStartWith('failed-authentication ');
    expect(policyOf(limits, 'machine', '192.0.2.2')).toBeNull();
    expect(policyOf(limits, 'other', '192.0.2.1')).toBeNull();
  });

  test('from one address with ever other clients: a hundred', () => {
    const limits = make();
    for (const at of Array(100).keys()) {
      expect(policyOf(limits, `machine-${at}`, '192.0.2.1')).toBeNull();
      void limits.failed.count(`machine-${at}`, () => '192.0.2.1');
    }
    expect(policyOf(limits, 'machine-new', '192.0.2.1')).toBe('failed-authentication-address 1');
    expect(policyOf(limits, 'machine-0', '192.0.2.2')).toBeNull();
  });

  test('from everywhere in one IPv6 network is from one address', () => {
    const limits = make();
    for (const at of Array(10).keys()) void limits.failed.count('machine', () => `2001:db8::${at}`);
    expect(policyOf(limits, 'machine', '2001:db8::ffff')).toStartWith('failed-authentication ');
    expect(policyOf(limits, 'machine', '2001:db8:0:1::1')).toBeNull();
  });

  test('looking takes nothing', () => {
    const limits = make();
    for (const _ of Array(1_000)) expect(policyOf(limits, 'machine', '192.0.2.1')).toBeNull();
    expect(limits.sizes()).toMatchObject({ 'failed-authentication': 0, 'failed-authentication-address': 0 });
  });

  test('of guesses that were under way together no more are answered than count', () => {
    const limits = make();
    const answered = (work: () => unknown): boolean => {
      try {
        work();
        return true;
      } catch {
        return false;
      }
    };
    const guesses = Array.from({ length: 64 }, () => answered(() => limits.failed.count('machine', () => '192.0.2.1')));
    expect(guesses.filter(Boolean).length).toBe(10);
    // A right one among them looks like the rest.
    expect(answered(() => limits.failed.confirm('machine', () => '192.0.2.1'))).toBe(false);
    nowMs += 6_000;
    expect(answered(() => limits.failed.confirm('machine', () => '192.0.2.1'))).toBe(true);
  });
});

eachDatabase('limits of a server', (open) => {
  let database: Database;
  let server: TestServer;
  let count = 0;
  beforeAll(async () => {
    database = await open();
    const settings = { limits: { ...LIMITS, register: { count: 3, periodMs: 3_600_000 } } };
    server = await startTestServer(database, { settings });
  });
  afterAll(() => server.close());
  const register = (headers: Record<string, string> = {}) => {
    const body = { client_id: `machine-${++count}`, client_secret: 'correct-horse-battery', app_name: 'a' };
    return server.ask('/api/auth/register', {
      ...json(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  };

  test('registrations of an address are limited, the administrator is not, and the operator is told', async () => {
    const answers = [await register(), await register(), await register()];
    expect(answers.map(({ status, headers }) => [status, headers.get('ratelimit')])).toEqual([
      [200, '"register";r=2;t=1200'],
      [200, '"register";r=1;t=2400'],
      [200, '"register";r=0;t=3600'],
    ]);
    const refused = await register();
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1200');
    expect(refused.headers.get('ratelimit-policy')).toBe('"register";q=3;w=3600');
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    const { request_id: requestId } = (await refused.json()) as { request_id: string };
    expect(refused.headers.get('x-request-id')).toBe(requestId);
    expect((await register({ 'x-admin-secret': ADMIN_SECRET })).status).toBe(200);
    await server.services.audit.flush();
    const nothing = { client: null, event: null, outcome: null, from: null, to: null, cursor: null, limit: 10 };
    const { items } = await server.services.audit.page({ ...nothing, requestId });
    expect(items).toMatchObject([{ event: 'limit_exceeded', outcome: 'failure', reason: 'register' }]);
    server.pass(1_199_999);
    expect((await register()).status).toBe(429);
    server.pass(1);
    expect((await register()).status).toBe(200);
  });

  test('wrong admin secrets are counted: after ten the right one is refused too, for six seconds', async () => {
    for (const _ of Array(10)) expect((await register({ 'x-admin-secret': 'wrong' })).status).toBe(403);
    const refused = await register({ 'x-admin-secret': ADMIN_SECRET });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '6']);
    server.pass(6_000);
    expect((await register({ 'x-admin-secret': ADMIN_SECRET })).status).toBe(200);
  });

  test('metrics count them', async () => {
    const text = await (await server.ask('/metrics')).text();
    expect(text).toContain('crypto_server_limits_hit_total{policy="register"} 2');
    expect(text).toContain('crypto_server_limits_hit_total{policy="failed-authentication"} 1');
    expect(text).toContain('crypto_server_limit_keys{policy="register"} 1');
  });
});

eachDatabase('limits of clients over HTTP', (open) => {
  let server: TestServer;
  beforeAll(async () => {
    const limits = { ...LIMITS, api: { count: 3, periodMs: 1_000 }, token: { count: 2, periodMs: 1_000 } };
    // Guesses that come together wait for each other as long as they do in the program.
    server = await startTestServer(await open(), { settings: { limits, hashCost: CHOSEN_SECRET_COST } });
  });
  afterAll(() => server.close());
  const ask = ({ id, secret }: TestClient): Promise<Response> =>
    server.ask('/api/auth/token', form({ grant_type: 'client_credentials', client_id: id, client_secret: secret }));
  const seen = async (work: () => Promise<Response>, times: number) => {
    const all: unknown[] = [];
    for (let at = 0; at < times; at++) {
      const { status, headers } = await work();
      all.push([status, headers.get('ratelimit'), headers.get('retry-after')]);
    }
    return all;
  };

  test('tokens: two at once, then 429 as a problem with Retry-After, and again after its time', async () => {
    const client = await server.register();
    expect(await seen(() => ask(client), 3)).toEqual([
      [200, '"token";r=1;t=1', null],
      [200, '"token";r=0;t=1', null],
      [429, '"token";r=0;t=1', '1'],
    ]);
    const refused = await ask(client);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(refused.headers.get('ratelimit-policy')).toBe('"token";q=2;w=1');
    server.pass(500);
    expect((await ask(client)).status).toBe(200);
    expect((await ask(await server.register())).status).toBe(200);
  });

  test('the API: three at once, remembered tokens too; another client is not touched', async () => {
    const [token, other] = [await server.token(), await server.token()];
    expect(await seen(() => server.read('/api/currency/', token), 4)).toEqual([
      [200, '"api";r=2;t=1', null],
      [200, '"api";r=1;t=1', null],
      [200, '"api";r=0;t=1', null],
      [429, '"api";r=0;t=1', '1'],
    ]);
    const untouched = await server.read('/api/currency/', other);
    expect([untouched.status, untouched.headers.get('ratelimit')]).toEqual([200, '"api";r=2;t=1']);
  });

  test('introspection: as the API, by who asks', async () => {
    const client = await server.register();
    const token = await server.token(client);
    const about = () =>
      server.ask('/api/auth/introspect', form({ token, client_id: client.id, client_secret: client.secret }));
    expect(await seen(about, 4)).toEqual([
      [200, '"api";r=2;t=1', null],
      [200, '"api";r=1;t=1', null],
      [200, '"api";r=0;t=1', null],
      [429, '"api";r=0;t=1', '1'],
    ]);
  });

  test('revocation has an allowance of its own: who has used up the API can still take a token back', async () => {
    const client = await server.register();
    const token = await server.token(client);
    for (const _ of Array(4)) await server.read('/api/currency/', token);
    expect((await server.read('/api/currency/', token)).status).toBe(429);
    const revoke = () =>
      server.ask('/api/auth/revoke', form({ token, client_id: client.id, client_secret: client.secret }));
    const answers = await seen(revoke, 11);
    expect(answers[0]).toEqual([200, '"revocation";r=9;t=1', null]);
    expect(answers[10]).toEqual([429, '"revocation";r=0;t=1', '1']);
    server.pass(1_000);
    expect((await server.read('/api/currency/', token)).status).toBe(401);
  });

  test('a refusal that was counted says what is left too', async () => {
    const client = await server.register();
    const token = await server.token(client);
    const first = await server.token(await server.register());
    const credentials = { client_id: client.id, client_secret: client.secret };
    const headerOf = async (work: Promise<Response>) => {
      const { status, headers } = await work;
      return [status, headers.get('ratelimit'), headers.has('ratelimit-policy')];
    };
    // Met for the first time, and known.
    expect(await headerOf(server.read('/api/currency/NOPE', first))).toEqual([404, '"api";r=2;t=1', true]);
    expect(await headerOf(server.read('/api/currency/NOPE', first))).toEqual([404, '"api";r=1;t=1', true]);
    const body = { grant_type: 'client_credentials', ...credentials };
    const scope = server.ask('/api/auth/token', form({ ...body, scope: 'admin' }));
    expect(await headerOf(scope)).toEqual([400, '"token";r=0;t=1', true]);
    const noToken = server.ask('/api/auth/introspect', form(credentials));
    expect(await headerOf(noToken)).toEqual([400, '"api";r=2;t=1', true]);
    const foreign = server.ask('/api/auth/revoke', form({ ...credentials, token: first }));
    expect(await headerOf(foreign)).toEqual([400, '"revocation";r=9;t=1', true]);
    expect((await server.read('/api/currency/', token)).status).toBe(200);
  });

  test('a DPoP proof of a request beyond the limit is not used up', async () => {
    const [client, prover] = [await server.register(), await createProver()];
    const nonce = await nonceOf(server, client, prover);
    const token = await boundToken(server, client, prover).catch(async () => {
      server.pass(1_000);
      return boundToken(server, client, prover);
    });
    const get = async () => {
      const claims = { htm: 'GET', htu: `${server.issuer}/api/currency/`, nonce, ath: athOf(token) };
      return prove(prover, { ...claims, iat: server.now() / 1_000 });
    };
    const send = async (dpop: string) =>
      (await server.ask('/api/currency/', { headers: { authorization: `DPoP ${token}`, dpop } })).status;
    for (const _ of Array(3)) expect(await send(await get())).toBe(200);
    const late = await get();
    expect(await send(late)).toBe(429);
    server.pass(1_000);
    expect([await send(late), await send(late)]).toEqual([200, 401]);
  });

  test('a client with limits of its own has those, from the answer of the administrator on', async () => {
    const client = await server.register();
    const headers = { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'application/json' };
    const body = { limits: { api: '1/m', token: '1/h' } };
    await server.ask(`/api/admin/clients/${client.id}`, { ...json(body, 'PATCH'), headers });
    const token = await server.token(client);
    expect((await ask(client)).headers.get('ratelimit-policy')).toBe('"token";q=1;w=3600');
    expect(await seen(() => server.read('/api/currency/', token), 2)).toEqual([
      [200, '"api";r=0;t=60', null],
      [429, '"api";r=0;t=60', '60'],
    ]);
  });

  test('guesses sent together count like guesses sent one after another', async () => {
    const client = await server.register();
    const guesses = Array.from({ length: 30 }, (_, at) => ask({ ...client, secret: `a wrong guess, number ${at}` }));
    const right = ask(client);
    const answers = await Promise.all(guesses);
    const told = answers.map(({ status }) => status).sort();
    expect(told).toEqual([...Array<number>(10).fill(401), ...Array<number>(20).fill(429)]);
    expect((await right).status).toBe(429);
  });

  test('wrong secrets: ten, then the right one is refused too; another client is not', async () => {
    const [client, other] = [await server.register(), await server.register()];
    for (let at = 0; at < 10; at++) {
      expect((await ask({ ...client, secret: 'wrong' })).status).toBe(401);
    }
    const refused = await ask(client);
    expect([refused.status, refused.headers.get('ratelimit-policy')]).toEqual([
      429,
      '"failed-authentication";q=10;w=60',
    ]);
    expect((await ask(other)).status).toBe(200);
  });
});
