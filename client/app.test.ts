import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createCredentialStore } from './credentials/store';
import type { StoredCredential } from './credentials/stored';
import { accountOf, createTestClient, type TestClient } from './testing/client';
import { DOUBLE_RATES } from './testing/double';
import { openVault } from './vault/vault';

/** Changes what is kept, as another process does. */
const changeDefault = (change: (kept: StoredCredential) => StoredCredential): void => {
  const randomBytes = (length: number) => new Uint8Array(length);
  const vault = openVault({ folder: client.config.dataDir, key: null, previousKey: null, randomBytes });
  createCredentialStore(vault).update('default', change);
  vault.close();
};

let client: TestClient;

beforeEach(() => {
  client = createTestClient();
});

afterEach(() => client.end());

const problemOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('x-request-id')).not.toBeNull();
  return (await response.json()) as { status: number; title: string; detail: string; request_id: string };
};

/** From now on the server knows the client's id with another secret only, and none of its tokens. */
const refuse = (): void => {
  for (const id of client.double.clients.keys()) client.double.clients.set(id, 'another secret');
  client.double.revokeAll();
};

describe('GET /api/currencies', () => {
  test("gives the server's answer", async () => {
    const response = await client.ask('/api/currencies');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(DOUBLE_RATES);
    expect(response.headers.get('age')).toBe('0');
    expect(response.headers.has('warning')).toBe(false);
  });

  test.each(['BTC', 'btc', 'bTc'])('one rate by %p', async (symbol) => {
    const response = await client.ask(`/api/currencies/${symbol}`);
    expect(await response.json()).toEqual(DOUBLE_RATES[0]);
  });

  test('an unknown symbol is 404', async () => {
    const response = await client.ask('/api/currencies/XYZ');
    expect((await problemOf(response)).status).toBe(404);
  });

  test('while the server is away: the last rates with a warning and their age', async () => {
    await client.ask('/api/currencies');
    client.double.down = true;
    await client.world.pass(42_000);
    const response = await client.ask('/api/currencies');
    expect(response.status).toBe(200);
    expect(response.headers.get('warning')).toBe('110 - "Response is Stale"');
    expect(response.headers.get('age')).toBe('42');
  });

  test('after five minutes: 503 with Retry-After', async () => {
    await client.ask('/api/currencies');
    client.double.down = true;
    await client.world.pass(300_001);
    const response = await client.ask('/api/currencies/BTC');
    expect((await problemOf(response)).status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('a server that was never there: 503', async () => {
    client.double.down = true;
    const response = await client.ask('/api/currencies');
    expect((await problemOf(response)).status).toBe(503);
  });

  test('a refused credential: 502 with what to do, however fresh the last rates', async () => {
    await client.ask('/api/currencies');
    refuse();
    await client.world.pass(2_000);
    for (const path of ['/api/currencies', '/api/currencies/BTC']) {
      const response = await client.ask(path);
      const problem = await problemOf(response);
      expect(problem).toMatchObject({ status: 502, title: 'Bad Gateway' });
      expect(problem.detail).toContain('the id that this client made for itself');
      expect(problem.detail).toContain('CLIENT_ID');
    }
  });

  test('and once it is accepted again: rates', async () => {
    await client.ask('/api/currencies');
    const [[id = '', secret = ''] = []] = client.double.clients;
    refuse();
    await client.world.pass(2_000);
    await client.ask('/api/currencies');
    client.double.clients.set(id, secret);
    await client.world.pass(60_000);
    expect((await client.ask('/api/currencies')).status).toBe(200);
  });

  test('all is well again as soon as the server is back', async () => {
    client.double.down = true;
    await client.ask('/api/currencies');
    client.double.down = false;
    await client.world.pass(2_000);
    expect((await client.ask('/api/currencies')).status).toBe(200);
  });
});

describe('GET /api/status', () => {
  const status = async () => (await (await client.ask('/api/status')).json()) as Record<string, unknown>;

  test('before anything has happened', async () => {
    expect(await status()).toMatchObject({ authenticated: false, has_token: false, token_expires_at: null });
  });

  test('with a token', async () => {
    await client.ask('/api/currencies');
    expect(await status()).toMatchObject({
      authenticated: true,
      client_id: accountOf(client.services).active().clientId,
      server_url: 'http://localhost:8000',
      token_expires_at: '2026-01-01T02:00:00.000Z',
      token_expires_in: 7200,
      has_token: true,
      credential: { origin: 'self-made', registered: true },
      renewal: { last_at: '2026-01-01T00:00:00.000Z', next_at: '2026-01-01T01:42:00.000Z', last_error: null },
      server: { state: 'ok', last_error: null },
      rates: { count: 2, age_seconds: 0, stale: false },
    });
  });

  test('with a credential that the server refuses', async () => {
    await client.ask('/api/currencies');
    refuse();
    await client.world.pass(2_000);
    await client.ask('/api/currencies');
    expect(await status()).toMatchObject({
      authenticated: false,
      server: { state: 'refused', last_error: expect.stringContaining('the id that this client made for itself') },
      rates: { stale: true },
    });
  });

  test('never shows a secret or a token', async () => {
    const { access_token } = (await (await client.ask('/api/token')).json()) as { access_token: string };
    const [secret = 'none'] = client.double.clients.values();
    const text = JSON.stringify(await status()) + (await (await client.ask('/')).text());
    expect(text).not.toContain(access_token);
    expect(text).not.toContain(secret);
  });
});

describe('?credential=', () => {
  test.each([
    '/api/currencies?credential=other',
    '/api/currencies/BTC?credential=other',
    '/api/token?credential=other',
    '/api/token?a=b&credential=',
  ])('%p is 404', async (path) => {
    const problem = await problemOf(await client.ask(path));
    expect(problem).toMatchObject({ status: 404, detail: 'There is no credential of that name.' });
    expect(client.double.seen).toEqual([]);
  });

  test('another parameter is left alone', async () => {
    expect((await client.ask('/api/currencies?other=1')).status).toBe(200);
  });
});

describe('POST /api/register', () => {
  test("passes the server's answer on", async () => {
    const response = await client.post('/api/register');
    expect(await response.json()).toEqual({
      status: 'success',
      data: { message: 'Klient zarejestrowany', id: 1 },
      client_id: accountOf(client.services).active().clientId,
    });
  });

  test('says that the id was there before', async () => {
    await client.post('/api/register');
    const response = await client.post('/api/register');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ data: { existing: true } });
  });
});

describe('tokens', () => {
  test.each(['GET', 'POST'])('%p /api/token gives a valid one', async (method) => {
    const response = await client.ask('/api/token', { method });
    expect(response.headers.get('cache-control')).toBe('no-store');
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 7200 });
    expect(body['access_token']).toStartWith('e30.');
  });

  test('the seconds left go down', async () => {
    await client.ask('/api/token');
    await client.world.pass(100_500);
    expect(await (await client.ask('/api/token')).json()).toMatchObject({ expires_in: 7099 });
  });

  test('a given credential becomes the active one, also after a restart', async () => {
    client.double.clients.set('other', 'other-secret');
    const response = await client.post('/api/token', { client_id: 'other', client_secret: 'other-secret' });
    expect(response.status).toBe(200);
    expect(accountOf(client.services).active()).toMatchObject({ clientId: 'other', origin: 'configured' });
    const again = client.restart();
    expect(accountOf(again.services).active()).toMatchObject({ clientId: 'other', registered: true });
    again.services.close();
  });

  test('a refused one is 401 and changes nothing', async () => {
    const before = accountOf(client.services).active();
    const response = await client.post('/api/token', { client_id: 'other', client_secret: 'wrong' });
    expect((await problemOf(response)).status).toBe(401);
    expect(response.headers.has('www-authenticate')).toBe(true);
    expect(accountOf(client.services).active()).toEqual(before);
    expect(client.world.timers()).toEqual([]);
  });

  test('without a server: 503 with Retry-After', async () => {
    client.double.down = true;
    const response = await client.post('/api/token');
    expect((await problemOf(response)).status).toBe(503);
    expect(response.headers.has('retry-after')).toBe(true);
  });

  test('an empty object is as good as no body', async () => {
    expect((await client.post('/api/token', {})).status).toBe(200);
  });
});

