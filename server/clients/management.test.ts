// The management of clients, and what of it every server holds in memory.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { connectPostgres, type Database } from '../../db/connect';
import { clients as table } from '../../db/schema';
import { eachDatabase, freshDatabaseUrl } from '../../db/testing';
import { findPostgres } from '../../db/testing-postgres';
import { Problem } from '../../kit/http/problem';
import { json, startTestServer, type TestServer, waitFor } from '../testing';
import type { Clients } from './service';
import type { ClientChange, NewClient } from './settings';

const DAY_MS = 86_400_000;
const KEYS = {
  keys: [
    {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
  ],
};
const PLAIN: NewClient = {
  clientId: null,
  appName: 'Tests',
  authMethod: 'client_secret_basic',
  jwks: null,
  jwksUri: null,
  tlsSubject: null,
  grants: null,
  dpopBound: false,
  certificateBound: false,
  limits: { api: null, token: null },
  metadata: {},
  secret: { label: '', expiresInSeconds: null },
  manageable: false,
};

/** The status of the Problem that `work` fails with. */
async function refusal(work: Promise<unknown>): Promise<number> {
  const error = await work.then(
    () => null,
    (failure: unknown) => failure,
  );
  if (error instanceof Problem) return error.status;
  throw new Error(`not refused: ${error}`);
}

eachDatabase('the management of clients', (open) => {
  let database: Database;
  let server: TestServer;
  let service: Clients;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database, { settings: { behindProxy: true } });
    service = server.services.clients;
    const scopes = ['a', 'b'];
    const other = { identifier: 'https://api.example.com', name: 'Other', scopes, introspectionClients: [] };
    await server.services.resources.create(other);
  });
  afterAll(() => server.close());

  const make = async (change: Partial<NewClient> = {}): Promise<string> =>
    (await service.create({ ...PLAIN, ...change })).client.client_id;
  const tokenOf = async (id: string): Promise<string> => {
    const { clientSecret } = await service.secrets.rotate(id, { label: '', expiresInSeconds: null, overlapSeconds: 0 });
    return server.token({ id, secret: clientSecret });
  };
  const statusOf = async (token: string): Promise<number> => (await server.read('/api/currency/', token)).status;

  describe('creation', () => {
    test('gives the client as it is kept, and what is shown once', async () => {
      const grants = {
        [`${server.issuer}/api/currency`]: ['currency:read'],
        'https://api.example.com': ['a', 'b', 'a'],
      };
      const created = await service.create({
        ...PLAIN,
        clientId: 'named',
        grants,
        dpopBound: true,
        limits: { api: '7/s', token: '3/m' },
        metadata: { software_id: 'x' },
        secret: { label: 'first', expiresInSeconds: 60 },
        manageable: true,
      });
      expect(created).toEqual({
        client: {
          client_id: 'named',
          app_name: 'Tests',
          is_active: true,
          auth_method: 'client_secret_basic',
          grants: { ...grants, 'https://api.example.com': ['a', 'b'] },
          dpop_bound: true,
          certificate_bound: false,
          jwks: null,
          jwks_uri: null,
          tls_subject: null,
          limits: { api: '7/s', token: '3/m' },
          metadata: { software_id: 'x' },
          tokens_issued: 0,
          last_used_at: null,
          created_at: new Date(server.now()).toISOString(),
          secrets: [created.secret!],
        },
        clientSecret: expect.stringMatching(/^cs_/),
        secret: expect.objectContaining({ label: 'first', expires_at: new Date(server.now() + 60_000).toISOString() }),
        registrationToken: expect.stringMatching(/^rat_/),
      });
      expect(await service.show('named')).toEqual(created.client);
      const [row] = await database.rows.select().from(table).where(sql`client_id = 'named'`);
      expect(row?.grants).toEqual({ '/api/currency': ['currency:read'], 'https://api.example.com': ['a', 'b'] });
    });

    test('of an id that is taken, or was once, is 409', async () => {
      const id = await make();
      expect(await refusal(make({ clientId: id }))).toBe(409);
      await service.remove(id);
      expect(await refusal(make({ clientId: id }))).toBe(409);
      const body = { client_id: id, client_secret: 'correct-horse-battery', app_name: 'a' };
      expect((await server.ask('/api/auth/register', json(body))).status).toBe(400);
    });

    test('of one id at once succeeds once', async () => {
      const work = Array.from({ length: 6 }, () =>
        make({ clientId: 'raced' }).then(
          () => 201,
          (error: Problem) => error.status,
        ),
      );
      expect((await Promise.all(work)).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    });

    test.each<[string, Partial<NewClient>]>([
      ['keys in two places', { authMethod: 'private_key_jwt', jwks: KEYS, jwksUri: 'https://a.example' }],
      ['no keys for private_key_jwt', { authMethod: 'private_key_jwt' }],
      ['a limit that is none', { limits: { api: 'many', token: null } }],
      ['a resource that is not registered', { grants: { 'https://nobody.example.com': ['a'] } }],
      ['a scope that its resource does not have', { grants: { 'https://api.example.com': ['c'] } }],
      ['a certificate name for nothing', { tlsSubject: { kind: 'tls_client_auth_san_dns', value: 'a' } }],
    ])('with %s is 422', async (_name, change) => {
      expect(await refusal(make(change))).toBe(422);
    });
  });

  describe('the list', () => {
    test('comes in pages that miss nobody and repeat nobody, while others come and go', async () => {
      for (let at = 0; at < 7; at += 1) await make({ clientId: `page-${at}`, appName: 'Paged' });
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await service.list({ search: 'PAGED', state: null, cursor, limit: 3 });
        seen.push(...page.items.map(({ client_id }) => client_id));
        expect(page.items.length).toBeLessThanOrEqual(3);
        if (cursor === null) await service.remove('page-1');
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6].map((at) => `page-${at}`));
    });

    test('a last page that is full has no next one', async () => {
      for (let at = 0; at < 2; at += 1) await make({ appName: 'Exactly two' });
      expect(await service.list({ search: 'exactly', state: null, cursor: null, limit: 2 })).toMatchObject({
        nextCursor: null,
      });
    });

    test.each([
      ['part of the id', 'needle-i', 1],
      ['part of the name, in any case', 'hAy 100%', 1],
      ['a wild card taken literally', '%', 1],
      ['another one', '_', 0],
      ['nothing that is there', 'nowhere', 0],
    ])('finds by %s', async (_name, search, found) => {
      if ((await service.list({ search: 'needle-id', state: null, cursor: null, limit: 1 })).items.length === 0)
        await make({ clientId: 'needle-id', appName: 'Hay 100% hay' });
      expect((await service.list({ search, state: null, cursor: null, limit: 200 })).items).toHaveLength(found);
    });

    test('refuses a cursor that is none of ours', async () => {
      for (const cursor of ['', '!', 'a'])
        expect(await refusal(service.list({ search: null, state: null, cursor, limit: 1 }))).toBe(422);
    });
  });

  describe('changes', () => {
    test('change what is given and nothing else', async () => {
      const id = await make({ limits: { api: '7/s', token: null }, metadata: { software_id: 'x' } });
      const before = await service.show(id);
      const after = await service.update(id, { appName: 'Other', certificateBound: true });
      expect(after).toEqual({
        client: { ...before, app_name: 'Other', certificate_bound: true },
        changes: { changed: ['app_name', 'certificate_bound'], app_name: 'Other', certificate_bound: true },
        revoked: [],
        made: null,
      });
      expect(await service.update(id, {})).toEqual({ ...after, changes: null });
      const limits = async (given: ClientChange['limits'] & {}) =>
        (await service.update(id, { limits: given })).client.limits;
      expect(await limits({ token: '1/m' })).toEqual({ api: '7/s', token: '1/m' });
      expect(await limits({ api: null, token: '2/m' })).toEqual({ api: null, token: '2/m' });
    });

    test.each<[string, ClientChange]>([
      ['to private_key_jwt without keys', { authMethod: 'private_key_jwt' }],
      ['to a limit that is none', { limits: { api: '0/s', token: null } }],
      ['to private keys', { jwks: { keys: [{ ...KEYS.keys[0], d: 'd' }] } }],
    ])('%s are 422 and change nothing', async (_name, change) => {
      const id = await make();
      const before = await service.show(id);
      expect(await refusal(service.update(id, { appName: 'Other', ...change }))).toBe(422);
      expect(await service.show(id)).toEqual(before);
    });

    test('away from secrets take the secrets along', async () => {
      const { client, clientSecret } = await service.create(PLAIN);
      const credentials = { client_id: client.client_id, client_secret: clientSecret };
      expect((await server.ask('/api/auth/token', json(credentials))).status).toBe(200);
      const after = await service.update(client.client_id, { authMethod: 'private_key_jwt', jwks: KEYS });
      expect(after.client.secrets).toEqual([]);
      expect((await server.ask('/api/auth/token', json(credentials))).status).toBe(401);
    });

    test('of grants are in force at once for a secret that is remembered', async () => {
      const { client, clientSecret } = await service.create(PLAIN);
      const ask = () =>
        server.ask(
          '/api/auth/token',
          json({ client_id: client.client_id, client_secret: clientSecret, scope: 'currency:read' }),
        );
      expect((await ask()).status).toBe(200);
      await service.update(client.client_id, { grants: {} });
      expect((await ask()).status).toBe(400);
    });
  });

  test('disabling ends all tokens for ever, enabling lets new ones be had', async () => {
    const id = await make();
    const token = await tokenOf(id);
    expect(await statusOf(token)).toBe(200);
    expect((await service.setActive(id, false)).is_active).toBe(false);
    expect(await statusOf(token)).toBe(401);
    expect((await service.setActive(id, true)).is_active).toBe(true);
    expect([await statusOf(token), await statusOf(await tokenOf(id))]).toEqual([401, 200]);
  });

  test('revoking all ends all tokens, and the secret goes on', async () => {
    const id = await make();
    const token = await tokenOf(id);
    await service.revokeAll(id);
    expect([await statusOf(token), await statusOf(await tokenOf(id))]).toEqual([401, 200]);
  });

  test('whom there is not is 404', async () => {
    const id = 'nobody-of-that-name';
    const rotation = { label: '', expiresInSeconds: null, overlapSeconds: null };
    for (const work of [
      () => service.show(id),
      () => service.update(id, {}),
      () => service.setActive(id, false),
      () => service.revokeAll(id),
      () => service.remove(id),
      () => service.secrets.list(id),
      () => service.secrets.rotate(id, rotation),
      () => service.secrets.revoke(id, 1),
    ])
      expect(await refusal(work())).toBe(404);
  });

  describe('memory', () => {
    test("knows a client's own limit as soon as it is set, and no longer than it is", async () => {
      const id = await make({ limits: { api: '7/s', token: null } });
      expect(service.limitOf(id)).toEqual({ count: 7, periodMs: 1_000 });
      await service.update(id, { limits: { api: '9/m', token: null } });
      expect(service.limitOf(id)).toEqual({ count: 9, periodMs: 60_000 });
      await service.secrets.rotate(id, { label: '', expiresInSeconds: null, overlapSeconds: 0 });
      expect(service.limitOf(id)).toEqual({ count: 9, periodMs: 60_000 });
      await service.update(id, { limits: { api: null, token: null } });
      expect(service.limitOf(id)).toBeNull();
    });

    test('hears of what plain SQL does', async () => {
      const id = await make();
      await database.rows.update(table).set({ limitApi: '5/s' }).where(sql`client_id = ${id}`);
      await waitFor(() => service.limitOf(id)?.count === 5, 'the limit');
      await database.rows.delete(table).where(sql`client_id = ${id}`);
      await waitFor(() => !service.isCurrent(id, 0) && service.limitOf(id) === null, 'the client to be gone');
    });

    test('a server that starts later knows limits, raised epochs and who is gone', async () => {
      const [limited, raised, gone] = [await make({ limits: { api: '7/s', token: null } }), await make(), await make()];
      const token = await tokenOf(gone);
      await service.revokeAll(raised);
      await service.remove(gone);
      const later = await startTestServer(database, { settings: { issuer: server.issuer } });
      const { clients } = later.services;
      expect(clients.limitOf(limited)).toEqual({ count: 7, periodMs: 1_000 });
      expect([clients.isCurrent(raised, 0), clients.isCurrent(raised, 1)]).toEqual([false, true]);
      expect([clients.isCurrent(gone, 0), clients.isCurrent(gone, 99)]).toEqual([false, false]);
      expect((await later.read('/api/currency/', token)).status).toBe(401);
      await later.close();
    });

    test('who is gone is remembered for longer than any token lives, and then no more', async () => {
      const id = await make();
      await service.remove(id);
      server.pass(DAY_MS);
      await service.maintain(async () => {});
      expect(service.isCurrent(id, 0)).toBe(false);
      server.pass(DAY_MS);
      await service.maintain(async () => {});
      expect(service.isCurrent(id, 0)).toBe(true);
    });
  });
});

