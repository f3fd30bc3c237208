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
