import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createTestClient, type TestClient, type TestClientOptions } from '../testing/client';
import { openVault } from '../vault/vault';

let client: TestClient;

/** A server that gives id and secret itself. */
const STANDARD = { double: { standard: true }, env: { REGISTRATION_TOKEN: 'initial-token' } };
/** The path whose answers are held back, and what lets them go. */
let held: { path: string; reached: () => void; go: Promise<void> } | null = null;

const start = (options: TestClientOptions = {}): void => {
  client = createTestClient({
    ...options,
    async fetch(request) {
      const response = await client.double.fetch(request);
      if (new URL(request.url).pathname !== held?.path) return response;
      const { reached, go } = held;
      held = null;
      reached();
      await go;
      return response;
    },
  });
};

beforeEach(() => {
  held = null;
  start();
});
afterEach(() => client.end());

/** Starts a request whose answer the server has given, but which has not come yet. */
async function underWay(path: string, request: () => Promise<Response>) {
  const [reached, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  held = { path, reached: reached.resolve, go: go.promise };
  const answer = request();
  await reached.promise;
  return async (): Promise<Response> => {
    go.resolve();
    return answer;
  };
}

const tokensKept = (): readonly string[] => {
  const randomBytes = (length: number) => new Uint8Array(length);
  const vault = openVault({ folder: client.config.dataDir, key: null, previousKey: null, randomBytes });
  const names = vault.list('token').map(({ name }) => name);
  vault.close();
  return names;
};

describe('a credential that is replaced or removed under way', () => {
  test('its registration leaves the one in its place alone', async () => {
    const finish = await underWay('/api/auth/register', () => client.post('/api/register'));
    client.double.clients.set('other', 'other-secret');
    await client.post('/api/configure', { client_id: 'other', client_secret: 'other-secret' });
    await finish();
    const again = client.restart();
    expect((await again.ask('/api/token')).status).toBe(200);
    const [{ client_id, origin }] = (await (await again.ask('/api/credentials')).json()) as [Record<string, string>];
    expect([client_id, origin]).toEqual(['other', 'configured']);
    again.services.close();
  });

  test('its token does not come back to the vault', async () => {
    client.double.clients.set('id-batch', 'batch-secret');
    await client.post('/api/credentials', { name: 'batch', client_id: 'id-batch', client_secret: 'batch-secret' });
    const finish = await underWay('/api/auth/token', () => client.ask('/api/token?credential=batch'));
    const removed = await client.ask('/api/credentials/batch', { method: 'DELETE' });
    expect(removed.status).toBe(204);
    expect((await finish()).status).toBe(200);
    expect(tokensKept()).toEqual([]);
  });

  test('its token does not take the place of the token of the one that came after it', async () => {
    client.double.clients.set('first', 'first-secret').set('second', 'second-secret');
    await client.post('/api/configure', { client_id: 'first', client_secret: 'first-secret' });
    const finish = await underWay('/api/auth/token', () => client.ask('/api/token'));
    await client.post('/api/token', { client_id: 'second', client_secret: 'second-secret' });
    await finish();
    const asked = client.double.tokenRequests.length;
    const again = client.restart();
    expect((await again.ask('/api/token')).status).toBe(200);
    expect(client.double.tokenRequests.length).toBe(asked);
    again.services.close();
  });
});

describe('a client that ends before the answer to its registration has come', () => {
  test('is told at the next start that the server may keep what nobody uses, and registers anew', async () => {
    client.end();
    start(STANDARD);
    await underWay('/connect/register', () => client.post('/api/register'));
    const again = client.restart();
    expect((await again.ask('/api/token')).status).toBe(200);
    expect(again.logged.join()).toContain('the server may keep a client of this name');
    expect([...client.double.clients.keys()]).toEqual(['given-1', 'given-2']);
    const third = again.restart();
    expect((await third.ask('/api/token')).status).toBe(200);
    expect(third.logged.join()).not.toContain('the server may keep');
    third.services.close();
  });

  test('goes on with the id and secret that it had chosen, where it may choose them', async () => {
    await underWay('/api/auth/register', () => client.post('/api/register'));
    const again = client.restart();
    expect((await again.ask('/api/token')).status).toBe(200);
    expect(client.double.clients.size).toBe(1);
    again.services.close();
  });
});
