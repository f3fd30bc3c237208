// Both programs joined for real: a crypto-client before a crypto-server, over HTTP, on both databases.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { join } from 'node:path';
import { eq, like } from 'drizzle-orm';
import type { Database } from '../db/connect';
import { clients, deletedClients, signingKeys } from '../db/schema';
import { eachDatabase } from '../db/testing';
import { freePort } from '../db/testing-postgres';
import { rawRequest, sendRaw } from '../kit/http/testing';
import { ADMIN_SECRET, startTestServer, type TestServer, type TestServerOptions, waitFor } from '../server/testing';
import { clientFolder, type JoinedClient, startJoinedClient } from './testing/joined';
import { type PassUntil, passing } from './testing/passing';
import { countTokenRequests } from './testing/token-requests';
import { createWorld, type World } from './testing/world';

const TIMEOUT_MS = 30_000;

eachDatabase('a client before a server', (open) => {
  let world: World;
  let database: Database;
  let folder: ReturnType<typeof clientFolder>;
  let port: number;
  let started: { close(): Promise<void> }[];
  /** Token requests that the server was sent. */
  let tokenRequests: ReturnType<typeof countTokenRequests>;
  beforeEach(async () => {
    [world, database, folder, port] = [createWorld(), await open(), clientFolder(), await freePort()];
    [started, tokenRequests] = [[], countTokenRequests()];
  });
  afterEach(async () => {
    for (const one of started.reverse()) await one.close();
    folder.remove();
  });

  const startServer = async (settings: TestServerOptions['settings'] = {}): Promise<TestServer> => {
    const server = await startTestServer(database, {
      port,
      settings: { now: world.clock.now, ...settings },
      change: tokenRequests.change,
    });
    started.push(server);
    return server;
  };
  const startClient = (env: Record<string, string> = {}): JoinedClient => {
    const where = { CRYPTO_SERVER_URL: `http://localhost:${port}`, DATA_DIR: join(folder.path, 'data') };
    const client = startJoinedClient(world, { ...where, ...env });
    started.push({ close: client.stop });
    return client;
  };
  const authenticated = (client: JoinedClient, expected = true): Promise<void> =>
    waitFor(async () => (await client.status()).authenticated === expected, `authenticated: ${expected}`);
  const passUntil: PassUntil = (...until) => passing(world, 500)(...until);

  test(
    'it registers itself, obtains a token, shows the rates, and keeps them coming',
    async () => {
      const server = await startServer();
      const client = startClient();
      await waitFor(() => client.shown.length >= 1, 'the first rates');
      expect(client.shown).toEqual([45_000]);
      const [row] = await database.rows.select().from(clients);
      expect(await client.status()).toMatchObject({
        authenticated: true,
        has_token: true,
        client_id: row!.clientId,
        credential: { origin: 'self-made', registered: true },
        token_scope: 'currency:read',
        token_expires_in: 7200,
        server: { state: 'ok', last_error: null },
        rates: { count: 13, stale: false },
      });
      await server.services.ticker.tick();
      await passUntil(() => client.shown.length >= 2, 'the next rates');
      const rates = await (await client.ask('/api/currencies')).json();
      expect(rates).toEqual([...server.services.feed.snapshot().rates]);
      expect(await (await client.ask('/api/currencies/eth')).json()).toMatchObject({ symbol: 'ETH' });
      expect((await client.ask('/api/currencies/NOPE')).status).toBe(404);
      expect(tokenRequests.count()).toBe(1);
      const said = [...client.logged, ...server.logged].join('\n');
      expect(said).not.toMatch(/eyJ[\w-]+\.eyJ/);
    },
    TIMEOUT_MS,
  );

  test(
    'a thousand callers at once cost one token request',
    async () => {
      await startServer();
      const client = startClient();
      // By sockets: `fetch` sends 256 requests at a time, and the client in this process needs it too.
      const request = rawRequest('GET /api/token', ['Host: localhost']);
      const answers = await Promise.all(Array.from({ length: 1_000 }, () => sendRaw(client.port, request)));
      const tokens = answers.map(({ body }) => (JSON.parse(body) as { access_token?: string }).access_token);
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      expect(new Set(tokens).size).toBe(1);
      // A client that was never registered asks once in vain and once when it is.
      expect(tokenRequests.count()).toBeLessThanOrEqual(2);
    },
    TIMEOUT_MS,
  );

  test(
    'absent at the start: it says so, and goes on by itself once the server is there',
    async () => {
      const client = startClient();
      await waitFor(async () => (await client.status()).server.state === 'away', 'the absence to be noticed');
      expect(await client.status()).toMatchObject({ authenticated: false, has_token: false });
      const refused = await client.ask('/api/currencies');
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect((await client.ask('/health')).status).toBe(200);
      await startServer();
      await passUntil(() => client.shown.length >= 1, 'the rates');
      expect(await client.status()).toMatchObject({ authenticated: true, server: { state: 'ok' } });
    },
    TIMEOUT_MS,
  );

  test(
    'restarted: the rates are given meanwhile with their age, and neither token nor registration is lost',
    async () => {
      const server = await startServer();
      const client = startClient();
      await waitFor(() => client.shown.length >= 1, 'the first rates');
      await server.close();
      await passUntil(async () => (await client.status()).server.state === 'away', 'the absence to be noticed');
      const stale = await client.ask('/api/currencies');
      expect(stale.status).toBe(200);
      expect(stale.headers.get('warning')).toStartWith('110');
      expect(Number(stale.headers.get('age'))).toBeGreaterThan(0);
      await startServer();
      await passUntil(() => client.shown.length >= 2, 'the rates');
      expect((await client.ask('/api/currencies')).headers.get('warning')).toBeNull();
      expect(tokenRequests.count()).toBe(1);
      expect((await database.rows.select().from(clients)).length).toBe(1);
    },
    TIMEOUT_MS,
  );

  test(
    'the client restarted is the same one, from its vault',
    async () => {
      await startServer();
      const first = startClient();
      await authenticated(first);
      const { client_id } = await first.status();
      await first.stop();
      const second = startClient();
      await authenticated(second);
      expect((await second.status()).client_id).toBe(client_id);
      expect((await database.rows.select().from(clients)).length).toBe(1);
    },
    TIMEOUT_MS,
  );

  test(
    'a token is renewed ahead of its end: the server never sees an expired one',
    async () => {
      const server = await startServer({ accessTokenTtlSeconds: 60 });
      const client = startClient();
      await waitFor(() => client.shown.length >= 1, 'the first rates');
      await passUntil(() => tokenRequests.count() === 4, 'three renewals', 2_000);
      expect(server.logged.join('\n')).not.toContain('token_expired');
      expect(await client.status()).toMatchObject({ authenticated: true, renewal: { last_error: null } });
    },
    TIMEOUT_MS,
  );

  test(
    'after a long sleep the token is dead for both, and the next call brings a new one',
    async () => {
      await startServer();
      const client = startClient();
      await waitFor(() => client.shown.length >= 1, 'the first rates');
      world.stepWallClock(7_201_000);
      expect((await client.status()).authenticated).toBe(false);
      const { expires_in } = (await (await client.ask('/api/token')).json()) as { expires_in: number };
      expect(expires_in).toBe(7_200);
      expect(tokenRequests.count()).toBe(2);
    },
    TIMEOUT_MS,
  );

  test(
    'disabled, it says truthfully that it is not authenticated; enabled again, it goes on',
    async () => {
      await startServer();
      const client = startClient();
      await waitFor(() => client.shown.length >= 1, 'the first rates');
      const { client_id } = await client.status();
      const setActive = async (isActive: boolean): Promise<void> => {
        await database.rows.update(clients).set({ isActive }).where(eq(clients.clientId, client_id));
      };
      await setActive(false);
      await passUntil(async () => (await client.status()).renewal.last_error !== null, 'the refusal');
      expect(await client.status()).toMatchObject({ authenticated: false, has_token: false, token_expires_at: null });
      expect((await client.ask('/api/token')).status).toBe(401);
      expect((await database.rows.select().from(clients)).length).toBe(1);
      await setActive(true);
      await passUntil(async () => (await client.status()).authenticated, 'the way back');
    },
    TIMEOUT_MS,
  );

  test(
    'forgotten by the server, it registers once more',
    async () => {
      const server = await startServer();
      const client = startClient();
      await waitFor(() => client.shown.length >= 1, 'the first rates');
      const { client_id } = await client.status();
      // Its database was made anew: one that remembers the deletion takes the id from nobody any more.
      await server.close();
      await database.rows.delete(clients).where(like(clients.clientId, '%'));
      await database.rows.delete(deletedClients).where(like(deletedClients.clientId, '%'));
      await database.rows.delete(signingKeys).where(like(signingKeys.kid, '%'));
      await startServer();
      await passUntil(() => client.shown.length >= 2, 'the rates');
      expect((await database.rows.select().from(clients)).map(({ clientId }) => clientId)).toEqual([client_id]);
      expect((await client.status()).authenticated).toBe(true);
    },
    TIMEOUT_MS,
  );

  test(
    'where the administrator alone registers, it needs the admin secret and has it',
    async () => {
      await startServer({ registration: 'admin' });
      const stranger = startClient();
      await waitFor(async () => (await stranger.status()).renewal.last_error !== null, 'the refusal');
      expect(await stranger.status()).toMatchObject({ authenticated: false, credential: { registered: false } });
      await stranger.stop();
      const client = startClient({ ADMIN_SECRET });
      await authenticated(client);
      expect((await client.status()).credential.registered).toBe(true);
      expect(client.logged.join('\n')).not.toContain(ADMIN_SECRET);
    },
    TIMEOUT_MS,
  );

  test(
    'a credential of its own in the environment is used as it is',
    async () => {
      const server = await startServer();
      const { id, secret } = await server.register();
      const client = startClient({ CLIENT_ID: id, CLIENT_SECRET: secret });
      await authenticated(client);
      expect(await client.status()).toMatchObject({ client_id: id, credential: { origin: 'environment' } });
      const wrong = startClient({ CLIENT_ID: id, CLIENT_SECRET: 'a wrong secret, long enough' });
      await waitFor(async () => (await wrong.status()).renewal.last_error !== null, 'the refusal');
      expect((await wrong.status()).authenticated).toBe(false);
      expect(wrong.logged.join('\n')).not.toContain('a wrong secret');
    },
    TIMEOUT_MS,
  );
});
