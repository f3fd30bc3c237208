import { describe, expect, test } from 'bun:test';
import { captureLog } from '../testing';
import { BODY_BYTES_MAX, createEdge, type EdgeOptions } from './edge';
import { Problem } from './problem';
import { requestId } from './request-id';

const { log, logged } = captureLog('kit');
const options: EdgeOptions = {
  loopback: false,
  urls: [],
  tls: null,
  log,
  accessLog: 'none',
  sourceOf: () => null,
  observe: () => {},
  elapsed: () => 0,
  idPrefix: 'prefix',
  failed: ({ error }) => new Response(String(error), { status: 500 }),
};
type Handler = (request: Request) => Response | Promise<Response>;
const through = async (handler: Handler, request: Request, more: Partial<EdgeOptions> = {}): Promise<Response> =>
  createEdge({ ...options, ...more })(handler)(request);
const streamed = (bytes: number): Request => {
  const body = new ReadableStream({
    start(controller) {
      for (let sent = 0; sent < bytes; sent += 1_000) controller.enqueue(new Uint8Array(Math.min(1_000, bytes - sent)));
      controller.close();
    },
  });
  return new Request('http://localhost/x', { method: 'POST', body, headers: { 'transfer-encoding': 'chunked' } });
};

describe('the edge', () => {
  test('gives each request an id of its own, the same inside and outside', async () => {
    const edge = createEdge(options)((request) => new Response(requestId(request)));
    const seen = new Set<string>();
    for (let count = 0; count < 100; count++) {
      const answer = await edge(new Request('http://localhost/'));
      const id = answer.headers.get('x-request-id') ?? '';
      expect(await answer.text()).toBe(id);
      seen.add(id);
    }
    expect(seen.size).toBe(100);
  });

  test('passes a body of unstated length whole, and none that is too long', async () => {
    const echo: Handler = async (request) => new Response(String((await request.arrayBuffer()).byteLength));
    const most = await through(echo, streamed(BODY_BYTES_MAX));
    expect(await most.text()).toBe(String(BODY_BYTES_MAX));
    expect((await through(echo, streamed(BODY_BYTES_MAX + 1))).status).toBe(413);
  });

  test('leaves bodies to the routes that read them as they come', async () => {
    const count: Handler = async (request) => new Response(String((await request.arrayBuffer()).byteLength));
    const answer = await through(count, streamed(BODY_BYTES_MAX + 1), { streams: () => true });
    expect(await answer.text()).toBe(String(BODY_BYTES_MAX + 1));
  });

  test('asks first whether the request is to be answered at all', async () => {
    let read = 0;
    const pull = (controller: ReadableStreamDefaultController) => controller.enqueue(new Uint8Array(++read));
    const body = new ReadableStream({ pull }, { highWaterMark: 0 });
    const request = new Request('http://localhost/', {
      method: 'POST',
      body,
      headers: { 'transfer-encoding': 'chunked' },
    });
    const refused = () => new Problem(401, 'Unauthorized', 'no');
    const answer = await through(() => expect.unreachable(), request, { refused });
    expect([answer.status, answer.headers.has('x-request-id'), read]).toEqual([401, true, 0]);
  });

  test('reads no more of a body than it must to refuse it', async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 10_000;
        controller.enqueue(new Uint8Array(10_000));
      },
    });
    const headers = { 'transfer-encoding': 'chunked' };
    const request = new Request('http://localhost/', { method: 'POST', body: endless, headers });
    expect((await through(() => new Response(), request)).status).toBe(413);
    expect(sent).toBeLessThan(200_000);
  });

  test('a promise that fails becomes an answer, with its id', async () => {
    const answer = await through(() => Promise.reject(new Error('broken')), new Request('http://localhost/'));
    expect([answer.status, await answer.text()]).toEqual([500, 'Error: broken']);
    expect(answer.headers.get('x-request-id')).toMatch(/^prefix-/);
  });

  test.each([
    ['every answer over https, refusals too, says that nothing else will do', {}, 'max-age=31536000'],
    ['no answer over plain http says so', null, null],
  ])('%s', async (_name, tls, hsts) => {
    const request = () => new Request('http://localhost/');
    const refused = () => new Problem(401, 'Unauthorized', 'no');
    for (const more of [{ tls }, { tls, refused }]) {
      const answer = await through(() => new Response(), request(), more);
      expect(answer.headers.get('strict-transport-security')).toBe(hsts);
    }
  });

  test('the access log has the path without its query', async () => {
    logged.length = 0;
    await through(() => new Response(null, { status: 204 }), new Request('http://localhost/a?client_secret=hush'), {
      accessLog: 'all',
    });
    expect(logged.length).toBe(1);
    expect(JSON.parse(logged[0]!)).toMatchObject({
      'url.path': '/a',
      'http.request.method': 'GET',
      'http.response.status_code': 204,
    });
    expect(logged[0]).not.toContain('hush');
  });

  test('on loopback a foreign host never reaches the handler', async () => {
    let reached = false;
    const handler: Handler = () => {
      reached = true;
      return new Response();
    };
    const request = new Request('http://localhost/', { headers: { host: 'example.com' } });
    expect((await through(handler, request, { loopback: true })).status).toBe(403);
    expect(reached).toBe(false);
    expect((await through(handler, request)).status).toBe(200);
  });
});
