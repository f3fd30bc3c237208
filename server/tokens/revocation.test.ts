// Tokens that are taken back: dead on the server that was told before it answers, on others within a second, for good.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import { decodeProtectedHeader } from 'jose';
import { connectPostgres, type Database } from '../../db/connect';
import { clients } from '../../db/schema';
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

const setActive = async (database: Database, { id }: TestClient, isActive: boolean): Promise<void> => {
  await database.rows.update(clients).set({ isActive }).where(eq(clients.clientId, id));
};
const statusOf = async (server: TestServer, token: string): Promise<number> =>
  (await server.read('/api/currency/', token)).status;
const request = ({ id, secret }: TestClient): RequestInit =>
  form({ grant_type: 'client_credentials', client_id: id, client_secret: secret });

eachDatabase('a disabled client', (open) => {
  test('its tokens stop within a second, used before or not, and stay dead when it is enabled again', async () => {
    const database = await open();
    const server = await startTestServer(database);
    const [client, other] = [await server.register(), await server.register()];
    const [used, unused, foreign] = [await server.token(client), await server.token(client), await server.token(other)];
    expect([await statusOf(server, used), await statusOf(server, foreign)]).toEqual([200, 200]);

    await setActive(database, client, false);
    await waitFor(async () => (await statusOf(server, used)) === 401, 'the used token to die', 1_000);
    const answer = await server.read('/api/currency/', unused);
    expect([answer.status, challengeOf(answer)['error']]).toEqual([401, 'invalid_token']);
    expect((await server.ask('/api/auth/token', request(client))).status).toBe(401);
    expect(await statusOf(server, foreign)).toBe(200);

    await setActive(database, client, true);
    await waitFor(
      async () => (await server.ask('/api/auth/token', request(client))).status === 200,
      'new tokens',
      1_000,
    );
    expect(await statusOf(server, await server.token(client))).toBe(200);
    expect([await statusOf(server, used), await statusOf(server, unused)]).toEqual([401, 401]);
    await server.close();
  });

  test('a server that starts later knows of it', async () => {
    const database = await open();
    const first = await startTestServer(database);
    const client = await first.register();
    const token = await first.token(client);
    await setActive(database, client, false);
    await setActive(database, client, true);
    await first.close();
    const second = await startTestServer(database, { settings: { issuer: first.issuer } });
    expect(await statusOf(second, token)).toBe(401);
    expect(await statusOf(second, await second.token(client))).toBe(200);
    await second.close();
  });

  test('a client whose row is deleted is dead too', async () => {
    const database = await open();
    const server = await startTestServer(database);
    const client = await server.register();
    const token = await server.token(client);
    expect(await statusOf(server, token)).toBe(200);
    await database.rows.delete(clients).where(eq(clients.clientId, client.id));
    await waitFor(async () => (await statusOf(server, token)) === 401, 'the token to die', 1_000);
    expect((await server.ask('/api/auth/token', request(client))).status).toBe(401);
    await server.close();
  });
});

/** A database whose changes are never heard of, though its heart is: what is in force then was not told by it. */
const deaf = (database: Database): Database => ({
  ...database,
  listen: (channel, heard, lost) =>
    database.listen(channel, (payload) => (payload.startsWith('beat:') ? heard(payload) : undefined), lost),
});

eachDatabase('before the answer, with no news from the database,', (open) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(deaf(await open()));
  });
  afterAll(() => server.close());
  const asAdmin = (method: string, path: string): Promise<Response> =>
    server.ask(`/api/admin/${path}`, { method, headers: { 'x-admin-secret': ADMIN_SECRET } });

  const ways: [string, (client: TestClient, tokens: readonly string[]) => Promise<readonly Response[]>, boolean][] = [
    [
      'a token that its client revokes is dead',
      (client, tokens) =>
        Promise.all(
          tokens.map((token) => server.ask('/api/auth/revoke', form({ token }, { authorization: basic(client) }))),
        ),
      true,
    ],
    [
      'the tokens of a client that is disabled are dead',
      async ({ id }) => [await asAdmin('POST', `clients/${id}/disable`)],
      false,
    ],
    [
      'the tokens of a client that is deleted are dead',
      async ({ id }) => [await asAdmin('DELETE', `clients/${id}`)],
      false,
    ],
    [
      'all tokens of a client that are revoked are dead',
      async ({ id }) => [await asAdmin('POST', `clients/${id}/revoke-tokens`)],
      true,
    ],
    [
      'the tokens of a key that is revoked are dead',
      async (_client, [token = '']) => [await asAdmin('POST', `keys/${decodeProtectedHeader(token).kid}/revoke`)],
      true,
    ],
  ];
  test.each(ways)('%s, used before or not', async (_name, takeBack, lives) => {
    const client = await server.register();
    const tokens = [await server.token(client), await server.token(client)];
    expect(await statusOf(server, tokens[0]!)).toBe(200);
    for (const answer of await takeBack(client, tokens)) expect(answer.ok).toBe(true);
    for (const token of tokens) {
      expect(await statusOf(server, token)).toBe(401);
      const about = form({ token }, { 'x-admin-secret': ADMIN_SECRET });
      expect(await (await server.ask('/api/auth/introspect', about)).json()).toEqual({ active: false });
    }
    expect((await server.ask('/api/auth/token', request(client))).status).toBe(lives ? 200 : 401);
  });

  test.each([
    ['replaced at once', 0],
    ['removed', null],
  ])('a secret that is %s gets nothing', async (_name, overlap_seconds) => {
    const client = await server.register();
    await server.token(client);
    const secrets = `/api/clients/${client.id}/secrets`;
    const headers = { 'content-type': 'application/json', authorization: basic(client) };
    const { items } = (await (await server.ask(secrets, { headers })).json()) as { items: { id: number }[] };
    expect((await server.ask(secrets, { ...json({ overlap_seconds }), headers })).ok).toBe(true);
    if (overlap_seconds === null)
      expect((await server.ask(`${secrets}/${items[0]?.id}`, { method: 'DELETE', headers })).ok).toBe(true);
    expect((await server.ask('/api/auth/token', request(client))).status).toBe(401);
  });
});

test.skipIf(!findPostgres())('two servers on one PostgreSQL: both refuse within a second', async () => {
  const url = await freshDatabaseUrl();
  const [one, two] = [connectPostgres({ url }), connectPostgres({ url })];
  const first = await startTestServer(one);
  const second = await startTestServer(two, { settings: { issuer: first.issuer } });
  const client = await first.register();
  const token = await first.token(client);
  expect([await statusOf(first, token), await statusOf(second, token)]).toEqual([200, 200]);
  await setActive(one, client, false);
  const dead = async (): Promise<boolean> =>
    (await statusOf(first, token)) === 401 && (await statusOf(second, token)) === 401;
  await waitFor(dead, 'both servers to refuse', 1_000);
  await Promise.all([first.close(), second.close()]);
  await Promise.all([one.close(), two.close()]);
});
