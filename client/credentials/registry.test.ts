import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { SPREAD_MS, TIMER_MAX_MS } from '../auth/renewal-timer';
import { TokenError } from '../auth/token';
import { createTestClient, type TestClient, type TestClientOptions } from '../testing/client';
import { thrown } from '../testing/world';
import { openVault } from '../vault/vault';
import { FIRST_LOOK_MS } from './keeper';
import type { CredentialView } from './view';

// A thousand callers and fifty writes to a disk that others use as well.
setDefaultTimeout(30_000);

let client: TestClient;

const start = (options?: TestClientOptions): TestClient => {
  client = createTestClient(options);
  return client;
};

beforeEach(() => start());
afterEach(() => client.end());

const SECRET = 'a secret of the tests';
const pair = (name: string) => ({ name, client_id: `id-${name}`, client_secret: SECRET });
const know = (...names: string[]) => {
  for (const name of names) client.double.clients.set(`id-${name}`, SECRET);
};
const add = async (given: object): Promise<CredentialView> => {
  const response = await client.post('/api/credentials', given);
  expect(response.status).toBe(201);
  return (await response.json()) as CredentialView;
};
const list = async (): Promise<CredentialView[]> => (await (await client.ask('/api/credentials')).json()) as never;
const tokenOf = async (name: string, at = client): Promise<string> => {
  const response = await at.ask(`/api/token?credential=${name}`);
  return ((await response.json()) as { access_token: string }).access_token;
};
/** The client ids of the tokens that the server was asked for. */
const askedFor = (): string[] =>
  client.double.tokenRequests.map(
    ({ authorization }) => atob(authorization?.replace('Basic ', '') ?? '').split(':')[0] ?? '',
  );
/** The same vault, as another process has it. */
const elsewhere = () =>
  openVault({ folder: client.config.dataDir, key: null, previousKey: null, randomBytes: (n) => new Uint8Array(n) });

describe('GET /api/credentials', () => {
  test('begins with the one that the client makes for itself', async () => {
    expect(await list()).toEqual([
      {
        name: 'default',
        active: true,
        client_id: expect.stringMatching(/^crypto-client-/),
        app_name: 'crypto-client',
        origin: 'self-made',
        registered: false,
        method: 'client_secret',
        dpop: false,
        servers: ['http://localhost:8000'],
        issuer: 'http://localhost:8000',
        scope: null,
        resource: null,
        has_token: false,
        token_expires_at: null,
        token_expires_in: null,
        token_scope: null,
        renewal: { last_at: null, next_at: null, last_error: null },
        secret: { count: 1, expires_at: null, rotated_at: null, next_rotation_at: null, last_error: null },
        last_error: null,
      },
    ]);
  });

  test('tells how each is, and the status tells the same; never a secret, a key or a token', async () => {
    know('one');
    const { privateKey } = generateKeyPairSync('ed25519');
    const key = privateKey.export({ format: 'jwk' });
    await add(pair('one'));
    await add({ name: 'two', client_id: 'two', private_key: { ...key }, dpop: true });
    const token = await tokenOf('one');
    await client.ask('/api/token?credential=default');
    const all = await list();
    expect(all.map(({ name, has_token, registered }) => [name, has_token, registered])).toEqual([
      ['default', true, true],
      ['one', true, true],
      ['two', false, false],
    ]);
    expect(all[2]).toMatchObject({ method: 'private_key_jwt', dpop: true, secret: null });
    const status = (await (await client.ask('/api/status')).json()) as Record<string, unknown>;
    expect(status).toMatchObject({ credential_name: 'default', credentials: all });
    const said = JSON.stringify([all, status, client.logged]);
    for (const secret of [SECRET, token, key.d ?? '']) expect(said).not.toContain(secret);
  });

  test('says why there is no token', async () => {
    await add(pair('one'));
    expect((await client.ask('/api/token?credential=one')).status).toBe(401);
    const [, one] = await list();
    expect(one).toMatchObject({ last_error: expect.stringContaining('refuses this client id') });
  });
});