describe('GET /api/token', () => {
  test('says how long the token still lives, also when the clock was set back', async () => {
    type Answer = { expires_in: number };
    const before = (await (await client.ask('/api/token')).json()) as Answer;
    client.world.stepWallClock(-3_600_000);
    const after = (await (await client.ask('/api/token')).json()) as Answer;
    expect([before.expires_in, after.expires_in]).toEqual([7200, 7200]);
  });
});

describe('POST /api/configure', () => {
  type Given = { message: string };
  const given = { client_id: 'other', client_secret: 'other-secret', app_name: 'My app', admin_secret: 'boss-secret' };

  test('keeps the credential and uses it', async () => {
    const response = await client.post('/api/configure', given);
    expect(await response.json()).toEqual({ status: 'success', message: expect.any(String), client_id: 'other' });
    expect(accountOf(client.services).active()).toMatchObject({ clientId: 'other', appName: 'My app' });
    const again = client.restart();
    expect(accountOf(again.services).active()).toMatchObject({ clientId: 'other', appName: 'My app' });
    again.services.close();
  });

  test('keeps the client that it has made itself under its own id: nobody else knows its secret', async () => {
    await client.ask('/api/currencies');
    const { clientId } = accountOf(client.services).active();
    await client.post('/api/configure', given);
    const listed = (await (await client.ask('/api/credentials')).json()) as { name: string; client_id: string }[];
    expect(listed.map(({ name, client_id }) => [name, client_id])).toEqual([
      [clientId ?? '', clientId ?? ''],
      ['default', 'other'],
    ]);
    expect((await client.ask(`/api/token?credential=${clientId}`)).status).toBe(200);
    await client.post('/api/configure', { ...given, client_id: 'third' });
    expect(((await (await client.ask('/api/credentials')).json()) as unknown[]).length).toBe(2);
  });

  test('another secret of the same client: the one before is good until the new one has worked', async () => {
    client.double.clients.set('other', 'other-secret');
    await client.post('/api/token', { client_id: 'other', client_secret: 'other-secret' });
    await client.world.pass(7_200_000);
    await client.post('/api/configure', { client_id: 'other', client_secret: 'mistyped' });
    expect((await client.ask('/api/token')).status).toBe(200);
    client.double.clients.set('other', 'the-newer-secret');
    await client.post('/api/token', { client_id: 'other', client_secret: 'the-newer-secret' });
    expect(accountOf(client.services).active()).toMatchObject({ clientId: 'other', registered: true });
    const [{ secret }] = (await (await client.ask('/api/credentials')).json()) as [{ secret: { count: number } }];
    expect(secret.count).toBe(1);
  });

  test('mistyped twice: the secret that works is still there', async () => {
    client.double.clients.set('other', 'other-secret');
    await client.post('/api/token', { client_id: 'other', client_secret: 'other-secret' });
    await client.world.pass(7_200_000);
    for (const client_secret of ['mistyped', 'mistyped again', 'other-secret'])
      await client.post('/api/configure', { client_id: 'other', client_secret });
    await client.post('/api/configure', { client_id: 'other', client_secret: 'once more' });
    await client.post('/api/configure', { client_id: 'other', client_secret: 'and again' });
    expect((await client.ask('/api/token')).status).toBe(200);
  });

  test('the same id at servers of its own is another client: its secret is not shown to these', async () => {
    await client.post('/api/configure', { ...given, client_secret: 'a secret of elsewhere' });
    changeDefault((kept) => ({ ...kept, servers: ['http://elsewhere:9000'] }));
    await client.post('/api/configure', given);
    await client.ask('/api/token');
    const shown = client.double.tokenRequests.map(({ authorization }) => atob(authorization?.split(' ')[1] ?? ''));
    expect(shown).toEqual(['other:other-secret']);
  });

  test('keeps a client aside whose secret it has changed itself: nobody else knows that one', async () => {
    client.double.clients.set('other', 'other-secret');
    await client.post('/api/configure', given);
    changeDefault((kept) => ({ ...kept, rotatedAtMs: 1 }));
    await client.post('/api/configure', { ...given, client_id: 'third' });
    expect((await client.ask('/api/token?credential=other')).status).toBe(200);
  });

  test('says that the environment wins again at the next start, and that is so', async () => {
    const own = client.restart({ CLIENT_ID: 'first', CLIENT_SECRET: 'first-secret' });
    for (const client_id of ['other', 'third']) {
      const { message } = (await (await own.post('/api/configure', { ...given, client_id })).json()) as Given;
      expect(message).toContain('until the next start');
      expect(message).toContain('CLIENT_ID');
    }
    const again = own.restart();
    expect(accountOf(again.services).active()).toMatchObject({ clientId: 'first', origin: 'environment' });
    again.services.close();
  });

  test('says nothing of the environment when that is not in play', async () => {
    const { message } = (await (await client.post('/api/configure', given)).json()) as Given;
    expect(message).toBe('The credential is kept in the vault and used from now on.');
  });

  test('registers with the given admin secret from then on', async () => {
    await client.post('/api/configure', given);
    await client.post('/api/register');
    expect(client.double.adminSecrets).toEqual(['boss-secret']);
    expect(client.double.clients.get('other')).toBe('other-secret');
  });

  test.each([
    ['nothing', undefined],
    ['an empty object', {}],
    ['no secret', { client_id: 'a' }],
    ['an empty secret', { client_id: 'a', client_secret: '' }],
    ['an id with a space', { client_id: 'a b', client_secret: 'x' }],
    ['a secret with NUL', { client_id: 'a', client_secret: 'x\u0000y' }],
    ['a number', { client_id: 7, client_secret: 'x' }],
    ['a list', []],
    ['an empty name', { ...given, app_name: '' }],
  ])('with %s is 422', async (_, body) => {
    const before = accountOf(client.services).active();
    expect((await problemOf(await client.post('/api/configure', body))).status).toBe(422);
    expect(accountOf(client.services).active()).toEqual(before);
  });

  test('what is wrong is told without what was sent', async () => {
    const response = await client.post('/api/configure', { client_id: 'a b', client_secret: 's3cr3t\u0001' });
    const text = await response.text();
    expect(text).not.toContain('s3cr3t');
    expect(text).toContain('client_secret');
  });

  test.each([
    ['broken JSON', 'application/json', '{'],
    ['a form', 'application/x-www-form-urlencoded', 'client_id=a&client_secret=b'],
    ['JSON that claims to be text', 'text/plain', JSON.stringify(given)],
  ])('%s is refused', async (_, type, body) => {
    const response = await client.ask('/api/configure', { method: 'POST', body, headers: { 'content-type': type } });
    expect((await problemOf(response)).status).toBe(422);
  });
});

