// Resource servers (RFC 8707): which may be registered, and which tokens are then issued for them.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import { decodeJwt } from 'jose';
import type { Database } from '../../db/connect';
import { connectPostgres } from '../../db/connect';
import { clients, type Grants } from '../../db/schema';
import { eachDatabase, freshDatabaseUrl } from '../../db/testing';
import { findPostgres } from '../../db/testing-postgres';
import { Problem } from '../../kit/http/problem';
import { json, startTestServer, type TestClient, type TestServer, waitFor } from '../testing';

const BILLING = 'https://billing.example.com/api';
const INVALID_TARGET = '400 invalid_target: The resource is unknown, or more than one was asked for.';
const INVALID_SCOPE = '400 invalid_scope: The scope is malformed, unknown or not granted to this client.';
const statusOf = async (work: Promise<unknown>): Promise<number> =>
  work.then(
    () => 200,
    (error: unknown) => (error instanceof Problem ? error.status : 500),
  );

eachDatabase('resource servers', (open) => {
  let database: Database;
  let server: TestServer;
  let client: TestClient;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database, { settings: { publicUrls: ['https://rates.example/base'] } });
    client = await server.register();
  });
  afterAll(() => server.close());

  const ask = (more: Record<string, unknown> = {}): Promise<Response> =>
    server.ask('/api/auth/token', json({ client_id: client.id, client_secret: client.secret, ...more }));
  /** The answer in a few words: `aud scope`, or the refusal. */
  const tokenOf = async (more: Record<string, unknown> = {}): Promise<string> => {
    const answer = await ask(more);
    const body = (await answer.json()) as Record<string, string>;
    if (body['access_token'] === undefined) return `${answer.status} ${body['error']}: ${body['error_description']}`;
    expect(answer.status).toBe(200);
    const { aud, scope } = decodeJwt(body['access_token']);
    return `${aud} ${scope}`.replace(server.issuer, '');
  };
  const grantsOf = async (): Promise<Grants | undefined> =>
    (await database.rows.select().from(clients).where(eq(clients.clientId, client.id)))[0]?.grants;
  const grant = async (grants: Grants): Promise<void> => {
    await database.rows.update(clients).set({ grants }).where(eq(clients.clientId, client.id));
    // The change is heard of after what is done next would have been answered.
    await server.services.clients.changed(client.id);
  };
  const create = (identifier: string, scopes = ['read', 'write']) =>
    server.services.resources.create({ identifier, name: 'Billing', scopes });
  const idOf = (identifier: string): number => server.services.resources.find(identifier)?.id ?? 0;

  test('the two of this server are there, under its issuer', () => {
    const list = server.services.resources
      .list()
      .map(({ identifier, scopes, built_in }) => [identifier, scopes, built_in]);
    expect(list).toEqual([
      [`${server.issuer}/api/currency`, ['currency:read'], true],
      [`${server.issuer}/api/admin`, ['admin'], true],
    ]);
  });

  test.each([
    ['a path', '/api/x'],
    ['no URI', 'billing'],
    ['a URN', 'urn:example:billing'],
    ['http elsewhere', 'http://billing.example.com/api'],
    ['a fragment', 'https://billing.example.com/api#x'],
    ['an empty fragment', 'https://billing.example.com/api#'],
    ['a user', 'https://me@billing.example.com/api'],
    ['a space', 'https://billing.example.com/a b'],
    ['letters beyond ASCII', 'https://billing.example.com/ż'],
    ['a script', 'javascript:alert(1)'],
    ['a public URL of ours', 'https://rates.example/base'],
    ['below a public URL of ours', 'HTTPS://RATES.example:443/base/api'],
    ['no host', 'https:///api'],
  ])('%s cannot be one', async (_name, identifier) => {
    expect(await statusOf(create(identifier))).toBe(422);
  });

  test('nothing below the issuer can be one, in any spelling', async () => {
    for (const uri of [
      server.issuer,
      `${server.issuer}/api/other`,
      server.issuer.toUpperCase().replace('HTTP', 'http'),
    ])
      expect(await statusOf(create(uri))).toBe(422);
  });

  test.each([
    ['https://other.example'],
    ['http://localhost:9999/api'],
    ['http://[::1]:9999'],
    ['https://rates.example/base2?tenant=1'],
  ])('%s can be one, once', async (identifier) => {
    expect(await create(identifier)).toMatchObject({ identifier, built_in: false, introspection_clients: [] });
    expect(await statusOf(create(identifier))).toBe(409);
    await server.services.resources.remove(idOf(identifier));
    expect(server.services.resources.find(identifier)).toBeUndefined();
  });

  test('a built-in one stays, with its scopes, and may name who introspects', async () => {
    const id = idOf('/api/currency');
    expect(await statusOf(server.services.resources.remove(id))).toBe(409);
    expect(await statusOf(server.services.resources.update(id, { scopes: ['other'] }))).toBe(409);
    const changed = await server.services.resources.update(id, { introspection_clients: [client.id] });
    expect(changed).toMatchObject({ scopes: ['currency:read'], introspection_clients: [client.id] });
    const waiting = { introspection_clients: [client.id, 'nobody-yet'] };
    expect(await statusOf(server.services.resources.update(id, waiting))).toBe(422);
    const other = { identifier: 'https://waiting.example', name: 'Waiting', scopes: ['a'], ...waiting };
    expect(await statusOf(server.services.resources.create(other))).toBe(422);
    expect(await statusOf(server.services.resources.update(999, { name: 'x' }))).toBe(404);
    expect(await statusOf(server.services.resources.remove(999))).toBe(404);
  });

  describe('a token', () => {
    beforeAll(async () => {
      await create(BILLING, ['billing:read', 'billing:write']);
    });

    const cases: [string, Grants, Record<string, unknown>, string][] = [
      ['of a client with the rates alone', { '/api/currency': ['currency:read'] }, {}, '/api/currency currency:read'],
      [
        'not asked for another',
        { '/api/currency': ['currency:read'], [BILLING]: ['billing:read'] },
        {},
        '/api/currency currency:read',
      ],
      [
        'asked for another',
        { '/api/currency': ['currency:read'], [BILLING]: ['billing:read'] },
        { resource: BILLING },
        `${BILLING} billing:read`,
      ],
      [
        'of a client with one other alone',
        { [BILLING]: ['billing:write', 'billing:read'] },
        {},
        `${BILLING} billing:write billing:read`,
      ],
      [
        'with less than was granted',
        { [BILLING]: ['billing:write', 'billing:read'] },
        { scope: 'billing:read' },
        `${BILLING} billing:read`,
      ],
      ['with a scope that is not granted', { [BILLING]: ['billing:read'] }, { scope: 'billing:write' }, INVALID_SCOPE],
      [
        'with a scope of another resource',
        { '/api/currency': ['currency:read'], [BILLING]: ['billing:read'] },
        { scope: 'billing:read' },
        INVALID_SCOPE,
      ],
      ['for one that is not granted', { '/api/currency': ['currency:read'] }, { resource: BILLING }, INVALID_TARGET],
      [
        'for one that is not registered',
        { 'https://gone.example': ['x'] },
        { resource: 'https://gone.example' },
        INVALID_TARGET,
      ],
      [
        'for two',
        { '/api/currency': ['currency:read'], [BILLING]: ['billing:read'] },
        { resource: [BILLING, BILLING] },
        INVALID_TARGET,
      ],
      [
        'of a client with several others',
        { [BILLING]: ['billing:read'], '/api/admin': ['admin'] },
        {},
        '400 invalid_target: Say which resource the token is for: this client was granted several.',
      ],
      ['of a client with nothing', {}, {}, INVALID_TARGET],
      ['for what every object has', {}, { resource: 'constructor' }, INVALID_TARGET],
      [
        'for the administration, not granted',
        { '/api/currency': ['currency:read'] },
        { scope: 'admin' },
        INVALID_SCOPE,
      ],
    ];
    test.each(cases)('%s', async (_name, grants, more, expected) => {
      await grant(grants);
      expect(await tokenOf(more)).toBe(expected);
    });

    test('for the administration is for nothing else', async () => {
      await grant({ '/api/admin': ['admin'] });
      expect(await tokenOf({ resource: `${server.issuer}/api/admin` })).toBe('/api/admin admin');
      const token = ((await (await ask()).json()) as Record<string, string>)['access_token'] ?? '';
      expect((await server.read('/api/currency/', token)).status).toBe(401);
    });

    test('a scope that goes is taken from every client; the last one takes the grant along', async () => {
      await grant({ '/api/currency': ['currency:read'], [BILLING]: ['billing:read', 'billing:write'] });
      await server.services.resources.update(idOf(BILLING), { scopes: ['billing:write', 'billing:admin'] });
      expect(await grantsOf()).toEqual({ '/api/currency': ['currency:read'], [BILLING]: ['billing:write'] });
      await server.services.resources.update(idOf(BILLING), { scopes: ['billing:admin'] });
      expect(await grantsOf()).toEqual({ '/api/currency': ['currency:read'] });
    });

    test('a resource that goes is taken from every client, and its tokens are known no more', async () => {
      await grant({ '/api/currency': ['currency:read'], [BILLING]: ['billing:admin'] });
      expect(await tokenOf({ resource: BILLING })).toBe(`${BILLING} billing:admin`);
      await server.services.resources.remove(idOf(BILLING));
      expect(await grantsOf()).toEqual({ '/api/currency': ['currency:read'] });
      expect(await tokenOf({ resource: BILLING })).toBe(INVALID_TARGET);
    });
  });

  test.each([
    ['what there is', { '/api/currency': ['currency:read'] }, true],
    ['nothing', {}, true],
    [
      'a resource that is not registered',
      { 'https://unknown.example': ['x'] },
      /names https:\/\/unknown\.example, a res/,
    ],
    [
      'a scope that its resource does not have',
      { '/api/currency': ['currency:read', 'admin'] },
      /names admin, a scope that http\S+\/api\/currency does not have/,
    ],
    ['a resource without scopes', { '/api/currency': [] }, /names http\S+\/api\/currency without a scope/],
  ])('grants of %s are checked', (_name, grants: Grants, good) => {
    const check = (): void => server.services.resources.checkGrants(grants);
    if (good === true) return expect(check).not.toThrow();
    expect(check).toThrow(Problem);
    expect(check).toThrow(good);
  });
});

test.skipIf(!findPostgres())('two servers on one PostgreSQL: a resource is known on both within a second', async () => {
  const url = await freshDatabaseUrl();
  const [one, two] = [connectPostgres({ url }), connectPostgres({ url })];
  const [first, second] = [await startTestServer(one), await startTestServer(two)];
  await first.services.resources.create({ identifier: BILLING, name: 'Billing', scopes: ['a'] });
  await waitFor(() => second.services.resources.find(BILLING) !== undefined, 'the other server to know', 1_000);
  await Promise.all([first.close(), second.close()]);
  await Promise.all([one.close(), two.close()]);
});