describe('POST /api/credentials', () => {
  test('keeps a credential, which is not the one in use', async () => {
    expect(await add({ ...pair('one'), app_name: 'One', scope: 'a b', resource: 'https://r.example' })).toMatchObject({
      name: 'one',
      active: false,
      client_id: 'id-one',
      app_name: 'One',
      origin: 'configured',
      scope: 'a b',
      resource: 'https://r.example',
    });
    const again = client.restart();
    expect(again.services.credentials.list().map(({ name }) => name)).toEqual(['default', 'one']);
    again.services.close();
  });

  test('without an id makes one that registers itself', async () => {
    const { client_id } = await add({ name: 'own' });
    expect(client_id).toMatch(/^crypto-client-/);
    await tokenOf('own');
    expect(client.double.clients.has(client_id ?? '')).toBe(true);
  });

  test('with servers of its own asks those, and its issuer is the first', async () => {
    const view = await add({ ...pair('far'), servers: ['https://a.example/', 'https://b.example'] });
    expect(view).toMatchObject({ servers: ['https://a.example', 'https://b.example'], issuer: 'https://a.example' });
  });

  test('a name that is taken is 409', async () => {
    await add(pair('one'));
    expect((await client.post('/api/credentials', pair('one'))).status).toBe(409);
  });

  test.each<[string, unknown, string]>([
    ['no name', { client_id: 'a', client_secret: 'b' }, 'name'],
    ['a name in capitals', { name: 'One' }, 'name'],
    ['a name with a slash', { name: 'a/b' }, 'name'],
    ['the name of the environment', { name: 'environment' }, 'name'],
    ['an id without a secret', { name: 'a', client_id: 'a' }, 'client_secret'],
    ['a secret without an id', { name: 'a', client_secret: 'b' }, 'client_id'],
    ['a secret and a key', { ...pair('a'), private_key: 'x' }, 'client_secret'],
    ['a key that is none', { name: 'a', private_key: 's3cret' }, 'private_key'],
    ['an id with a key that is missing', { name: 'a', client_id: 'a', method: 'private_key_jwt' }, 'private_key'],
    ['another method', { name: 'a', method: 'tls' }, 'method'],
    ['an algorithm without a key', { ...pair('a'), alg: 'ES256' }, 'alg'],
    ['a server that is none', { name: 'a', servers: ['https://a.example', 'ftp://b.example'] }, 'servers/1'],
    ['no servers', { name: 'a', servers: [] }, 'servers'],
    ['an issuer that is none', { name: 'a', issuer: 'x' }, 'issuer'],
    ['a scope with two spaces', { name: 'a', scope: 'a  b' }, 'scope'],
    ['a relative resource', { name: 'a', resource: 'r' }, 'resource'],
    ['a misspelt member', { name: 'a', scopes: 'x' }, 'no other members'],
  ])('with %s is 422, names the member and repeats nothing', async (_, body, member) => {
    const response = await client.post('/api/credentials', body);
    const text = await response.text();
    expect([response.status, text]).toEqual([422, expect.stringContaining(member)]);
    expect(text).not.toContain('s3cret');
    expect(await list()).toHaveLength(1);
  });
});

describe('use', () => {
  test('changes which one is used when none is named, also after a restart', async () => {
    know('one');
    await add(pair('one'));
    const view = await (await client.post('/api/credentials/one/use')).json();
    expect(view).toMatchObject({ name: 'one', active: true });
    await client.ask('/api/token');
    expect(askedFor()).toContain('id-one');
    const again = client.restart();
    expect(again.services.credentials.active()).toBe('one');
    again.services.close();
  });

  test('at once, when it is added', async () => {
    expect(await add({ ...pair('one'), use: true })).toMatchObject({ active: true });
    expect((await list()).map(({ active }) => active)).toEqual([false, true]);
  });

  test.each(['nobody', 'Not-a-name', '%20', '..'])('of %p is 404', async (name) => {
    expect((await client.post(`/api/credentials/${name}/use`)).status).toBe(404);
  });

  test('goes before the environment until the next start', async () => {
    client.end();
    start({ env: { CLIENT_ID: 'env', CLIENT_SECRET: 'env-secret' } });
    await add(pair('one'));
    expect((await list()).map(({ name, active }) => [name, active])).toEqual([
      ['environment', true],
      ['one', false],
    ]);
    await client.post('/api/credentials/one/use');
    expect(client.services.credentials.active()).toBe('one');
    await client.post('/api/credentials/environment/use');
    expect(client.services.credentials.active()).toBe('environment');
    await client.post('/api/credentials/one/use');
    const again = client.restart();
    expect(again.services.credentials.active()).toBe('environment');
    again.services.close();
  });
});

describe('DELETE', () => {
  const remove = (name: string) => client.ask(`/api/credentials/${name}`, { method: 'DELETE' });

  test('takes a credential away with its token', async () => {
    know('one');
    await add(pair('one'));
    await tokenOf('one');
    expect((await remove('one')).status).toBe(204);
    expect((await client.ask('/api/token?credential=one')).status).toBe(404);
    const vault = elsewhere();
    expect(vault.list('token')).toEqual([]);
    vault.close();
    expect((await remove('one')).status).toBe(404);
  });

  test('the one in use is 409 while there are others; alone it goes, and another is made when it is needed', async () => {
    await add(pair('one'));
    expect((await remove('default')).status).toBe(409);
    expect((await remove('one')).status).toBe(204);
    const [before] = await list();
    expect((await remove('default')).status).toBe(204);
    expect(await list()).toEqual([]);
    expect((await client.ask('/api/token')).status).toBe(200);
    const [after] = await list();
    expect(after?.name).toBe('default');
    expect(after?.client_id).not.toBe(before?.client_id ?? '');
  });

  test('that of the environment is 409', async () => {
    client.end();
    start({ env: { CLIENT_ID: 'env', CLIENT_SECRET: 'env-secret' } });
    expect((await remove('environment')).status).toBe(409);
  });
});

