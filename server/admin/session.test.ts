// Signing in at the console, and who is taken for the administrator, over HTTP.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Database } from '../../db/connect';
import { consoleSessions } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { ADMIN_SECRET, json, startTestServer, type TestServer } from '../testing';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A page that is signed in. */
interface Page {
  readonly cookie: string;
  readonly csrf: string;
  ask(path: string, init?: RequestInit & { headers?: Record<string, string> }): Promise<Response>;
}

const signIn = (server: TestServer, secret = ADMIN_SECRET, headers: Record<string, string> = {}): Promise<Response> =>
  server.ask('/api/admin/session', {
    ...json({ admin_secret: secret }),
    headers: { 'content-type': 'application/json', ...headers },
  });

const openPage = async (server: TestServer): Promise<Page> => {
  const answer = await signIn(server);
  expect(answer.status).toBe(200);
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const { csrf_token: csrf } = (await answer.json()) as { csrf_token: string };
  return {
    cookie,
    csrf,
    ask: (path, init = {}) => server.ask(path, { ...init, headers: { cookie, ...init.headers } }),
  };
};

eachDatabase('sessions of the console', (open) => {
  let database: Database;
  let server: TestServer;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
  });
  afterAll(() => server.close());

  test('signing in sets a cookie that scripts and other sites cannot use', async () => {
    const answer = await signIn(server);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('set-cookie')).toMatch(
      /^crypto-server-session=[\w-]{43}; Path=\/api; HttpOnly; SameSite=Strict; Max-Age=28800$/,
    );
    expect(await answer.json()).toEqual({
      signed_in: true,
      csrf_token: expect.stringMatching(/^[\w-]{43}$/),
      expires_at: new Date(server.now() + 8 * HOUR_MS).toISOString(),
      idle_seconds: 900,
      issuer: server.issuer,
      version: expect.any(String),
      // Without a proxy no certificates come in, and so the console offers none.
      auth_methods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    });
  });

  test('the database holds a hash of the session id alone', async () => {
    const { cookie } = await openPage(server);
    const rows = JSON.stringify(await database.rows.select().from(consoleSessions));
    expect(rows).not.toContain(cookie.split('=')[1] ?? '?');
  });

  test('the page learns that it is signed in, and with the same token', async () => {
    const page = await openPage(server);
    const answer = await page.ask('/api/admin/session');
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as { csrf_token: string }).csrf_token).toBe(page.csrf);
  });

  test('nobody signed in is 401 with a challenge, and is not told of as a failure', async () => {
    const before = server.logged.filter((line) => line.includes('admin_access')).length;
    const answer = await server.ask('/api/admin/session');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer realm="crypto-server"');
    expect(server.logged.filter((line) => line.includes('admin_access')).length).toBe(before);
  });

  test('a wrong secret is 401, and told as admin_sign_in', async () => {
    const answer = await signIn(server, 'not-the-admin-secret');
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([401, null]);
    const told = server.logged.find((line) => line.includes('"admin_sign_in"') && line.includes('"failure"'));
    expect(told).toContain('admin_secret_wrong');
    expect(server.logged.join()).not.toContain('not-the-admin-secret');
  });

  test.each([
    ['no JSON', { method: 'POST', body: 'admin_secret=x' }, 422],
    ['a form', { method: 'POST', body: new URLSearchParams({ admin_secret: ADMIN_SECRET }) }, 422],
    ['no secret', json({}), 422],
    ['a number', json({ admin_secret: 7 }), 422],
  ])('%s is no sign-in', async (_name, init, status) => {
    expect((await server.ask('/api/admin/session', init)).status).toBe(status);
  });

  test('another sign-in on the same page makes another id, and the old one is over', async () => {
    const page = await openPage(server);
    const again = await signIn(server, ADMIN_SECRET, { cookie: page.cookie });
    expect(again.headers.get('set-cookie')).not.toContain(page.cookie);
    expect((await page.ask('/api/admin/session')).status).toBe(401);
  });

  test('signing out ends the session at once and takes the cookie away', async () => {
    const page = await openPage(server);
    const answer = await page.ask('/api/admin/session', {
      method: 'DELETE',
      headers: { 'sec-fetch-site': 'same-origin', 'x-csrf-token': page.csrf },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('set-cookie')).toContain('Max-Age=0');
    expect((await page.ask('/api/admin/session')).status).toBe(401);
  });

  test('signing out with the admin secret ends no session, and is no sign-out of anybody', async () => {
    const page = await openPage(server);
    const signOuts = () => server.logged.filter((line) => line.includes('admin_sign_out')).length;
    const before = signOuts();
    const headers = { 'x-admin-secret': ADMIN_SECRET };
    expect((await page.ask('/api/admin/session', { method: 'DELETE', headers })).status).toBe(204);
    expect([signOuts(), (await page.ask('/api/admin/session')).status]).toEqual([before, 200]);
  });

  test('unused for 15 minutes it is over; used in between it goes on', async () => {
    const page = await openPage(server);
    for (let times = 0; times < 3; times++) {
      server.pass(14 * MINUTE_MS);
      expect((await page.ask('/api/admin/session')).status).toBe(200);
    }
    server.pass(15 * MINUTE_MS);
    expect((await page.ask('/api/admin/session')).status).toBe(401);
  });

  test('after 8 hours it is over however much it was used', async () => {
    const page = await openPage(server);
    for (let minutes = 10; minutes < 480; minutes += 10) {
      server.pass(10 * MINUTE_MS);
      expect((await page.ask('/api/admin/session')).status).toBe(200);
    }
    server.pass(10 * MINUTE_MS);
    expect((await page.ask('/api/admin/session')).status).toBe(401);
  });

  test('at most 100 are kept, and what has ended is pruned', async () => {
    for (let count = 0; count < 103; count++) await server.services.administration.sessions.open(null);
    expect(await database.rows.$count(consoleSessions)).toBe(100);
    server.pass(HOUR_MS);
    await server.services.administration.sessions.prune();
    expect(await database.rows.$count(consoleSessions)).toBe(0);
  });

  describe('what a session may do depends on where the request comes from', () => {
    let page: Page;
    beforeAll(async () => {
      page = await openPage(server);
    });
    const SAME = { 'sec-fetch-site': 'same-origin' };
    test.each([
      ['reads from its own page', 'GET', SAME, 200],
      ['reads where the browser says nothing', 'GET', {}, 200],
      ['reads from an address that was typed in', 'GET', { 'sec-fetch-site': 'none' }, 401],
      ['changes without a token', 'DELETE', SAME, 403],
      ['changes with a token that is not its own', 'DELETE', { ...SAME, 'x-csrf-token': 'x'.repeat(43) }, 403],
      ['changes with an empty token', 'DELETE', { ...SAME, 'x-csrf-token': '' }, 403],
      ['changes with its token and no word of where from', 'DELETE', { 'x-csrf-token': 'OWN' }, 403],
      [
        'changes with its token from a typed-in address',
        'DELETE',
        { 'sec-fetch-site': 'none', 'x-csrf-token': 'OWN' },
        403,
      ],
      ['changes with its token and its own origin', 'DELETE', { origin: 'OWN', 'x-csrf-token': 'OWN' }, 204],
    ])('%s', async (_name, method, given: Record<string, string>, status) => {
      const headers = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [
          name,
          value !== 'OWN' ? value : name === 'origin' ? server.url : page.csrf,
        ]),
      );
      expect((await page.ask('/api/admin/session', { method, headers })).status).toBe(status);
    });
  });

  test('a session that another admin secret opened is over', async () => {
    const page = await openPage(server);
    const other = await startTestServer(database, { settings: { adminSecret: 'another-admin-secret' } });
    expect((await other.ask('/api/admin/session', { headers: { cookie: page.cookie } })).status).toBe(401);
    await other.close();
  });

  test('where the issuer is https, the cookie goes over https alone', async () => {
    const secure = await startTestServer(database, { settings: { issuer: 'https://id.example.com' } });
    const answer = await signIn(secure);
    expect(answer.headers.get('set-cookie')).toMatch(/^__Secure-crypto-server-session=.*; Secure/);
    await secure.close();
  });

  test('beyond loopback a request of another site is refused by the session itself', async () => {
    const wide = await startTestServer(database, { settings: { loopback: false } });
    const page = await openPage(wide);
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      const given = { ...headers, 'x-csrf-token': page.csrf } as Record<string, string>;
      expect((await page.ask('/api/admin/session', { method: 'DELETE', headers: given })).status).toBe(403);
      expect((await signIn(wide, ADMIN_SECRET, headers as Record<string, string>)).status).toBe(403);
    }
    expect((await page.ask('/api/admin/session')).status).toBe(200);
    await wide.close();
  });
});
