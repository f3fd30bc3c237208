// Over connections: a caller, the client, and an API of another make.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { waitFor } from '../../server/testing';
import { clientFolder, type JoinedClient, startJoinedClient } from '../testing/joined';
import { createWorld, type World } from '../testing/world';
import { HEADERS_MS, IDLE_MS } from './forward';
import { PASSAGES_MAX } from './index';
import { patternAt, startUpstream, type Upstream } from './testing-upstream';

let world: World;
let upstream: Upstream;
let client: JoinedClient;
let folder: ReturnType<typeof clientFolder>;

const start = (env: Record<string, string> = {}): void => {
  client = startJoinedClient(world, { CRYPTO_SERVER_URL: upstream.url, DATA_DIR: folder.path, ...env });
};
beforeEach(() => {
  world = createWorld();
  upstream = startUpstream();
  folder = clientFolder();
});
afterEach(async () => {
  await upstream.stop();
  await client.stop();
  folder.remove();
});

const pass = (path: string, init: RequestInit = {}): Promise<Response> =>
  client.ask(`/proxy/default/${path}`, { redirect: 'manual', ...init });
const problemOf = async (answer: Response) => {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  return (await answer.json()) as { status: number; detail: string };
};

describe('a call', () => {
  beforeEach(() => start());

  test('reaches the server with a token, its method, query and body', async () => {
    const answer = await pass('api/things?a=1&b=%2F', { method: 'PATCH', body: 'hello' });
    expect([answer.status, await answer.json()]).toEqual([200, { method: 'PATCH', bytes: 5, text: 'hello' }]);
    const [seen] = upstream.seen;
    expect(seen).toMatchObject({ method: 'PATCH', path: '/api/things?a=1&b=%2F' });
    expect(seen?.headers['authorization']).toStartWith('Bearer e30.');
    expect(seen?.headers['host']).toBe(new URL(upstream.url).host);
  });

  test('may name the server as a whole URL', async () => {
    expect((await pass(`${upstream.url}/api/things?x=y`)).status).toBe(200);
    // Some programs make one slash of two.
    expect((await pass(`${upstream.url.replace('//', '/')}/api/things`)).status).toBe(200);
    expect(upstream.seen.map(({ path }) => path)).toEqual(['/api/things?x=y', '/api/things']);
  });

  test('shows the target nothing of the caller', async () => {
    const connection = 'keep-alive, X-Named, close';
    const dropped = {
      authorization: 'Bearer of-the-caller',
      cookie: 'crypto_client_session=x',
      'x-admin-secret': 'secret',
      'client-cert': ':x:',
      'client-cert-chain': ':x:',
      dpop: 'x',
      referer: `http://127.0.0.1:${client.port}/`,
      'sec-fetch-site': 'same-origin',
      te: 'trailers',
      'proxy-authorization': 'Basic x',
      'keep-alive': 'timeout=5',
      'x-named': 'by Connection',
      expect: '100-continue',
    };
    const kept = { 'x-request-id': 'the-callers-own', accept: 'text/plain', 'if-none-match': '"1"', 'x-other': 'kept' };
    await send('GET /proxy/default/echo', { ...dropped, ...kept, connection });
    const { authorization, ...rest }: Record<string, string> = upstream.seen[0]?.headers ?? {};
    expect(authorization).toStartWith('Bearer e30.');
    for (const name of Object.keys(dropped)) expect([name, rest[name]]).toEqual([name, undefined]);
    expect(rest).toMatchObject(kept);
    expect([rest['via'], rest['accept-encoding']]).toEqual(['1.1 crypto-client-joined', 'identity']);
  });

  test("and the caller nothing that the target must not say in the client's name", async () => {
    const answer = await pass('headers');
    const headers = Object.fromEntries(answer.headers);
    expect(headers).toMatchObject({
      'content-type': 'text/html',
      'x-of-the-target': 'kept',
      'content-security-policy': "sandbox; default-src 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      via: '1.1 crypto-client-joined',
    });
    for (const name of ['set-cookie', 'access-control-allow-origin', 'strict-transport-security', 'x-hop'])
      expect([name, headers[name]]).toEqual([name, undefined]);
  });

  test.each([
    ['redirect', 302],
    ['none', 204],
    ['unchanged', 304],
  ])('%s: %p comes as it is, and nothing is followed', async (path, status) => {
    const answer = await pass(path);
    expect([answer.status, await answer.text()]).toEqual([status, '']);
    if (status === 302) expect(answer.headers.get('location')).toBe('http://elsewhere.example/x');
    expect(upstream.seen.length).toBe(1);
  });

  test('what the target has compressed all the same is passed on as the words it says it is', async () => {
    const answer = await pass('gzip');
    expect([answer.headers.get('content-encoding'), await answer.text()]).toEqual([null, 'plain words']);
  });

  test('HEAD says how long it would be', async () => {
    const answer = await pass('echo', { method: 'HEAD' });
    expect([answer.status, Number(answer.headers.get('content-length')) > 0]).toEqual([200, true]);
  });

  test.each(['other/x', 'Default/x', '%64efault2/x'])('of a credential that there is not: %p is 404', async (path) => {
    expect((await client.ask(`/proxy/${path}`)).status).toBe(404);
    expect(upstream.seen).toEqual([]);
  });
});