describe('one of many', () => {
  test.each(['/api/currencies', '/api/currencies/BTC', '/api/token'])(
    '%p?credential= asks with that one',
    async (path) => {
      know('one', 'two');
      await add(pair('one'));
      await add(pair('two'));
      for (const name of ['one', 'two']) expect((await client.ask(`${path}?credential=${name}`)).status).toBe(200);
      expect(askedFor().sort()).toEqual(['id-one', 'id-two']);
    },
  );

  test('the refusal of one is not that of another', async () => {
    await add(pair('one'));
    expect((await client.ask('/api/currencies?credential=one')).status).toBe(502);
    expect((await client.ask('/api/currencies')).status).toBe(200);
  });

  test('a thousand callers over fifty credentials cost fifty token requests', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `c${index}`);
    know(...names);
    for (const name of names) client.services.credentials.add(pair(name));
    const callers = Array.from({ length: 1_000 }, (_, index) => tokenOf(names[index % 50] ?? ''));
    const tokens = await Promise.all(callers);
    expect(askedFor().sort()).toEqual(names.map((name) => `id-${name}`).sort());
    expect(new Set(tokens).size).toBe(50);
    for (const [index, token] of tokens.entries()) expect(token).toBe(tokens[index % 50] ?? '');
  });

  test('after a sleep their renewals are spread', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `c${index}`);
    know(...names);
    for (const name of names) {
      client.services.credentials.add(pair(name));
      await tokenOf(name);
    }
    client.double.tokenRequests.length = 0;
    client.world.stepWallClock(8 * 3_600_000);
    // The timers that slept go off one by one, and each is put off by a chance of its own.
    let turn = 0;
    Object.defineProperty(client.world, 'chance', { get: () => ((turn++ * 7) % 20) / 20 });
    const perSecond: number[] = [];
    for (let ms = 0; ms < TIMER_MAX_MS + SPREAD_MS + 1_000; ms += 1_000) {
      const before = client.double.tokenRequests.length;
      await client.world.pass(1_000);
      perSecond.push(client.double.tokenRequests.length - before);
    }
    expect(client.double.tokenRequests).toHaveLength(20);
    expect(Math.max(...perSecond)).toBeLessThanOrEqual(3);
    expect(perSecond.filter((count) => count > 0).length).toBeGreaterThan(10);
    // Who needs one does not wait for that.
    client.world.stepWallClock(8 * 3_600_000);
    await tokenOf('c0');
    expect(client.double.tokenRequests).toHaveLength(21);
  });
});

test('after an outage, requests of many credentials come spread', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `c${index}`);
  know(...names);
  let turn = 0;
  Object.defineProperty(client.world, 'chance', { get: () => ((turn++ * 7) % 30) / 30 });
  for (const name of names) {
    client.services.credentials.add(pair(name));
    await tokenOf(name);
  }
  client.double.down = true;
  client.world.stepWallClock(3 * 3_600_000);
  await client.world.pass(600_000);
  client.double.down = false;
  client.double.tokenRequests.length = 0;
  const perSecond: number[] = [];
  for (let second = 0; second < 62; second++) {
    const before = client.double.tokenRequests.length;
    await client.world.pass(1_000);
    perSecond.push(client.double.tokenRequests.length - before);
  }
  expect(client.double.tokenRequests).toHaveLength(30);
  expect(Math.max(...perSecond)).toBeLessThanOrEqual(6);
});

