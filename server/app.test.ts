// What holds for every path of the server: ids, hosts, problems, the documents of the API.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import type { Database } from '../db/connect';
import { eachDatabase } from '../db/testing';
import { rawRequest, sendRaw } from '../kit/http/testing';
import { ADMIN_SECRET, basic, form, json, startTestServer, type TestServer, waitFor } from './testing';

type Json = Record<string, unknown>;

/** The schemas of texts in a schema; those in a choice are told of by the choice. */
function textsOf(schema: unknown): Json[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { type, properties, patternProperties, items } = schema as Json;
  const below = [...Object.values({ ...(properties ?? {}), ...(patternProperties ?? {}) }), items];
  return [...(type === 'string' ? [schema as Json] : []), ...below.flatMap(textsOf)];
}

eachDatabase('the edge of the server', (open) => {
  let database: Database;
  let server: TestServer;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database, { settings: { publicUrls: ['https://rates.example.com'] } });
  });
  afterAll(() => server.close());
  const get = (headers: readonly string[], path = '/health') =>
    sendRaw(server.port, rawRequest(`GET ${path}`, headers));

  test('a path that is no UTF-8 is 404, wherever a part of it is read', async () => {
    const routes = server.app.routes.filter(({ path }) => path.includes(':'));
    expect(routes.length).toBeGreaterThan(15);
    const headers = { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'application/json' };
    for (const { method, path } of routes)
      for (const part of ['%ff', '%', '%zz', 'a%c3']) {
        const body = ['POST', 'PUT', 'PATCH'].includes(method) ? { body: '{}' } : {};
        const answer = await server.ask(path.replace(/:\w+/g, part), { method, headers, ...body });
        expect([method, path, part, answer.status]).toEqual([method, path, part, 404]);
      }
  });

  test.each([
    ['Host: localhost'],
    ['Host: LOCALHOST:1234'],
    ['Host: 127.0.0.1'],
    ['Host: 127.9.9.9:80'],
    ['Host: [::1]:8000'],
    ['Host: app.localhost'],
    ['Host: rates.example.com'],
  ])('%s is answered', async (host) => {
    expect((await get([host])).status).toBe(200);
  });

  test.each([
    [['Host: example.com']],
    [['Host: localhost.example.com']],
    [['Host: 127.0.0.1.example.com']],
    [['Host: rates.example.com.evil.com']],
    [['Host: localhost@example.com']],
    [['Host: 192.168.1.5']],
    [['Host: 0.0.0.0']],
    [['Host: localhost', 'Origin: https://example.com']],
    [['Host: localhost', 'Origin: null']],
    [['Host: localhost', 'Origin: http://localhost:9']],
    [['Host: localhost', 'Sec-Fetch-Site: cross-site']],
    [['Host: localhost', 'Sec-Fetch-Site: same-site']],
  ])('%j is 403 on every path, documents and unknown paths too', async (headers) => {
    for (const path of ['/health', '/api/currency/', '/.well-known/jwks.json', '/docs', '/nowhere']) {
      const answer = await get(headers, path);
      expect(answer.status).toBe(403);
      expect(answer.headers.get('content-type')).toEqual(['application/problem+json']);
      expect(answer.headers.has('access-control-allow-origin')).toBe(false);
    }
    const posted = await sendRaw(server.port, rawRequest('POST /api/auth/token', [...headers, 'Content-Length: 0']));
    expect(posted.status).toBe(403);
  });

  test.each([
    [['Host: localhost', 'Origin: http://localhost']],
    [['Host: rates.example.com', 'Origin: https://rates.example.com']],
    [['Host: localhost', 'Sec-Fetch-Site: none']],
    [['Host: localhost', 'Sec-Fetch-Site: same-origin']],
  ])('%j is answered, without any header of CORS', async (headers) => {
    const answer = await get(headers);
    expect(answer.status).toBe(200);
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('bound elsewhere, hosts and origins are not judged', async () => {
    const open = await startTestServer(database, { settings: { loopback: false, issuer: 'https://auth.example.com' } });
    for (const headers of [['Host: example.com'], ['Host: localhost', 'Origin: https://example.com']])
      expect((await sendRaw(open.port, rawRequest('GET /health', headers))).status).toBe(200);
    await open.close();
  });

  test('a well-formed X-Request-Id is kept, any other is replaced by one of ours', async () => {
    for (const id of ['abcdefgh', 'A-Z.a_z~0-9', 'x'.repeat(64)]) {
      const answer = await server.ask('/health', { headers: { 'x-request-id': id } });
      expect(answer.headers.get('x-request-id')).toBe(id);
    }
    const given = new Set<string>();
    for (const id of ['short', 'x'.repeat(65), 'with space', 'with"quote', '<script>']) {
      const answer = await server.ask('/health', { headers: { 'x-request-id': id } });
      const own = answer.headers.get('x-request-id') ?? '';
      expect(own).toMatch(/^[\w.~-]{8,64}$/);
      expect(own).not.toBe(id);
      given.add(own);
    }
    expect(given.size).toBe(5);
  });

  test.each([
    ['GET', '/nowhere'],
    ['POST', '/nowhere'],
    ['GET', '/api'],
    ['GET', '/api/admin/nothing'],
    ['GET', '/api/currency/BTC/nothing'],
    ['GET', '/%2e%2e/etc/passwd'],
    ['GET', '//example.com/health'],
    ['GET', '/%'],
    ['GET', '/docs/../../package.json'],
  ])('%s %s is 404, a problem with its request id', async (method, path) => {
    const answer = await sendRaw(
      server.port,
      rawRequest(`${method} ${path}`, ['Host: localhost', 'Content-Length: 0']),
    );
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toEqual(['application/problem+json']);
    expect(JSON.parse(answer.body)).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'There is nothing at this path.',
      request_id: answer.headers.get('x-request-id')?.[0],
    });
  });

  test('every path answers any other method with 405 and the ones it takes', async () => {
    const methodsOf = new Map<string, Set<string>>();
    for (const { method, path } of server.app.routes) {
      const there = path.replace(/:\w+/g, 'BTC');
      methodsOf.set(there, (methodsOf.get(there) ?? new Set()).add(method));
    }
    expect(methodsOf.size).toBeGreaterThan(10);
    for (const [path, methods] of methodsOf) {
      if (methods.has('GET')) methods.add('HEAD');
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].filter((one) => !methods.has(one))) {
        const answer = await server.ask(path, { method });
        expect(`${method} ${path} ${answer.status}`).toBe(`${method} ${path} 405`);
        expect(answer.headers.get('allow')).toBe([...methods].sort().join(', '));
        expect(((await answer.json()) as Json)['status']).toBe(405);
      }
    }
  });

  test.each([
    ['/', 200],
    ['/docs', 200],
    ['/docs/json', 200],
    ['/docs/swagger-ui.css', 200],
    ['/health', 200],
    ['/metrics', 200],
    ['/.well-known/jwks.json', 200],
    ['/api/currency/', 401],
    ['/api/admin/clients', 401],
    ['/nowhere', 404],
  ])('%s is what it says it is: no browser is to guess', async (path, status) => {
    const answer = await server.ask(path);
    expect([answer.status, answer.headers.get('x-content-type-options')]).toEqual([status, 'nosniff']);
  });

  const UNSPEAKABLE = { toString: 'no function' };
  test.each([
    ['/api/admin/session', { admin_secret: UNSPEAKABLE }],
    ['/api/auth/register', { client_id: UNSPEAKABLE }],
    ['/api/clients', { client_name: UNSPEAKABLE }],
    ['/api/admin/clients', { app_name: UNSPEAKABLE }],
    ['/api/admin/clients', { app_name: 'a', grants: { a: [UNSPEAKABLE] } }],
    ['/api/admin/clients', { app_name: 'a', limits: { api: UNSPEAKABLE } }],
    ['/api/admin/resources', { identifier: UNSPEAKABLE, name: UNSPEAKABLE }],
    ['/api/admin/currencies', { symbol: UNSPEAKABLE, name: UNSPEAKABLE }],
    ['/api/admin/registration-tokens', { label: UNSPEAKABLE }],
    ['/api/auth/token', { client_id: UNSPEAKABLE }],
  ])('%s refuses %j like any other value', async (path, body) => {
    const headers = { 'content-type': 'application/json', 'x-admin-secret': ADMIN_SECRET };
    const answer = await server.ask(path, { ...json(body), headers });
    expect([400, 422]).toContain(answer.status);
  });

  test('every text of a body says itself what it must be: the framework would put what was sent into the sentence', () => {
    const silent = server.app.routes.flatMap(({ method, path, hooks }) =>
      textsOf(hooks.body)
        .filter(({ error }) => error === undefined)
        .map((schema) => `${method} ${path} ${JSON.stringify(schema)}`),
    );
    expect(silent).toEqual([]);
  });

  test('a caller who leaves in the middle of a request is no failure of ours', async () => {
    const socket = connect(server.port, '127.0.0.1');
    const head = ['POST /api/auth/token HTTP/1.1', 'Host: localhost', 'Content-Length: 100', '', 'abc'].join('\r\n');
    await new Promise((resolve) => socket.write(head, resolve));
    await server.ask('/health');
    socket.destroy();
    await waitFor(() => server.logged.join().includes('the caller left before'), 'the server to notice');
    expect(server.logged.join()).not.toContain('request failed');
  });

  test('health says what the contract says; ready follows the stop', async () => {
    expect(await (await server.ask('/health')).json()).toEqual({ status: 'ok', service: 'crypto-server' });
    expect((await server.ask('/health/live')).status).toBe(200);
    const ready = await server.ask('/health/ready');
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ok', database: 'ok', signing_keys: 'ok' }]);
    server.serving = false;
    const stopping = await server.ask('/health/ready');
    expect([stopping.status, ((await stopping.json()) as Json)['status']]).toEqual([503, 'stopping']);
    server.serving = true;
  });
});

