// `POST /api/auth/introspect` (RFC 7662) and `POST /api/auth/revoke` (RFC 7009) over HTTP.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import { decodeJwt } from 'jose';
import { connectPostgres, type Database } from '../../db/connect';
import { clients, revokedTokens } from '../../db/schema';
import { eachDatabase, freshDatabaseUrl } from '../../db/testing';
import { findPostgres } from '../../db/testing-postgres';
import {
  ADMIN_SECRET,
  basic,
  challengeOf,
  form,
  json,
  startTestServer,
  type TestClient,
  type TestServer,
  waitFor,
} from '../testing';
import { boundToken, createProver } from './testing-proofs';

const RESOURCE = 'https://billing.example.com/api';
const asAdmin = { 'x-admin-secret': ADMIN_SECRET };

eachDatabase('what is told of a token, and taking it back', (open) => {
  let database: Database;
  let server: TestServer;
  let owner: TestClient;
  let stranger: TestClient;
  let api: TestClient;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
    [owner, stranger, api] = [await server.register(), await server.register(), await server.register()];
    await server.services.resources.create({
      identifier: RESOURCE,
      name: 'Billing',
      scopes: ['billing:read', 'billing:write'],
      introspection_clients: [api.id],
    });
    await database.rows
      .update(clients)
      .set({ grants: { '/api/currency': ['currency:read'], [RESOURCE]: ['billing:read'] } })
      .where(eq(clients.clientId, owner.id));
    await waitFor(async () => (await billing()) !== null, 'the grant to be heard of');
  });
  afterAll(() => server.close());

  const ask = (path: string, parameters: Record<string, string>, as: TestClient | Record<string, string>) =>
    server.ask(
      path,
      form(parameters, 'secret' in as ? { authorization: basic(as as TestClient) } : (as as Record<string, string>)),
    );
  const introspect = (token: string, as: TestClient | Record<string, string>) =>
    ask('/api/auth/introspect', { token }, as);
  const revoke = (token: string, as: TestClient | Record<string, string>, more = {}) =>
    ask('/api/auth/revoke', { token, ...more }, as);
  const billing = async (): Promise<string | null> => {
    const answer = await server.ask(
      '/api/auth/token',
      json({ client_id: owner.id, client_secret: owner.secret, resource: RESOURCE }),
    );
    return answer.status === 200 ? ((await answer.json()) as { access_token: string }).access_token : null;
  };
  const activeOf = async (token: string, as: TestClient | Record<string, string>): Promise<unknown> =>
    ((await (await introspect(token, as)).json()) as Record<string, unknown>)['active'];

  test('its own client is told all that the token says, and nobody may keep it', async () => {
    const token = await server.token(owner);
    const answer = await introspect(token, owner);
    expect(answer.status).toBe(200);
    expect([answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
      'application/json',
      'no-store',
    ]);
    const { jti, iat, exp, aud } = decodeJwt(token);
    expect(await answer.json()).toEqual({
      active: true,
      scope: 'currency:read',
      client_id: owner.id,
      token_type: 'Bearer',
      exp,
      iat,
      sub: owner.id,
      aud,
      iss: server.issuer,
      jti,
    } as Record<string, unknown>);
  });

  test.each([['access_token'], ['refresh_token'], ['foo']])('the hint %s does not matter', async (token_type_hint) => {
    const answer = await ask('/api/auth/introspect', { token: await server.token(owner), token_type_hint }, owner);
    expect(await answer.json()).toMatchObject({ active: true, client_id: owner.id });
  });

  test('of a DPoP-bound token the key is told', async () => {
    const prover = await createProver();
    const answer = await introspect(await boundToken(server, owner, prover), owner);
    expect(await answer.json()).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: prover.jkt } });
  });

  test('a client that the resource names, and the administrator, are told; everybody else is not', async () => {
    const [rates, bill] = [await server.token(owner), (await billing()) ?? ''];
    expect(decodeJwt(bill)).toMatchObject({ aud: RESOURCE, scope: 'billing:read' });
    expect(await activeOf(bill, owner)).toBe(true);
    expect(await activeOf(bill, api)).toBe(true);
    expect(await activeOf(bill, asAdmin)).toBe(true);
    expect(await activeOf(rates, asAdmin)).toBe(true);
    for (const [token, who] of [
      [bill, stranger],
      [rates, stranger],
      [rates, api],
    ] as const) {
      const answer = await introspect(token, who);
      expect([answer.status, await answer.text()]).toEqual([200, '{"active":false}']);
    }
    expect((await server.read('/api/currency/', bill)).status).toBe(401);
  });

  test.each([
    ['text', async () => 'abc'],
    ['a refresh token of somebody', async () => 'rt_abc'],
    ['a token with a broken signature', async () => `${(await server.token(owner)).slice(0, -6)}AAAAAA`],
    ['nine thousand characters', async () => 'A'.repeat(9_000)],
    ['an unsigned token', async () => `${btoa('{"alg":"none"}')}.${(await server.token(owner)).split('.')[1]}.`],
  ])('%s: inactive, and nothing to revoke', async (_name, make) => {
    const token = await make();
    for (const who of [owner, asAdmin]) {
      const answer = await introspect(token, who);
      expect([answer.status, await answer.text()]).toEqual([200, '{"active":false}']);
      const revoked = await revoke(token, who);
      expect([revoked.status, await revoked.text()]).toEqual([200, '']);
    }
    expect(await database.rows.select().from(revokedTokens)).toEqual([]);
  });

  test.each([['/api/auth/introspect'], ['/api/auth/revoke']])('%s refuses what it must', async (path) => {
    const token = await server.token(owner);
    const wrong = await ask(path, { token }, { ...owner, secret: 'a wrong secret, long enough' });
    expect([wrong.status, wrong.headers.get('www-authenticate')?.split(' ')[0]]).toEqual([401, 'Basic']);
    expect(await wrong.json()).toEqual({
      error: 'invalid_client',
      error_description: 'Client authentication failed.',
    });
    expect((await server.ask(path, form({ token }))).status).toBe(401);
    expect((await server.ask(path, form({ token }, { 'x-admin-secret': 'wrong' }))).status).toBe(401);
    const authorization = basic(owner);
    const bad: [RequestInit, string][] = [
      [form({ token_type_hint: 'access_token' }, { authorization }), 'The token parameter is missing.'],
      [form(`token=${token}&token=${token}`, { authorization }), 'A parameter is repeated.'],
      [
        { ...json({ token }), headers: { 'content-type': 'application/json', authorization } },
        'Send the request as application/x-www-form-urlencoded.',
      ],
    ];
    for (const [init, error_description] of bad) {
      const answer = await server.ask(path, init);
      expect([answer.status, await answer.json()]).toEqual([400, { error: 'invalid_request', error_description }]);
    }
    expect((await server.ask(path)).status).toBe(405);
    expect((await server.read('/api/currency/', token)).status).toBe(200);
  });

  test.each([[undefined], ['access_token'], ['refresh_token'], ['foo']])(
    'revoked by its client with the hint %p, it is dead before the answer, remembered or not',
    async (hint) => {
      for (const used of [true, false]) {
        const [token, other] = [await server.token(owner), await server.token(owner)];
        if (used) expect((await server.read('/api/currency/', token)).status).toBe(200);
        const answer = await revoke(token, owner, hint === undefined ? {} : { token_type_hint: hint });
        expect([answer.status, await answer.text()]).toEqual([200, '']);
        const refused = await server.read('/api/currency/', token);
        expect([refused.status, challengeOf(refused)['error']]).toEqual([401, 'invalid_token']);
        expect(await activeOf(token, owner)).toBe(false);
        expect((await revoke(token, owner)).status).toBe(200);
        expect((await server.read('/api/currency/', other)).status).toBe(200);
      }
      expect(server.logged.join('\n')).toContain('"event.reason":"token_revoked"');
    },
  );

  test("another client's token is not revoked, also not by a client that may introspect it", async () => {
    const token = (await billing()) ?? '';
    for (const who of [stranger, api]) {
      const answer = await revoke(token, who);
      expect([answer.status, await answer.json()]).toEqual([
        400,
        { error: 'unauthorized_client', error_description: 'The client is not allowed to do this.' },
      ]);
    }
    expect(await activeOf(token, owner)).toBe(true);
    expect((await revoke(token, asAdmin)).status).toBe(200);
    expect(await activeOf(token, owner)).toBe(false);
  });

  test('a token that has ended is inactive and needs no row; rows go a day after theirs have', async () => {
    await server.services.revocations.prune();
    const before = (await database.rows.select().from(revokedTokens)).length;
    expect(before).toBeGreaterThan(0);
    const [kept, late] = [await server.token(owner), await server.token(owner)];
    server.pass(7_200_000 + 60_000);
    expect([await activeOf(kept, owner), (await revoke(late, owner)).status]).toEqual([false, 200]);
    expect((await database.rows.select().from(revokedTokens)).length).toBe(before);
    await server.services.revocations.prune();
    expect((await database.rows.select().from(revokedTokens)).length).toBe(before);
    server.pass(86_400_000);
    await server.services.revocations.prune();
    expect(await database.rows.select().from(revokedTokens)).toEqual([]);
    expect(server.services.revocations.size()).toBe(0);
  });

  test.each([
    ['fifty seconds ahead of the others', 50_000],
    ['a year ahead of all', 365 * 86_400_000],
  ])('a server whose clock is %s makes no revoked token live again', async (_name, aheadMs) => {
    const token = await server.token(owner);
    // So near its end that the other clock has passed it.
    server.pass(7_200_000 - 20_000);
    let ahead = 0;
    const settings = { issuer: server.issuer, now: () => server.now() + ahead, databaseNow: async () => server.now() };
    const other = await startTestServer(database, { settings });
    ahead = aheadMs;
    const asked = aheadMs < 60_000 ? other : server;
    await asked.ask('/api/auth/revoke', form({ token }, { authorization: basic(owner) }));
    const jti = String(decodeJwt(token).jti);
    await waitFor(() => [server, other].every(({ services }) => services.revocations.has(jti)), 'both to hear of it');
    await other.services.revocations.prune();
    ahead = 0;
    expect((await other.read('/api/currency/', token)).status).toBe(401);
    expect((await server.read('/api/currency/', token)).status).toBe(401);
    const later = await startTestServer(database, { settings });
    expect((await later.read('/api/currency/', token)).status).toBe(401);
    await Promise.all([other.close(), later.close()]);
  });

  test('revoked while its resource is not registered, a token stays dead when it is registered again', async () => {
    const token = (await billing()) ?? '';
    const { resources } = server.services;
    const { id, name, scopes } = resources.find(RESOURCE)!;
    await resources.remove(id);
    expect(await activeOf(token, owner)).toBe(false);
    expect((await revoke(token, owner)).status).toBe(200);
    await resources.create({ identifier: RESOURCE, name, scopes: [...scopes] });
    expect(await activeOf(token, owner)).toBe(false);
  });

  test('a server that starts later knows what was revoked', async () => {
    const token = await server.token(owner);
    await revoke(token, owner);
    const later = await startTestServer(database, { settings: { issuer: server.issuer, now: server.now } });
    expect((await later.read('/api/currency/', token)).status).toBe(401);
    await later.close();
  });

  test('no token is left in the log', () => {
    expect(server.logged.join('\n')).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });
});

test.skipIf(!findPostgres())(
  'two servers on one PostgreSQL: a revoked token is dead on both within a second',
  async () => {
    const url = await freshDatabaseUrl();
    const [one, two] = [connectPostgres({ url }), connectPostgres({ url })];
    const first = await startTestServer(one);
    const second = await startTestServer(two, { settings: { issuer: first.issuer } });
    const client = await first.register();
    const statusOf = async (server: TestServer, token: string) => (await server.read('/api/currency/', token)).status;
    for (let round = 0; round < 5; round += 1) {
      const token = await first.token(client);
      expect([await statusOf(first, token), await statusOf(second, token)]).toEqual([200, 200]);
      const answer = await first.ask('/api/auth/revoke', form({ token }, { authorization: basic(client) }));
      expect([answer.status, await statusOf(first, token)]).toEqual([200, 401]);
      await waitFor(async () => (await statusOf(second, token)) === 401, 'the other server to refuse', 1_000);
    }
    await Promise.all([first.close(), second.close()]);
    await Promise.all([one.close(), two.close()]);
  },
);
