// `/api/admin` over HTTP: who may, what is there, and what is refused.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Database } from '../../db/connect';
import { eachDatabase } from '../../db/testing';
import { ADMIN_SECRET, json, startTestServer, type TestServer } from '../testing';

type Json = Record<string, unknown>;

const asAdmin = (server: TestServer, method: string, path: string, body?: unknown): Promise<Response> =>
  server.ask(`/api/admin${path}`, {
    method,
    headers: { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });

/** The body of a success. */
const told = async (answer: Response, status = 200): Promise<Json> => {
  const text = await answer.text();
  expect([answer.status, text]).toEqual([status, expect.any(String)]);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  return text === '' ? {} : (JSON.parse(text) as Json);
};
const itemsOf = async (answer: Response): Promise<Json[]> => (await told(answer))['items'] as Json[];

const made = async (server: TestServer, more: Json = {}): Promise<{ id: string; secret: string; client: Json }> => {
  const body = await told(await asAdmin(server, 'POST', '/clients', { app_name: 'Tests', ...more }), 201);
  const client = body['client'] as Json;
  return { id: client['client_id'] as string, secret: body['client_secret'] as string, client };
};
const login = (server: TestServer, id: string, secret: string, more: Json = {}): Promise<Response> =>
  server.ask('/api/auth/token', json({ client_id: id, client_secret: secret, ...more }));

eachDatabase('the admin API', (open) => {
  let database: Database;
  let server: TestServer;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
  });
  afterAll(() => server.close());

  describe('who may', () => {
    const routes = (): { method: string; path: string }[] =>
      server.app.routes
        .filter(
          ({ path, method }) => path.startsWith('/api/admin') && `${method} ${path}` !== 'POST /api/admin/session',
        )
        .map(({ method, path }) => ({ method, path: path.replace(/:\w+/g, '1') }));

    test('every route but the sign-in is 401 for a stranger, whatever he sends', async () => {
      expect(routes().length).toBeGreaterThan(20);
      for (const { method, path } of routes()) {
        const body = method === 'GET' || method === 'DELETE' ? {} : { body: '{"broken' };
        const query = path.endsWith('/clients') || path.includes('audit') ? '?limit=nonsense' : '';
        for (const headers of [{}, { 'x-admin-secret': 'wrong' }, { authorization: 'Basic eDp5' }] as Json[]) {
          const answer = await server.ask(`${path}${query}`, {
            method,
            headers: headers as Record<string, string>,
            ...body,
          });
          expect([method, path, headers, answer.status]).toEqual([method, path, headers, 401]);
          expect(answer.headers.get('www-authenticate')).toContain('Bearer ');
          expect(answer.headers.get('content-type')).toBe('application/problem+json');
        }
      }
    });

    test('an admin secret that differs in length or in one character is refused, and told without it', async () => {
      for (const secret of [ADMIN_SECRET.slice(0, -1), `${ADMIN_SECRET}x`, '', ADMIN_SECRET.toUpperCase()])
        expect((await server.ask('/api/admin/keys', { headers: { 'x-admin-secret': secret } })).status).toBe(401);
      expect(server.logged.some((line) => line.includes('"admin_access"') && line.includes('admin_secret_wrong'))).toBe(
        true,
      );
      expect(server.logged.join()).not.toContain(ADMIN_SECRET);
    });

    test('a token of a client without the scope admin is refused', async () => {
      const token = await server.token();
      const answer = await server.read('/api/admin/keys', token);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    });

    test('a token in the query string is 400, whatever else is there', async () => {
      const token = await server.token();
      for (const headers of [{}, { authorization: `Bearer ${token}` }] as Record<string, string>[]) {
        const answer = await server.ask(`/api/admin/keys?access_token=${token}`, { headers });
        expect(answer.status).toBe(400);
        expect(answer.headers.get('www-authenticate')).toContain('error="invalid_request"');
      }
    });

    test('a body of another type is 422, once it is known who sends it', async () => {
      const headers = { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'text/plain' };
      const body = JSON.stringify({ app_name: 'x' });
      expect((await server.ask('/api/admin/clients', { method: 'POST', headers, body })).status).toBe(422);
    });
  });

  describe('clients', () => {
    test('one that is made can log in with the secret that is shown once', async () => {
      const { id, secret, client } = await made(server, { client_id: 'made-by-admin', secret: { label: 'first' } });
      expect(id).toBe('made-by-admin');
      expect(secret).toMatch(/^cs_/);
      expect(client).toMatchObject({
        app_name: 'Tests',
        is_active: true,
        auth_method: 'client_secret_basic',
        grants: { [`${server.issuer}/api/currency`]: ['currency:read'] },
        limits: { api: null, token: null },
        secrets: [{ label: 'first', kind: 'generated', state: 'live', expires_at: null }],
      });
      expect((await login(server, id, secret)).status).toBe(200);
      expect(JSON.stringify(await told(await asAdmin(server, 'GET', `/clients/${id}`)))).not.toContain(secret);
    });

    test.each([
      ['an id that a URL takes for a folder', { client_id: '.' }],
      ['an id that a URL takes for another folder', { client_id: '..' }],
      ['the id of the server itself', { client_id: 'Server' }],
      ['an id of the form of a secret', { client_id: `rat_${'x'.repeat(48)}` }],
      ['a name of blanks', { app_name: ' \u2003 ' }],
    ])('one with %s is 422', async (_name, change) => {
      const answer = await asAdmin(server, 'POST', '/clients', { app_name: 'Tests', ...change });
      expect(answer.status).toBe(422);
    });

    test('a list has pages, and a search', async () => {
      for (const client_id of ['page-1', 'page-2', 'page-3']) await made(server, { client_id, app_name: 'Paging' });
      const first = await told(await asAdmin(server, 'GET', '/clients?search=PAGE-&limit=2'));
      expect((first['items'] as Json[]).map((item) => item['client_id'])).toEqual(['page-1', 'page-2']);
      const next = String(first['next_cursor']);
      const second = await told(await asAdmin(server, 'GET', `/clients?search=page-&limit=2&cursor=${next}`));
      expect((second['items'] as Json[]).map((item) => item['client_id'])).toEqual(['page-3']);
      expect(second['next_cursor']).toBeNull();
      // NUL, which the database would not take.
      expect((await asAdmin(server, 'GET', '/clients?cursor=AA')).status).toBe(422);
    });

    test('a list may be of those that are disabled, or whose secret ends within seven days', async () => {
      const day = 86_400;
      const ids = async (state: string): Promise<unknown[]> => {
        const list = await told(await asAdmin(server, 'GET', `/clients?search=state-&state=${state}`));
        return (list['items'] as Json[]).map((item) => item['client_id']);
      };
      for (const [client_id, expires_in_seconds] of [
        ['state-never', null],
        ['state-next-year', 365 * day],
        ['state-this-week', 6 * day],
        ['state-off', 6 * day],
      ] as const)
        await made(server, { client_id, app_name: 'State', secret: { expires_in_seconds } });
      await asAdmin(server, 'POST', '/clients/state-off/disable');
      expect(await ids('disabled')).toEqual(['state-off']);
      expect(await ids('secret_ending')).toEqual(['state-this-week']);
      expect((await asAdmin(server, 'GET', '/clients?state=other')).status).toBe(422);
    });

    test('a change leaves what it does not name', async () => {
      const { id } = await made(server);
      const changed = await told(
        await asAdmin(server, 'PATCH', `/clients/${id}`, { limits: { api: '5/s' }, dpop_bound: true }),
      );
      expect(changed).toMatchObject({ app_name: 'Tests', limits: { api: '5/s', token: null }, dpop_bound: true });
      const cleared = await told(await asAdmin(server, 'PATCH', `/clients/${id}`, { limits: { api: null } }));
      expect(cleared).toMatchObject({ limits: { api: null, token: null }, dpop_bound: true });
    });

    test('a change of something else leaves how it authenticates', async () => {
      const [x, y] = ['f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'];
      const jwks = { keys: [{ kty: 'EC', crv: 'P-256', x, y }] };
      const { id } = await made(server, { auth_method: 'private_key_jwt', jwks });
      const changed = await told(await asAdmin(server, 'PATCH', `/clients/${id}`, { app_name: 'Other' }));
      expect(changed).toMatchObject({ app_name: 'Other', auth_method: 'private_key_jwt', jwks });
      const [event] = await itemsOf(await asAdmin(server, 'GET', `/audit?client=${id}&event=client_updated`));
      expect(event).toMatchObject({ details: { changed: ['app_name'] } });
    });

    test('disabling refuses it at once, enabling lets it in again, deleting is for ever', async () => {
      const { id, secret } = await made(server);
      const token = await server.token({ id, secret });
      expect(await told(await asAdmin(server, 'POST', `/clients/${id}/disable`))).toMatchObject({ is_active: false });
      expect((await server.read('/api/currency', token)).status).toBe(401);
      expect((await login(server, id, secret)).status).toBe(401);
      expect(await told(await asAdmin(server, 'POST', `/clients/${id}/enable`))).toMatchObject({ is_active: true });
      expect((await login(server, id, secret)).status).toBe(200);
      expect((await asAdmin(server, 'DELETE', `/clients/${id}`)).status).toBe(204);
      expect((await asAdmin(server, 'GET', `/clients/${id}`)).status).toBe(404);
      expect((await login(server, id, secret)).status).toBe(401);
      expect((await asAdmin(server, 'POST', '/clients', { client_id: id, app_name: 'again' })).status).toBe(409);
    });

    test('revoking all tokens ends them and leaves the client', async () => {
      const { id, secret } = await made(server);
      const token = await server.token({ id, secret });
      await told(await asAdmin(server, 'POST', `/clients/${id}/revoke-tokens`));
      expect((await server.read('/api/currency', token)).status).toBe(401);
      expect((await login(server, id, secret)).status).toBe(200);
    });

    test.each([
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/disable'],
      ['POST', '/enable'],
      ['POST', '/revoke-tokens'],
      ['GET', '/secrets'],
      ['POST', '/secrets'],
      ['DELETE', '/secrets/1'],
    ])('%s of an unknown client%s is 404', async (method, rest) => {
      const body = method === 'PATCH' ? { app_name: 'x' } : rest === '/secrets' && method === 'POST' ? {} : undefined;
      for (const id of ['nobody', '%00', 'a%20b', 'x'.repeat(129)])
        expect((await asAdmin(server, method, `/clients/${id}${rest}`, body)).status).toBe(404);
    });

    test.each([
      ['no name', {}, 'app_name'],
      ['an id with a space', { app_name: 'x', client_id: 'a b' }, 'client_id'],
      ['the id of nobody but the administrator', { app_name: 'x', client_id: 'Admin' }, 'client_id'],
      ['an unknown method', { app_name: 'x', auth_method: 'none' }, 'auth_method'],
      ['a method that needs keys, without any', { app_name: 'x', auth_method: 'private_key_jwt' }, 'private_key_jwt'],
      ['grants that are a list', { app_name: 'x', grants: ['currency:read'] }, 'grants'],
      ['a limit that is none', { app_name: 'x', limits: { api: 'lots' } }, 'limits'],
      ['a secret that ends within a second', { app_name: 'x', secret: { expires_in_seconds: 1 } }, 'secret'],
      ['a misspelt member', { app_name: 'x', dpop_bond: true }, ''],
      ['a list', [], ''],
      ['broken JSON', '{"app_name": "never-echo', ''],
    ])('%s is 422 and says where', async (_name, body, where) => {
      const answer = await asAdmin(server, 'POST', '/clients', body);
      expect(answer.status).toBe(422);
      const text = await answer.text();
      expect(text).toContain(where);
      expect(text).not.toMatch(/never-echo|dpop_bond/);
    });

    test.each([['limit=0'], ['limit=201'], ['limit=x'], [`search=${'x'.repeat(129)}`], [`cursor=${'x'.repeat(513)}`]])(
      'a list asked with %s is 422',
      async (query) => {
        expect((await asAdmin(server, 'GET', `/clients?${query}`)).status).toBe(422);
      },
    );
  });

  test.each(['null', '7', '"x"', '[]', ''])(
    'a body of %p is 422, also where nothing is required of it',
    async (body) => {
      const { id } = await server.register();
      for (const [method, path] of [
        ['PATCH', `/clients/${id}`],
        ['POST', `/clients/${id}/secrets`],
        ['POST', '/registration-tokens'],
      ] as const) {
        const answer = await asAdmin(server, method, path, body);
        expect([path, answer.status]).toEqual([path, 422]);
      }
      expect(await itemsOf(await asAdmin(server, 'GET', `/clients/${id}/secrets`))).toHaveLength(1);
    },
  );

  test.each([
    ['/clients', 'app_name', { app_name: 'x' }, 128, 201],
    ['/resources', 'name', { identifier: 'https://a.example.com/b', name: 'x', scopes: ['a'] }, 128, 201],
    ['/currencies', 'name', { symbol: 'GRIN', name: 'x', rate: 1 }, 64, 201],
    ['/registration-tokens', 'label', {}, 64, 201],
  ])('%s counts the characters of %s, and takes half of one for none', async (path, member, body, max, status) => {
    const send = (text: string) => asAdmin(server, 'POST', path, JSON.stringify({ ...body, [member]: text }));
    for (const text of ['\ud83d', '\u{1F600}'.repeat(max + 1), 'a\u0085b']) {
      const refused = await send(text);
      expect([refused.status, await refused.text()]).toEqual([422, expect.stringContaining(`${member} must be`)]);
    }
    expect((await send('\u{1F600}'.repeat(max))).status).toBe(status);
  });

  describe('secrets', () => {
    test('a rotation leaves the old secret the overlap, and 0 ends it now', async () => {
      const { id, secret } = await made(server);
      const first = await told(await asAdmin(server, 'POST', `/clients/${id}/secrets`, { label: 'second' }), 201);
      expect(first).toMatchObject({ client_id: id, client_secret_expires_at: 0, secret: { label: 'second' } });
      expect((await login(server, id, secret)).status).toBe(200);
      expect((await login(server, id, first['client_secret'] as string)).status).toBe(200);
      const now = await told(await asAdmin(server, 'POST', `/clients/${id}/secrets`, { overlap_seconds: 0 }), 201);
      expect((await login(server, id, secret)).status).toBe(401);
      expect((await login(server, id, now['client_secret'] as string)).status).toBe(200);
    });

    test('the last one cannot be ended, another one can', async () => {
      const { id, secret, client } = await made(server);
      const [only] = client['secrets'] as Json[];
      expect((await asAdmin(server, 'DELETE', `/clients/${id}/secrets/${only?.['id']}`)).status).toBe(409);
      await told(await asAdmin(server, 'POST', `/clients/${id}/secrets`, { overlap_seconds: null }), 201);
      expect((await asAdmin(server, 'DELETE', `/clients/${id}/secrets/${only?.['id']}`)).status).toBe(204);
      expect((await login(server, id, secret)).status).toBe(401);
      const states = (await itemsOf(await asAdmin(server, 'GET', `/clients/${id}/secrets`))).map(
        (item) => item['state'],
      );
      expect(states).toEqual(['ended', 'live']);
    });

    test.each([['0'], ['x'], ['99999999999'], ['1e3']])('a secret with the number %s is 404', async (number) => {
      const { id } = await made(server);
      expect((await asAdmin(server, 'DELETE', `/clients/${id}/secrets/${number}`)).status).toBe(404);
    });
  });

  test('a registration token is made, listed without itself, and revoked', async () => {
    const made = await told(await asAdmin(server, 'POST', '/registration-tokens', { label: 'ci', uses: 2 }), 201);
    const token = String(made['registration_token']);
    expect(token).toMatch(/^rt_/);
    const listed = await itemsOf(await asAdmin(server, 'GET', '/registration-tokens'));
    const items = listed.filter(({ id }) => id === made['id']);
    expect(items).toEqual([expect.objectContaining({ id: made['id'], label: 'ci', uses_left: 2, state: 'live' })]);
    expect(JSON.stringify(listed)).not.toContain(token);
    expect((await asAdmin(server, 'DELETE', `/registration-tokens/${made['id']}`)).status).toBe(204);
    expect((await asAdmin(server, 'DELETE', `/registration-tokens/${made['id']}`)).status).toBe(404);
    for (const wrong of [
      { expires_in_seconds: 7_776_001 },
      { expires_in_seconds: '60' },
      { uses: '1' },
      { label: ' ' },
    ])
      expect((await asAdmin(server, 'POST', '/registration-tokens', wrong)).status).toBe(422);
  });

  test('keys are listed, and revoking the one that signs ends its tokens', async () => {
    const token = await server.token();
    const before = await itemsOf(await asAdmin(server, 'GET', '/keys'));
    const active = before.find((key) => key['state'] === 'active');
    expect(Object.keys(active ?? {})).not.toContain('private_key');
    await told(await asAdmin(server, 'POST', '/keys/rotate'));
    const after = await itemsOf(await asAdmin(server, 'POST', `/keys/${active?.['kid']}/revoke`));
    expect(after.find((key) => key['kid'] === active?.['kid'])).toMatchObject({ state: 'revoked' });
    expect((await server.read('/api/currency', token)).status).toBe(401);
    expect((await server.read('/api/currency', await server.token())).status).toBe(200);
    expect((await asAdmin(server, 'POST', '/keys/unknown/revoke')).status).toBe(404);
  });

  describe('currencies', () => {
    const symbols = async (): Promise<string[]> => {
      const answer = await server.read('/api/currency', await server.token());
      return ((await answer.json()) as { symbol: string }[]).map(({ symbol }) => symbol);
    };

    test('one that is added is served and moves; one that is retired is not, and can come back', async () => {
      const added = await asAdmin(server, 'POST', '/currencies', { symbol: 'ATOM', name: 'Cosmos', rate: 9.5 });
      expect(await told(added, 201)).toMatchObject({ symbol: 'ATOM', rate: 9.5, retired_at: null });
      expect(await symbols()).toContain('ATOM');
      server.pass(3_000);
      await server.services.ticker.tick();
      expect(await symbols()).toContain('ATOM');
      expect(await told(await asAdmin(server, 'POST', '/currencies/ATOM/retire'))).toMatchObject({
        retired_at: new Date(server.now()).toISOString(),
      });
      expect(await symbols()).not.toContain('ATOM');
      server.pass(3_000);
      await server.services.ticker.tick();
      expect(await symbols()).not.toContain('ATOM');
      expect((await asAdmin(server, 'POST', '/currencies/ATOM/retire')).status).toBe(404);
      await told(await asAdmin(server, 'POST', '/currencies', { symbol: 'ATOM', name: 'Cosmos', rate: 10 }), 201);
      expect(await symbols()).toContain('ATOM');
    });

    test.each([
      ['one that is there', { symbol: 'BTC', name: 'Bitcoin', rate: 1 }, 409],
      ['a symbol in small letters', { symbol: 'btc', name: 'x', rate: 1 }, 422],
      ['a symbol that is the path of a stream', { symbol: 'STREAM', name: 'x', rate: 1 }, 422],
      ['a symbol that is the path of the events', { symbol: 'EVENTS', name: 'x', rate: 1 }, 422],
      ['a rate of nothing', { symbol: 'NIL', name: 'x', rate: 0 }, 422],
      ['a rate of 16 digits', { symbol: 'FINE', name: 'x', rate: 1.000000000000001 }, 422],
      ['a misspelt member', { symbol: 'MIS', name: 'x', rate: 1, retired: true }, 422],
      ['a rate as text', { symbol: 'TXT', name: 'x', rate: '1' }, 422],
    ])('%s is refused', async (_name, body, status) => {
      expect((await asAdmin(server, 'POST', '/currencies', body)).status).toBe(status);
    });
  });

  test('a token with the scope admin for this API administrates, and its client is told as the actor', async () => {
    const grants = { [`${server.issuer}/api/admin`]: ['admin'], [`${server.issuer}/api/currency`]: ['currency:read'] };
    const { id, secret } = await made(server, { client_id: 'operator', grants });
    const tokenFor = async (resource: string): Promise<string> => {
      const answer = await login(server, id, secret, { resource });
      return ((await answer.json()) as { access_token: string }).access_token;
    };
    const token = await tokenFor(`${server.issuer}/api/admin`);
    expect((await server.read('/api/admin/keys', token)).status).toBe(200);
    expect((await server.read('/api/admin/keys', await tokenFor(`${server.issuer}/api/currency`))).status).toBe(401);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ app_name: 'By a token' });
    expect((await server.ask('/api/admin/clients', { method: 'POST', headers, body })).status).toBe(201);
    const [event] = await itemsOf(await asAdmin(server, 'GET', '/audit?event=client_registered&limit=1'));
    expect(event).toMatchObject({ event: 'client_registered', actor: 'operator' });
    await told(await asAdmin(server, 'POST', `/clients/${id}/disable`));
    expect((await server.read('/api/admin/keys', token)).status).toBe(401);
  });

  test('a resource server is registered, granted, changed and removed; the built-in ones stay', async () => {
    const identifier = 'https://billing.example.com/api';
    const body = { identifier, name: 'Billing', scopes: ['billing:read', 'billing:write'] };
    const resource = await told(await asAdmin(server, 'POST', '/resources', body), 201);
    expect(resource).toMatchObject({ identifier, built_in: false, introspection_clients: [] });
    expect((await asAdmin(server, 'POST', '/resources', body)).status).toBe(409);
    const { id } = await made(server, { grants: { [identifier]: ['billing:read'] } });
    const denied = await asAdmin(server, 'PATCH', `/clients/${id}`, { grants: { [identifier]: ['billing:admin'] } });
    expect(denied.status).toBe(422);
    const path = `/resources/${resource['id']}`;
    expect(await told(await asAdmin(server, 'PATCH', path, { name: 'Invoices' }))).toMatchObject({ name: 'Invoices' });
    expect((await asAdmin(server, 'DELETE', path)).status).toBe(204);
    expect((await asAdmin(server, 'DELETE', path)).status).toBe(404);
    const items = await itemsOf(await asAdmin(server, 'GET', '/resources'));
    expect(items.filter((item) => item['built_in'])).toHaveLength(2);
    expect(items.map((item) => item['identifier'])).not.toContain(identifier);
    expect((await asAdmin(server, 'DELETE', `/resources/${items[0]?.['id']}`)).status).toBe(409);
  });

  describe('the audit trail', () => {
    test('holds who did what to whom, under the request id of the answer', async () => {
      const answer = await asAdmin(server, 'POST', '/clients', { app_name: 'Audited', client_id: 'audited' });
      const id = answer.headers.get('x-request-id');
      expect(await itemsOf(await asAdmin(server, 'GET', `/audit?request_id=${id}`))).toEqual([
        expect.objectContaining({
          event: 'client_registered',
          outcome: 'success',
          actor: 'admin',
          client_id: 'audited',
        }),
      ]);
    });

    test('shows failures too when no outcome is asked for', async () => {
      await login(server, 'audited', 'not-the-secret-of-it');
      await server.services.audit.flush();
      const events = await itemsOf(await asAdmin(server, 'GET', '/audit?client=audited'));
      expect(new Set(events.map((event) => event['outcome']))).toEqual(new Set(['success', 'failure']));
    });

    test('comes in pages, newest first', async () => {
      const first = await told(await asAdmin(server, 'GET', '/audit?limit=2'));
      const second = await told(await asAdmin(server, 'GET', `/audit?limit=2&cursor=${first['next_cursor']}`));
      const seqs = [first, second].flatMap((page) => (page['items'] as Json[]).map((item) => Number(item['seq'])));
      expect(seqs).toEqual([...seqs].sort((a, b) => b - a));
      expect(new Set(seqs).size).toBe(4);
    });

    test.each([
      ['from=yesterday'],
      ['to=2026-13-01T00:00:00Z'],
      ['from=0000-01-01T00:00:00Z'],
      ['outcome=maybe'],
      ['limit=0'],
      ['client=%00'],
    ])('a filter that is none is 422: %s', async (query) => {
      expect((await asAdmin(server, 'GET', `/audit?${query}`)).status).toBe(422);
    });

    test('is exported as a file, which is told', async () => {
      const csv = await asAdmin(server, 'GET', '/audit/export?format=csv&client=audited');
      expect(csv.headers.get('content-disposition')).toMatch(/^attachment; filename="audit-\d{4}-\d\d-\d\d\.csv"$/);
      const lines = (await csv.text()).trimEnd().split('\r\n');
      expect(lines[0]).toStartWith('seq,at,event');
      expect(lines[1]).toContain('client_registered');
      const ndjson = await (await asAdmin(server, 'GET', '/audit/export')).text();
      const events = ndjson
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Json);
      expect(events.at(-1)).toMatchObject({ event: 'audit_exported', actor: 'admin', details: { format: 'ndjson' } });
    });

    test('is not exported by a HEAD, which is told what an export would be', async () => {
      const exports = async () => (await itemsOf(await asAdmin(server, 'GET', '/audit?event=audit_exported'))).length;
      const before = await exports();
      const answer = await asAdmin(server, 'HEAD', '/audit/export?format=csv');
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        200,
        'text/csv; charset=utf-8; header=present',
      ]);
      expect(await exports()).toBe(before);
    });

    test.each(['zzz', '-5', '1.5', '9'.repeat(17)])('a cursor %s is 422', async (cursor) => {
      expect((await asAdmin(server, 'GET', `/audit?cursor=${cursor}`)).status).toBe(422);
    });

    test('is found intact', async () => {
      const verdict = await told(await asAdmin(server, 'GET', '/audit/verify'));
      expect(verdict).toMatchObject({ ok: true, first_seq: 1, fault: null });
      expect(verdict['events']).toBe(Number(verdict['last_seq']));
    });
  });

  test('who fails too often waits, even with the right secret, in a header and at the console', async () => {
    const limit = { count: 3, periodMs: 60_000 };
    const limits = { api: limit, token: limit, failed: limit, register: limit };
    const other = await startTestServer(database, { settings: { limits } });
    const attempt = (secret: string): Promise<Response> =>
      other.ask('/api/admin/keys', { headers: { 'x-admin-secret': secret } });
    for (let times = 0; times < 3; times++) expect((await attempt('wrong')).status).toBe(401);
    const refused = await attempt(ADMIN_SECRET);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await other.ask('/api/admin/session', json({ admin_secret: ADMIN_SECRET }))).status).toBe(429);
    other.pass(60_000);
    expect((await attempt(ADMIN_SECRET)).status).toBe(200);
    await other.close();
  });
});