describe.skipIf(!findPostgres())('two servers on one PostgreSQL', () => {
  test('a rotation without overlap on one is heard by the other, which had remembered the secret', async () => {
    const url = await freshDatabaseUrl();
    const databases = [connectPostgres({ url }), connectPostgres({ url })] as const;
    const [one, two] = [await startTestServer(databases[0]), await startTestServer(databases[1])];
    const { client, clientSecret } = await one.services.clients.create(PLAIN);
    const { client_id } = client;
    const ask = async (server: TestServer, secret: string | null): Promise<number> =>
      (await server.ask('/api/auth/token', json({ client_id, client_secret: secret }))).status;
    expect([await ask(one, clientSecret), await ask(two, clientSecret)]).toEqual([200, 200]);
    const rotation = { label: '', expiresInSeconds: null, overlapSeconds: 0 };
    const next = await one.services.clients.secrets.rotate(client_id, rotation);
    expect(await ask(one, clientSecret)).toBe(401);
    await waitFor(async () => (await ask(two, clientSecret)) === 401, 'the other server', 1_000);
    expect([await ask(one, next.clientSecret), await ask(two, next.clientSecret)]).toEqual([200, 200]);
    await Promise.all([one.close(), two.close()]);
    await Promise.all(databases.map((database) => database.close()));
  });

  test('a secret that is ended on one is no good on another one whose clock is behind', async () => {
    const url = await freshDatabaseUrl();
    const databases = [connectPostgres({ url }), connectPostgres({ url })] as const;
    const one = await startTestServer(databases[0]);
    const behind = await startTestServer(databases[1], { settings: { now: () => one.now() - 30_000 } });
    const { client, clientSecret } = await one.services.clients.create(PLAIN);
    const { client_id } = client;
    const ask = async (secret: string | null): Promise<number> =>
      (await behind.ask('/api/auth/token', json({ client_id, client_secret: secret }))).status;
    const { secrets } = one.services.clients;
    const rotate = (overlapSeconds: number | null) =>
      secrets.rotate(client_id, { label: '', expiresInSeconds: null, overlapSeconds });
    const second = await rotate(0);
    await waitFor(async () => (await ask(clientSecret)) === 401, 'the end of a rotated one', 1_000);
    expect(await ask(second.clientSecret)).toBe(200);
    await rotate(null);
    await secrets.revoke(client_id, second.secret.id);
    await waitFor(async () => (await ask(second.clientSecret)) === 401, 'the end of a revoked one', 1_000);
    await Promise.all([one.close(), behind.close()]);
    await Promise.all(databases.map((database) => database.close()));
  });

  test('both count, flush at once, and nothing is lost', async () => {
    const url = await freshDatabaseUrl();
    const databases = [connectPostgres({ url }), connectPostgres({ url })] as const;
    const [one, two] = [await startTestServer(databases[0]), await startTestServer(databases[1])];
    const ids = await Promise.all(
      Array.from({ length: 50 }, async () => (await one.services.clients.create(PLAIN)).client.client_id),
    );
    for (let round = 0; round < 5; round += 1) {
      for (const id of ids) one.services.clients.issued(id);
      for (const id of ids.toReversed()) two.services.clients.issued(id);
      await Promise.all([one.services.clients.flush(), two.services.clients.flush()]);
    }
    const { items } = await one.services.clients.list({ search: null, state: null, cursor: null, limit: 200 });
    expect(new Set(items.map(({ tokens_issued }) => tokens_issued))).toEqual(new Set([10]));
    await Promise.all([one.close(), two.close()]);
    await Promise.all(databases.map((database) => database.close()));
  });
});