describe('a token that is not taken any more', () => {
  beforeEach(() => start());

  test.each([
    ['without a body', 'GET', undefined],
    ['with a small body', 'POST', 'x'.repeat(60_000)],
  ])('is renewed, and a request %s sent once more', async (_name, method, body) => {
    await pass('echo');
    upstream.double.revokeAll();
    const answer = await pass('echo', body === undefined ? { method } : { method, body });
    expect(answer.status).toBe(200);
    expect(upstream.seen.slice(1).map(({ bytes }) => bytes)).toEqual([body?.length ?? 0, body?.length ?? 0]);
  });

  test('is not, for a body that is gone: the caller is told', async () => {
    await pass('echo');
    upstream.double.revokeAll();
    const answer = await pass('echo', { method: 'POST', body: 'x'.repeat(70_000) });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('invalid_token');
  });
});

describe('streams', () => {
  beforeEach(() => start());

  /** What the buffers of all the sockets on the way hold, some 25 MB, with as much to spare; the bodies are far longer. */
  const ON_THE_WAY_MAX = 50_000_000;
  const SIZE = 100_000_000;

  /** Waits until nothing moves any more. */
  const settled = async (moved: () => number): Promise<number> => {
    for (let before = -1; before !== moved(); await Bun.sleep(300)) before = moved();
    return moved();
  };

  test('a body of 100 MB goes to the target whole, and no faster than it is read', async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull: (controller) => {
        if (sent === SIZE) return controller.close();
        controller.enqueue(new Uint8Array(500_000));
        sent += 500_000;
      },
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    upstream.goOn = promise;
    const asked = pass('slow', { method: 'POST', body });
    expect(await settled(() => sent)).toBeLessThan(ON_THE_WAY_MAX);
    resolve();
    expect([(await asked).status, upstream.seen[0]?.bytes]).toEqual([200, SIZE]);
  }, 30_000);

  test('and one comes back whole, and no faster than it is read', async () => {
    const answer = await pass(`echo?size=${SIZE}`);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    expect(await settled(() => upstream.produced)).toBeLessThan(ON_THE_WAY_MAX);
    let [received, wrong] = [0, 0];
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      // The first and the last byte of each piece: all of them would take longer than the transport.
      const { value } = next;
      for (const at of [0, value.length - 1]) if (value[at] !== patternAt(received + at, 1)[0]) wrong++;
      received += value.length;
    }
    expect([received, wrong]).toEqual([SIZE, 0]);
  }, 30_000);

  test('events come when they are sent, and who leaves is gone for the target too', async () => {
    const leaving = new AbortController();
    const answer = await pass('events', { signal: leaving.signal });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    while (!text.includes('data: 2')) text += (await reader.read()).value;
    expect(upstream.left).toBe(0);
    leaving.abort();
    await waitFor(() => upstream.left > 0, 'the target to hear of it');
  });

  /** How many timers of this length there are: others of the client may have the same. */
  const timersOf = (ms: number): number => world.timers().filter((left) => left === ms).length;

  test('who leaves before the answer is gone for the target too', async () => {
    // From here on there is a token, and all timers that come with it.
    await pass('echo');
    const before = timersOf(HEADERS_MS);
    const leaving = new AbortController();
    const asked = pass('silent', { signal: leaving.signal }).catch(() => 'left');
    await waitFor(() => upstream.seen.length === 2, 'the request');
    expect(timersOf(HEADERS_MS)).toBe(before + 1);
    leaving.abort();
    expect(await asked).toBe('left');
    await waitFor(() => upstream.left === 1, 'the target to hear of it');
    // The place is free again: nothing is left to wait for.
    await waitFor(() => timersOf(HEADERS_MS) === before, 'the end');
  });

  test('an answer that breaks off does not look whole', async () => {
    const answer = await pass('broken');
    expect(answer.status).toBe(200);
    expect(await answer.text().catch(() => 'broken off')).toBe('broken off');
  });

  test('a target that does not begin to answer: 504', async () => {
    const asked = pass('silent');
    await waitFor(() => upstream.seen.length === 1, 'the request');
    await world.pass(HEADERS_MS);
    const problem = await problemOf(await asked);
    expect([problem.status, problem.detail]).toEqual([504, `${upstream.url} has not answered within 60 s.`]);
    await waitFor(() => upstream.left === 1, 'the target to hear of it');
  });

  test('a target that stops in the middle is cut off after its time, and not before', async () => {
    await pass('echo');
    const before = timersOf(IDLE_MS);
    const answer = await pass('events');
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('data: 2')) text += (await reader.read()).value;
    const next = reader.read().catch(() => 'cut off');
    await waitFor(() => timersOf(IDLE_MS) === before + 1, 'the wait');
    await world.pass(IDLE_MS - 1);
    expect(upstream.left).toBe(0);
    await world.pass(1);
    expect(await next).toBe('cut off');
  });

  test('beyond so many at a time 503, and again when one has ended', async () => {
    const leaving = new AbortController();
    const open = Array.from({ length: PASSAGES_MAX }, () => pass('events', { signal: leaving.signal }));
    await Promise.all(open);
    const refused = await pass('echo');
    expect([(await problemOf(refused)).status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    leaving.abort();
    await waitFor(async () => (await pass('echo')).status === 200, 'a free place');
  });
});

