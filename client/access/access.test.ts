// Who is let in, over HTTP: with and without a password, on loopback and beyond it.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createTestClient, type TestClient } from '../testing/client';
import { passwordFile } from './password';

const PASSWORD = 'correct-horse-battery';
const MINUTE_MS = 60_000;

let client: TestClient;
const start = (env: Record<string, string>): void => {
  client = createTestClient({ env });
};
afterEach(() => client.end());

const basic = (password: string, name = 'script'): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});
const signIn = (password = PASSWORD, headers: Record<string, string> = {}): Promise<Response> =>
  client.ask('/api/session', {
    method: 'POST',
    body: JSON.stringify({ password }),
    headers: { 'content-type': 'application/json', ...headers },
  });
const cookieOf = (answer: Response): string => (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
const statusOf = async (path: string, init: RequestInit = {}): Promise<number> => (await client.ask(path, init)).status;

const SAME = { 'sec-fetch-site': 'same-origin' };

/** What hands out tokens, changes something, or tells of the client. */
const GUARDED: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/api'],
  ['GET', '/api/status'],
  ['GET', '/api/currencies'],
  ['GET', '/api/currencies/BTC'],
  ['GET', '/api/events'],
  ['GET', '/api/test-server'],
  ['GET', '/api/token'],
  ['POST', '/api/token'],
  ['POST', '/api/register'],
  ['POST', '/api/configure'],
  ['GET', '/api/credentials'],
  ['POST', '/api/credentials/default/rotate'],
  ['GET', '/proxy/default/api/currency'],
  ['GET', '/metrics'],
  ['GET', '/nothing/here'],
  ['GET', '//api/status'],
  ['GET', '/%61pi/status'],
  ['GET', '/API/status'],
];

const OPEN = ['/', '/health', '/health/live', '/health/ready', '/docs', '/docs/json', '/api/session'];

describe('on loopback without a password', () => {
  beforeEach(() => start({}));

  test('nobody is asked for one', async () => {
    expect(await (await client.ask('/api/session')).json()).toEqual({ required: false, signed_in: true });
    expect(await statusOf('/api/status')).toBe(200);
    const answer = await signIn('anything');
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([204, null]);
  });

  const forwarded = { 'x-forwarded-for': '203.0.113.7' };
  test.each([
    ['GET', '/api/token'],
    ['POST', '/api/token'],
    ['POST', '/api/register'],
    ['POST', '/api/configure'],
    ['DELETE', '/api/credentials/default'],
    ['GET', '/proxy/default/api/currency'],
  ])('through a proxy %p %p is 403', async (method, path) => {
    const answer = await client.ask(path, { method, headers: forwarded });
    expect(answer.status).toBe(403);
    expect(((await answer.json()) as { detail: string }).detail).toContain('proxy');
    expect(client.double.seen).toEqual([]);
  });

  test.each(['/api/status', '/api/currencies'])('through a proxy %p stays open', async (path) => {
    expect(await statusOf(path, { headers: forwarded })).toBe(200);
  });
});

