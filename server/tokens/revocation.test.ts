// A client that is disabled: its tokens stop at once, and stay dead.
import { expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import { connectPostgres, type Database } from '../../db/connect';
import { clients } from '../../db/schema';
import { eachDatabase, freshDatabaseUrl } from '../../db/testing';
import { findPostgres } from '../../db/testing-postgres';
import { challengeOf, form, startTestServer, type TestClient, type TestServer, waitFor } from '../testing';

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