test('over a connection no spelling gets beyond the path that is allowed', async () => {
  start({ PROXY_TARGETS: `${upstream.url}/v1` });
  const spellings = [
    '/v1/x',
    '/v1/../v2',
    '/v1/%2e%2e/v2',
    '/v1/..%2fv2',
    '/v1\\..\\v2',
    '/v1/%252e%252e/v2',
    '//v1/../v2',
  ];
  for (const path of [...spellings, '/../../default/v2', '/v1/../../../../v2'])
    for (const base of [upstream.url, upstream.url.replace('127.0.0.1', 'evil@127.0.0.1')])
      await send(`GET /proxy/default/${base}${path}`, {});
  await send(`GET http://evil.example/proxy/default/${upstream.url}/v1/y`, {});
  expect(upstream.seen.map(({ path }) => path)).toEqual(['/v1/x', '/v1/y']);
});

describe('of two servers', () => {
  const both = (): Record<string, string> => ({
    CRYPTO_SERVER_URL: `${upstream.url},${upstream.second}`,
    ISSUER: upstream.url,
  });
  const askedOf = (): string[] => upstream.seen.map(({ headers }) => `http://${headers['host']}`);

  test.each([
    ['a path', () => 'x', 'PUT'],
    ['the URL of the one', () => `${upstream.url}/x`, 'GET'],
    ['the URL of the other', () => `${upstream.second}/x`, 'GET'],
  ])('the other one answers for one that is not well: %s', async (_name, rest, method) => {
    start(both());
    upstream.unwell = [upstream.url];
    const answer = await pass(rest(), method === 'PUT' ? { method, body: 'kept' } : { method });
    expect([answer.status, askedOf().at(-1)]).toEqual([200, upstream.second]);
    if (method === 'PUT') expect(await answer.json()).toMatchObject({ text: 'kept' });
  });

  test.each([
    ['what must not be sent twice', 'small'],
    ['a body that is gone', 'x'.repeat(70_000)],
  ])('but not for %s', async (_name, body) => {
    start(both());
    upstream.unwell = [upstream.url, upstream.second];
    const answer = await pass('x', { method: 'POST', body });
    expect([answer.status, askedOf().length]).toEqual([503, 1]);
    await pass('x');
    expect(new Set(askedOf()).size).toBe(2);
  });

  test('nor where the other one may not be reached', async () => {
    start({ ...both(), PROXY_TARGETS: upstream.url });
    upstream.unwell = [upstream.url];
    const answer = await pass(`${upstream.url}/x`);
    expect([answer.status, askedOf()]).toEqual([503, [upstream.url]]);
    expect((await pass('x')).status).toBe(403);
    expect((await pass(`${upstream.second}/x`)).status).toBe(403);
  });
});