describe('beyond loopback', () => {
  beforeEach(() => start({ HOST: '0.0.0.0' }));

  test('a password is made once, for this user alone', async () => {
    const path = passwordFile(client.config.dataDir);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const password = readFileSync(path, 'utf8').trim();
    expect(password).toMatch(/^[\w-]{32}$/);
    expect(await statusOf('/api/status', { headers: basic(password) })).toBe(200);
    const again = client.restart();
    expect((await again.ask('/api/status', { headers: basic(password) })).status).toBe(200);
    expect(readFileSync(join(client.config.dataDir, 'dashboard-password'), 'utf8').trim()).toBe(password);
    expect(client.logged.join()).not.toContain(password);
    again.services.close();
  });

  test.each(GUARDED)('%p %p needs it', async (method, path) => {
    const answer = await client.ask(path, { method, headers: { host: 'client.example.com' } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('www-authenticate')).toBe('DashboardPassword realm="crypto-client"');
    expect(client.double.seen).toEqual([]);
  });

  test('the page says nothing of the client before that', async () => {
    const { credentials } = client.services;
    await credentials.get(null).tokens.token();
    const { client_id } = credentials.get(null).view(true);
    const text = await (await client.ask('/')).text();
    expect(text).toContain('<div id="dashboard">');
    expect([
      text.includes(client_id ?? '?'),
      text.includes('45,000.00'),
      text.includes(client.config.serverUrl),
    ]).toEqual([false, false, false]);
  });

  test.each(OPEN)('%p does not', async (path) => {
    expect(await statusOf(path, { headers: { host: 'client.example.com' } })).toBe(200);
  });
});

describe('with a password', () => {
  beforeEach(() => start({ HOST: '0.0.0.0', DASHBOARD_PASSWORD: PASSWORD }));

  test('also on loopback, and for a proxy in front', async () => {
    client.end();
    start({ DASHBOARD_PASSWORD: PASSWORD });
    expect(await statusOf('/api/status')).toBe(401);
    expect(await statusOf('/api/token', { headers: { ...basic(PASSWORD), 'x-forwarded-for': '203.0.113.7' } })).toBe(
      200,
    );
  });

  test.each([
    ['any name', basic(PASSWORD, 'anybody'), 200],
    ['no name', basic(PASSWORD, ''), 200],
    ['a colon in the name counts to the password', basic(PASSWORD, 'a:b'), 401],
    ['another password', basic('wrong'), 401],
    ['the password with a space behind', basic(`${PASSWORD} `), 401],
    ['no password', basic(''), 401],
    ['no colon', { authorization: `Basic ${btoa(PASSWORD)}` }, 401],
    ['not base64', { authorization: 'Basic ***' }, 401],
    ['another scheme', { authorization: `Bearer ${PASSWORD}` }, 401],
    ['nothing behind the scheme', { authorization: 'Basic' }, 401],
  ] as const)('Basic: %s', async (_name, headers, status) => {
    expect(await statusOf('/api/status', { headers })).toBe(status);
  });

  test('a token is given to who brings it, also beyond loopback', async () => {
    const answer = await client.ask('/api/token', { headers: basic(PASSWORD) });
    expect(await answer.json()).toMatchObject({ token_type: 'Bearer' });
  });

  test('the documentation says what to bring, and where nothing is needed', async () => {
    const document = async () => (await client.ask('/docs/json')).json() as Promise<Record<string, unknown>>;
    expect(await document()).toMatchObject({
      components: { securitySchemes: { password: { type: 'http', scheme: 'basic' }, session: { type: 'apiKey' } } },
      paths: {
        '/api/session': { post: { security: [] } },
        '/health': { get: { security: [] } },
        '/api/token': { get: { security: [{ password: [] }, { session: [] }] } },
      },
    });
    client.end();
    start({});
    expect(await document()).toMatchObject({ paths: { '/api/token': { get: { security: [] } } } });
  });

  test('metrics from elsewhere too', async () => {
    const answer = await client.ask('/metrics', { headers: basic(PASSWORD) });
    expect([answer.status, (await answer.text()).includes('crypto_client_token_live')]).toEqual([200, true]);
  });

  test('signing in sets a cookie that scripts and other sites cannot use', async () => {
    const answer = await signIn();
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([204, 'no-store']);
    expect(answer.headers.get('set-cookie')).toMatch(
      /^crypto_client_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    const cookie = cookieOf(answer);
    expect(await statusOf('/api/status', { headers: { cookie } })).toBe(200);
    expect(await (await client.ask('/api/session', { headers: { cookie } })).json()).toEqual({
      required: true,
      signed_in: true,
    });
    expect(await (await client.ask('/api/session')).json()).toEqual({ required: true, signed_in: false });
  });

  test('where the page came over https, the cookie goes over https alone', async () => {
    const headers = { host: 'rates.example.com', origin: 'https://rates.example.com' };
    const answer = await signIn(PASSWORD, headers);
    expect(answer.headers.get('set-cookie')).toEndWith('; SameSite=Strict; Secure; Max-Age=43200');
  });

  test('a wrong password is 401, told with the address, and never repeated', async () => {
    const answer = await signIn('my-other-password');
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([401, null]);
    expect(client.logged.join()).toContain('sign_in_failed');
    expect(client.logged.join() + (await answer.text())).not.toContain('my-other-password');
  });

  test.each([
    ['no JSON', 'text/plain', 'password=x'],
    ['a form', 'application/x-www-form-urlencoded', `password=${PASSWORD}`],
    ['no password', 'application/json', '{}'],
    ['a number', 'application/json', '{"password":7}'],
    ['a list', 'application/json', '[]'],
    ['JSON that claims to be text', 'text/plain', JSON.stringify({ password: PASSWORD })],
  ])('%s is no sign-in', async (_name, type, body) => {
    const answer = await client.ask('/api/session', { method: 'POST', body, headers: { 'content-type': type } });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([422, null]);
  });

  test('another sign-in on the same page makes another id, and the old one is over', async () => {
    const cookie = cookieOf(await signIn());
    const again = cookieOf(await signIn(PASSWORD, { cookie }));
    expect(again).not.toBe(cookie);
    expect(await statusOf('/api/status', { headers: { cookie } })).toBe(401);
    expect(await statusOf('/api/status', { headers: { cookie: again } })).toBe(200);
  });

  test('signing out ends the session at once and takes the cookie away', async () => {
    const cookie = cookieOf(await signIn());
    const answer = await client.ask('/api/session', { method: 'DELETE', headers: { cookie, ...SAME } });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([
      204,
      'crypto_client_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0',
    ]);
    expect(await statusOf('/api/status', { headers: { cookie } })).toBe(401);
  });

  test('unused for half an hour it is over; used in between it goes on', async () => {
    const cookie = cookieOf(await signIn());
    for (let times = 0; times < 3; times++) {
      await client.world.pass(29 * MINUTE_MS);
      expect(await statusOf('/api/status', { headers: { cookie } })).toBe(200);
    }
    await client.world.pass(30 * MINUTE_MS);
    expect(await statusOf('/api/status', { headers: { cookie } })).toBe(401);
  });

  test('after 12 hours it is over however much it was used', async () => {
    const cookie = cookieOf(await signIn());
    for (let minutes = 20; minutes < 720; minutes += 20) {
      await client.world.pass(20 * MINUTE_MS);
      expect(await statusOf('/api/status', { headers: { cookie } })).toBe(200);
    }
    await client.world.pass(20 * MINUTE_MS);
    expect(await statusOf('/api/status', { headers: { cookie } })).toBe(401);
  });

  test('nor does a clock that is set back make it last', async () => {
    const cookie = cookieOf(await signIn());
    await client.world.pass(29 * MINUTE_MS);
    client.world.stepWallClock(-29 * MINUTE_MS);
    await client.world.pass(2 * MINUTE_MS);
    expect(await statusOf('/api/status', { headers: { cookie } })).toBe(401);
  });

  describe('a page of another site', () => {
    const FOREIGN = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'http://evil.example' },
    ];

    test.each(FOREIGN)('%p does not sign anybody in', async (headers) => {
      const answer = await signIn(PASSWORD, headers as unknown as Record<string, string>);
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([403, null]);
    });

    test.each(FOREIGN)('%p changes nothing, neither by cookie nor by Basic', async (headers) => {
      const cookie = cookieOf(await signIn());
      for (const credential of [{ cookie }, basic(PASSWORD)]) {
        const given = { ...credential, ...headers } as Record<string, string>;
        expect(await statusOf('/api/register', { method: 'POST', headers: given })).toBe(403);
      }
      expect(await statusOf('/api/session', { method: 'DELETE', headers: { cookie, ...headers } as never })).toBe(403);
      expect(await statusOf('/api/status', { headers: { cookie } })).toBe(200);
      expect(client.double.seen).not.toContain('POST /api/auth/register');
    });

    test('does not use up the attempts of who visits it', async () => {
      for (let count = 0; count < 20; count++)
        await client.ask('/api/status', { headers: { ...basic('wrong'), 'sec-fetch-site': 'cross-site' } });
      expect(await statusOf('/api/status', { headers: basic(PASSWORD) })).toBe(200);
    });
  });

  test.each([
    ['reads from its own page', 'GET', '/api/status', SAME, 200],
    ['reads from an address that was typed in', 'GET', '/api/status', { 'sec-fetch-site': 'none' }, 200],
    ['reads where the browser says nothing', 'GET', '/api/status', {}, 200],
    ['reads from another port of this machine', 'GET', '/api/status', { 'sec-fetch-site': 'same-site' }, 403],
    ['takes a token to an address that was typed in', 'GET', '/api/token', { 'sec-fetch-site': 'none' }, 403],
    ['takes a token to its own page', 'GET', '/api/token', SAME, 200],
    ['changes from its own page', 'POST', '/api/register', SAME, 200],
    ['changes with its own Origin', 'POST', '/api/register', { origin: 'http://localhost:8001' }, 200],
    ['changes with no word of where from', 'POST', '/api/register', {}, 403],
    ['changes from an address that was typed in', 'POST', '/api/register', { 'sec-fetch-site': 'none' }, 403],
  ] as const)('a session %s', async (_name, method, path, headers, status) => {
    const cookie = cookieOf(await signIn());
    expect(await statusOf(path, { method, headers: { cookie, ...headers } })).toBe(status);
  });

  test('a script that says nothing of a page may change things by Basic', async () => {
    expect(await statusOf('/api/register', { method: 'POST', headers: basic(PASSWORD) })).toBe(200);
  });

  test('ten wrong passwords, by either way in: then the right one is refused too, until its time', async () => {
    for (let count = 0; count < 5; count++) {
      expect((await signIn('wrong')).status).toBe(401);
      expect(await statusOf('/api/status', { headers: basic('wrong') })).toBe(401);
    }
    const refused = await signIn();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '6']);
    expect(await statusOf('/api/status', { headers: basic(PASSWORD) })).toBe(429);
    await client.world.pass(6_000);
    expect((await signIn()).status).toBe(204);
  });

  test('who is signed in goes on while others guess', async () => {
    const cookie = cookieOf(await signIn());
    for (let count = 0; count < 20; count++) await signIn('wrong');
    expect((await signIn()).status).toBe(429);
    expect(await statusOf('/api/status', { headers: { cookie } })).toBe(200);
  });
});