describe('on loopback', () => {
  test.each([
    ['a foreign Host', { host: 'evil.example' }],
    ['a foreign Origin', { origin: 'http://evil.example' }],
    ['a request from another site', { 'sec-fetch-site': 'cross-site' }],
  ])('%s is 403', async (_, headers) => {
    expect(
      (await problemOf(await client.ask('/api/token', { headers: headers as unknown as Record<string, string> })))
        .status,
    ).toBe(403);
  });
});

describe('the rest', () => {
  test('/api/test-server', async () => {
    expect(await (await client.ask('/api/test-server')).json()).toEqual({
      status: 'success',
      server_response: { status: 'ok', service: 'double' },
    });
    client.double.down = true;
    expect((await problemOf(await client.ask('/api/test-server'))).status).toBe(503);
  });

  test('health', async () => {
    expect(await (await client.ask('/health')).json()).toEqual({ status: 'ok', service: 'crypto-client' });
    expect((await client.ask('/health/live')).status).toBe(200);
    expect(await (await client.ask('/health/ready')).json()).toEqual({ status: 'degraded', server: 'away' });
    await client.ask('/api/currencies');
    expect(await (await client.ask('/health/ready')).json()).toEqual({ status: 'ok', server: 'ok' });
  });

  test('a server that refuses the client is no reason to take it out of service, but is said', async () => {
    await client.ask('/api/currencies');
    refuse();
    await client.world.pass(2_000);
    await client.ask('/api/currencies');
    const response = await client.ask('/health/ready');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'degraded', server: 'refused' });
  });

  test('the index names every path', async () => {
    const { endpoints } = (await (await client.ask('/api')).json()) as { endpoints: string[] };
    expect(endpoints).toContain('GET /api/currencies/:symbol');
    expect(endpoints).toContain('POST /api/configure');
    expect(endpoints).toContain('GET /metrics');
    expect(endpoints).toContain('GET /');
    expect(endpoints.join()).not.toMatch(/\.(js|css|svg|png)/);
  });

  test('the documentation lists what there is', async () => {
    const document = (await (await client.ask('/docs/json')).json()) as { openapi: string; paths: object };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toContain('/api/currencies/{symbol}');
  });

  test.each(['/nope', '/proxy', '/proxy/a/b'])('%p is 404', async (path) => {
    expect((await problemOf(await client.ask(path))).status).toBe(404);
  });

  test('a wrong method is 405 with what is allowed', async () => {
    const response = await client.ask('/api/configure', { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  });
});