describe('when something of ours fails', () => {
  const SECRET = 'the-inner-secret-of-the-failure';
  eachDatabase('a plain 500', (open) => {
    test('is all that the caller sees, and the log has the cause under the request id', async () => {
      const failing = async (): Promise<never> => {
        throw Object.assign(new Error(`select ${SECRET} from clients`), { query: SECRET, parameters: [SECRET] });
      };
      const server = await startTestServer(await open(), {
        change: (services) => ({
          ...services,
          clients: { ...services.clients, register: failing },
          tokens: { ...services.tokens, issue: failing },
        }),
      });
      const registration = { client_id: 'a', client_secret: 'x'.repeat(20), app_name: 'a' };
      const answers = [
        await server.ask('/api/auth/register', json(registration)),
        await server.ask('/api/auth/token', form('', { authorization: basic({ id: 'a', secret: 'b' }) })),
      ];
      for (const answer of answers) {
        expect(answer.status).toBe(500);
        expect(answer.headers.get('content-type')).toBe('application/problem+json');
        const text = await answer.text();
        expect(Object.keys(JSON.parse(text) as Json)).toEqual(['type', 'title', 'status', 'detail', 'request_id']);
        expect(text).not.toMatch(/inner-secret|select|clients|\.ts|at /);
        const id = answer.headers.get('x-request-id') ?? 'none';
        expect(server.logged.filter((line) => line.includes(id) && line.includes('"error"')).length).toBe(1);
      }
      await server.close();
    });

    test('also from the rates, for a token that is new and for one that is known', async () => {
      let broken = false;
      const server = await startTestServer(await open(), {
        change: (services) => ({
          ...services,
          feed: {
            ...services.feed,
            snapshot: () => {
              if (broken) throw new TypeError(SECRET);
              return services.feed.snapshot();
            },
          },
        }),
      });
      const [known, fresh] = [await server.token(), await server.token()];
      expect((await server.read('/api/currency/', known)).status).toBe(200);
      broken = true;
      for (const token of [known, fresh]) {
        for (const path of ['/api/currency/', '/api/currency/BTC']) {
          const answer = await server.read(path, token);
          expect(answer.status).toBe(500);
          expect(answer.headers.get('x-request-id')).toMatch(/./);
          expect(await answer.text()).not.toContain(SECRET);
        }
      }
      broken = false;
      expect((await server.read('/api/currency/', known)).status).toBe(200);
      await server.close();
    });

    test('also when an answer does not follow its own schema', async () => {
      const server = await startTestServer(await open(), {
        change: (services) => ({
          ...services,
          clients: { ...services.clients, register: async () => SECRET as unknown as number },
        }),
      });
      const registration = { client_id: 'a', client_secret: 'x'.repeat(20), app_name: 'a' };
      const answer = await server.ask('/api/auth/register', json(registration));
      expect(answer.status).toBe(500);
      expect(await answer.text()).not.toContain(SECRET);
      await server.close();
    });
  });
});
