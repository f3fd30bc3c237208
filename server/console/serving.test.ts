import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Elysia } from 'elysia';
import { consoleRoutes } from './index';

const app = new Elysia().use(consoleRoutes());
beforeAll(() => void app.listen({ hostname: '127.0.0.1', port: 0, reusePort: false }));
afterAll(() => app.stop(true));

const ask = (path: string, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${app.server?.port}${path}`, {
    headers: { 'accept-encoding': 'identity', ...headers },
    decompress: false,
  });

async function assetPaths(): Promise<string[]> {
  const html = await (await ask('/')).text();
  return [...html.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].map(([, path = '']) => path);
}

describe('The files of the console', () => {
  test('the page is strict about where it loads from and who may frame it', async () => {
    const answer = await ask('/');
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-cache',
    });
  });

  test('there is nothing inline in the page, and nothing from elsewhere', async () => {
    const html = await (await ask('/')).text();
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=|https?:/);
    expect(await assetPaths()).toHaveLength(3);
  });

  test('each has an entity tag for each encoding', async () => {
    const script = (await assetPaths()).find((path) => path.endsWith('.js')) ?? '';
    const tags = new Set<string>();
    for (const encoding of ['identity', 'gzip', 'zstd']) {
      const etag = (await ask(script, { 'accept-encoding': encoding })).headers.get('etag') ?? '';
      tags.add(etag);
      for (const [known, status] of [
        [`"other", W/${etag}`, 304],
        ['"other"', 200],
        ['*', 304],
      ] as const)
        expect((await ask(script, { 'accept-encoding': encoding, 'if-none-match': known })).status).toBe(status);
    }
    expect(tags.size).toBe(3);
  });

  test('what the page loads has its content in its name and is kept for ever', async () => {
    for (const path of await assetPaths()) {
      const answer = await ask(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      const hash = new Bun.CryptoHasher('sha256').update(await answer.arrayBuffer()).digest('base64url');
      expect(path).toContain(hash.slice(0, 16));
    }
  });

  test('compressed only for who takes it', async () => {
    const script = (await assetPaths()).find((path) => path.endsWith('.js')) ?? '';
    for (const [accepted, encoding] of [
      ['gzip', 'gzip'],
      ['br, gzip;q=0.5', 'gzip'],
      ['gzip, deflate, br, zstd', 'zstd'],
      ['gzip;q=0', null],
      ['br', null],
      ['identity', null],
    ] as const) {
      const answer = await ask(script, { 'accept-encoding': accepted });
      expect([accepted, answer.headers.get('content-encoding')]).toEqual([accepted, encoding]);
      expect(answer.headers.get('vary')).toBe('accept-encoding');
    }
  });

  test('everything together is under 100 KB compressed', async () => {
    let bytes = 0;
    for (const path of ['/', ...(await assetPaths())]) {
      bytes += (await (await ask(path, { 'accept-encoding': 'gzip' })).arrayBuffer()).byteLength;
    }
    expect(bytes).toBeLessThan(100_000);
    expect(bytes).toBeGreaterThan(10_000); // it was really there
  });
});
