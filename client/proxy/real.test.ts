// The proxy before a real crypto-server: streams of its own, tokens bound to keys, servers that stand for each other.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { embeddedDatabase } from '../../db/testing';
import { startTestServer, type TestServer } from '../../server/testing';
import { clientFolder, type JoinedClient, startJoinedClient } from '../testing/joined';
import { createWorld, type World } from '../testing/world';

embeddedDatabase('the proxy before a server', (open) => {
  let world: World;
  let server: TestServer;
  let client: JoinedClient;
  let folder: ReturnType<typeof clientFolder>;

  beforeEach(async () => {
    world = createWorld();
    server = await startTestServer(await open(), { settings: { now: world.clock.now } });
    folder = clientFolder();
    client = startJoinedClient(world, { CRYPTO_SERVER_URL: server.issuer, DATA_DIR: folder.path });
  });
  afterEach(async () => {
    await client.stop();
    await server.close();
    folder.remove();
  });

  test('follows the events of the rates until its caller leaves', async () => {
    const leaving = new AbortController();
    const answer = await client.ask('/proxy/default/api/currency/events?symbols=BTC', { signal: leaving.signal });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('\n\n')) text += (await reader.read()).value;
    expect(text).toMatch(/^id: \d+\nevent: snapshot\ndata: {"type":"snapshot",.*"symbol":"BTC"/m);
    leaving.abort();
    expect(await reader.read().catch(() => 'left')).toBe('left');
  });

  test('proves the key of a bound token for each address, with the nonce of the server', async () => {
    const added = await client.ask('/api/credentials', {
      method: 'POST',
      body: JSON.stringify({ name: 'bound', dpop: true }),
      headers: { 'content-type': 'application/json' },
    });
    expect(added.status).toBe(201);
    for (const path of ['api/currency/btc', 'api/currency/eth', `${server.issuer}/api/currency/btc`]) {
      const answer = await client.ask(`/proxy/bound/${path}`);
      expect([path, answer.status, answer.headers.get('dpop-nonce')]).toEqual([path, 200, null]);
    }
  });

  test('what the server says of a call is what the caller hears', async () => {
    const missing = await client.ask('/proxy/default/api/currency/NOPE', {
      headers: { 'x-request-id': 'of-the-caller' },
    });
    expect([missing.status, await missing.json()]).toEqual([
      404,
      expect.objectContaining({ request_id: 'of-the-caller' }),
    ]);
    const fresh = await client.ask('/proxy/default/api/currency');
    const etag = fresh.headers.get('etag') ?? '';
    const again = await client.ask('/proxy/default/api/currency', { headers: { 'if-none-match': etag } });
    expect([again.status, again.headers.get('etag')]).toEqual([304, etag]);
  });
});