describe('what cannot be passed on', () => {
  test('without a server: 503 for the token; the target away: 502', async () => {
    start({ PROXY_TARGETS: `${upstream.url},http://127.0.0.1:1` });
    const away = await problemOf(await pass('http://127.0.0.1:1/x'));
    expect([away.status, away.detail]).toEqual([
      502,
      'The target gives no answer: no connection to http://127.0.0.1:1 (ECONNREFUSED).',
    ]);
    await client.stop();
    start({ CRYPTO_SERVER_URL: 'http://127.0.0.1:1', DATA_DIR: `${folder.path}/other` });
    const answer = await pass('x');
    expect([(await problemOf(answer)).status, answer.headers.has('retry-after')]).toEqual([503, true]);
  });

  test('a credential that the server refuses: 502, since the caller is not the one who is refused', async () => {
    start({ CLIENT_ID: 'nobody', CLIENT_SECRET: 'wrong' });
    const problem = await problemOf(await client.ask('/proxy/environment/x'));
    expect([problem.status, problem.detail]).toEqual([502, expect.stringContaining('refuses this client id')]);
  });

  test('an upgrade is 501, with what to do instead', async () => {
    start();
    const answer = await send('GET /proxy/default/api/currency/stream', {
      connection: 'upgrade',
      upgrade: 'websocket',
    });
    expect(answer).toMatch(/^HTTP\/1\.1 501 /);
    expect(answer).toContain('server-sent events');
    expect(upstream.seen).toEqual([]);
  });

  test('a request that has come round: 508; so is the client itself as target', async () => {
    start({ PROXY_TARGETS: 'http://localhost:1,http://127.0.0.1:1', DASHBOARD_PASSWORD: 'for-this-test-alone' });
    const authorization = `Basic ${btoa('x:for-this-test-alone')}`;
    const headers = { authorization, via: '1.0 fred, 1.1 crypto-client-joined' };
    expect((await problemOf(await pass('x', { headers }))).status).toBe(508);
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST']) {
      const answer = await pass(`http://${host}:${client.port}/api/token`, { headers: { authorization } });
      expect((await problemOf(answer)).status).toBe(508);
    }
  });

  test('through a proxy on this machine, without a password: 403', async () => {
    start();
    expect((await pass('x', { headers: { via: '1.1 other' } })).status).toBe(403);
    expect((await pass('x', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    expect(upstream.seen).toEqual([]);
  });

  test.each(['http://elsewhere.example/x', 'ftp://elsewhere.example/x', 'http://u:p@127.0.0.1/x', 'http://'])(
    '%p is refused without a request to anywhere',
    async (url) => {
      start();
      const { status } = await problemOf(await pass(url));
      expect(url.startsWith('http://elsewhere') ? 403 : 400).toBe(status);
      expect([upstream.seen, upstream.double.tokenRequests]).toEqual([[], []]);
    },
  );
});

/** A request in its own words, which fetch would put in order; the answer as it came. */
function send(line: string, headers: Record<string, string>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const lines = Object.entries({ host: `127.0.0.1:${client.port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const socket = connect(client.port, '127.0.0.1', () =>
    socket.write(`${line} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`),
  );
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
    if (/^HTTP\/1\.1 [2-5].*?\r\n\r\n/ms.test(answer)) socket.end();
  });
  socket.on('close', () => resolve(answer));
  socket.on('error', reject);
  return promise;
}
