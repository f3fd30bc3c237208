import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Elysia } from 'elysia';
import { Gauge, Registry } from 'prom-client';
import { metricsRoutes } from './metrics';
import { Problem, problemResponse } from './problem';

const registry = new Registry();
new Gauge({ name: 'answer', help: 'The answer.', registers: [registry] }).set(42);
const app = new Elysia()
  .onError(({ error }) => (error instanceof Problem ? problemResponse(error, '') : undefined))
  .use(metricsRoutes(registry));

beforeAll(() => void app.listen({ hostname: '127.0.0.1', port: 0, reusePort: false }));
afterAll(() => app.stop(true));

const ask = (headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${app.server?.port}/metrics`, { headers });

describe('/metrics', () => {
  test('is Prometheus text for a caller on this machine', async () => {
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toStartWith('text/plain; version=0.0.4');
    expect(await answer.text()).toContain('\nanswer 42\n');
  });

  test.each([
    ['a forwarding proxy', { 'x-forwarded-for': '192.0.2.1' }],
    ['a standard forwarding proxy', { forwarded: 'for=192.0.2.1' }],
    ['a proxy that only says so', { via: '1.1 proxy' }],
    ['a foreign host name', { host: 'rates.example.com' }],
    ['no readable host name', { host: 'a b' }],
  ])('is refused behind %s', async (_name, headers) => {
    expect((await ask(headers)).status).toBe(403);
  });

  test('is refused to a peer that nobody can name', async () => {
    const unheard = new Elysia()
      .onError(({ error }) => (error instanceof Problem ? problemResponse(error, '') : undefined))
      .use(metricsRoutes(registry));
    const local = new Request('http://localhost/metrics', { headers: { host: 'localhost' } });
    expect((await unheard.handle(local)).status).toBe(403);
  });
});

describe('/metrics with a token', () => {
  const TOKEN = 'a-metrics-token-of-tests';
  const guarded = new Elysia()
    .onError(({ error }) => (error instanceof Problem ? problemResponse(error, '') : undefined))
    .use(metricsRoutes(registry, TOKEN));
  beforeAll(() => void guarded.listen({ hostname: '127.0.0.1', port: 0, reusePort: false }));
  afterAll(() => guarded.stop(true));
  const elsewhere = (headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${guarded.server?.port}/metrics`, {
      headers: { 'x-forwarded-for': '192.0.2.1', ...headers },
    });

  test.each([
    ['with the token', `Bearer ${TOKEN}`, 200],
    ['with the token, the scheme in small letters', `bearer ${TOKEN}`, 200],
    ['without a token', '', 401],
    ['with another token', `Bearer ${TOKEN}x`, 401],
    ['with the beginning of the token', `Bearer ${TOKEN.slice(0, -1)}`, 401],
    ['with the token as a password', `Basic ${btoa(`x:${TOKEN}`)}`, 401],
  ])('from elsewhere %s', async (_name, authorization, status) => {
    const answer = await elsewhere(authorization === '' ? {} : { authorization });
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.headers.get('www-authenticate')).toStartWith('Bearer');
  });

  test('is there for this machine without it', async () => {
    expect((await fetch(`http://127.0.0.1:${guarded.server?.port}/metrics`)).status).toBe(200);
  });
});