describe('a token', () => {
  const restarted = async (env: Record<string, string> = {}): Promise<TestClient> => {
    client.double.tokenRequests.length = 0;
    return client.restart(env);
  };

  test('outlives a restart, and is renewed when it is time', async () => {
    know('one');
    await add(pair('one'));
    const before = await tokenOf('one');
    await client.world.pass(3_600_000);
    const again = await restarted();
    expect(await tokenOf('one', again)).toBe(before);
    expect(askedFor()).toEqual([]);
    await again.world.pass(3_000_000);
    expect(askedFor()).toEqual(['id-one']);
    again.services.close();
  });

  test('of the environment outlives it too, but for another secret', async () => {
    client.end();
    const env = { CLIENT_ID: 'env', CLIENT_SECRET: 'first' };
    start({ env });
    client.double.clients.set('env', 'first');
    const before = await tokenOf('environment');
    const again = await restarted();
    expect(await tokenOf('environment', again)).toBe(before);
    again.services.close();
    const other = await restarted({ CLIENT_SECRET: 'second' });
    expect((await other.ask('/api/token')).status).toBe(401);
    other.services.close();
  });

  test.each<[string, object]>([
    ['another scope', { scope: 'other' }],
    ['another resource', { resource: 'https://r.example' }],
    ['another issuer', { issuer: 'https://other.example' }],
    ['another secret', { client_secret: 'another secret of the tests' }],
    ['another id', { client_id: 'id-two' }],
    ['a key to bind it to', { dpop: true }],
  ])('is not used with %s', async (_, change) => {
    know('one');
    await add(pair('one'));
    await tokenOf('one');
    const vault = elsewhere();
    const row = vault.read('token', 'one') ?? '';
    vault.close();
    await client.ask('/api/credentials/one', { method: 'DELETE' });
    await add({ ...pair('one'), ...change });
    // As if the row of the one before had been left there.
    const behind = elsewhere();
    behind.write('token', 'one', row);
    behind.close();
    const again = await restarted();
    await again.ask('/api/token?credential=one');
    expect(client.double.seen.length).toBeGreaterThan(0);
    const [view] = again.services.credentials.list().filter(({ name }) => name === 'one');
    const renewed = again.double.tokenRequests.length;
    expect(renewed === 0 ? view?.last_error : 'asked').toBeTruthy();
    again.services.close();
  });

  test('that has ended is not used', async () => {
    await client.ask('/api/token');
    client.world.stepWallClock(7_200_000);
    const again = await restarted();
    expect(again.services.credentials.get(null).view(true).has_token).toBe(false);
    again.services.close();
  });

  test('from the future, when the clock was set back, is not used', async () => {
    await client.ask('/api/token');
    client.world.stepWallClock(-60_000);
    const again = await restarted();
    expect(again.services.credentials.get(null).view(true).has_token).toBe(false);
    again.services.close();
  });

  test('whose row was changed is asked for anew, and says so once', async () => {
    await client.ask('/api/token');
    const vault = elsewhere();
    vault.close();
    const { Database } = await import('bun:sqlite');
    const database = new Database(`${client.config.dataDir}/vault.sqlite`);
    database.run("UPDATE entries SET sealed = x'00' WHERE kind = 'token'");
    database.close();
    const again = await restarted();
    expect((await again.ask('/api/token')).status).toBe(200);
    expect(again.logged.filter((line) => line.includes('tokens are not kept'))).toHaveLength(1);
    again.services.close();
  });
});

describe('another process', () => {
  test('adds, uses and removes, and this one sees it', async () => {
    const one = client;
    const vault = elsewhere();
    const text = JSON.stringify({
      clientId: 'id-one',
      clientSecret: SECRET,
      appName: 'x',
      origin: 'configured',
      registered: true,
    });
    vault.write('credential', 'one', text);
    vault.write('setting', 'active-credential', 'one');
    expect(one.services.credentials.active()).toBe('one');
    one.double.clients.set('id-one', SECRET);
    expect((await one.ask('/api/token')).status).toBe(200);
    vault.remove('credential', 'one');
    expect(one.services.credentials.active()).toBe('default');
    expect((await one.ask('/api/token?credential=one')).status).toBe(404);
    vault.close();
  });

  test('chooses one, and this one uses it until its next start, whatever the environment says', async () => {
    client.end();
    start({ env: { CLIENT_ID: 'env', CLIENT_SECRET: 'env-secret' } });
    expect(client.services.credentials.active()).toBe('environment');
    const vault = elsewhere();
    vault.write('setting', 'something-else', 'x');
    expect(client.services.credentials.active()).toBe('environment');
    vault.write('setting', 'active-credential', 'one');
    expect(client.services.credentials.active()).toBe('one');
    vault.close();
  });

  test('that seals all with another key leaves this one with what it knows', async () => {
    const { access_token } = (await (await client.ask('/api/token')).json()) as { access_token: string };
    const key = new Uint8Array(32).fill(7);
    const random = (n: number) => crypto.getRandomValues(new Uint8Array(n));
    const vault = openVault({ folder: client.config.dataDir, key, previousKey: null, randomBytes: random });
    expect(vault.resealed).toBeGreaterThan(0);
    vault.close();
    expect(await (await client.ask('/api/token?credential=default')).json()).toMatchObject({ access_token });
    expect((await client.ask('/api/token')).status).toBe(503);
  });
});

test('a server without metadata is not asked for secrets of its making', async () => {
  client.end();
  start({ double: { modern: false } });
  await client.ask('/api/token');
  await client.world.pass(10 * FIRST_LOOK_MS);
  expect(client.double.seen.some((line) => line.includes('/secrets'))).toBe(false);
  const rotated = await client.post('/api/credentials/default/rotate');
  expect(rotated.status).toBe(502);
  await thrown(client.services.credentials.get(null).rotate(), TokenError);
});
