import { afterAll, describe, expect, test } from 'bun:test';
import { startScriptedClient } from './testing-client';

const client = startScriptedClient();
afterAll(() => client.close());

const ask = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${client.url}${path}`, { headers: { 'accept-encoding': 'identity', ...headers }, decompress: false });

async function assetPaths(): Promise<string[]> {
  const html = await (await ask('/')).text();
  return [...html.matchAll(/(?:src|href)="(\/dashboard\/[^"]+)"/g)].map(([, path = '']) => path);
}

describe('The files of the dashboard', () => {
  test('the page is strict about where it loads from and who may frame it', async () => {
    const { headers } = await ask('/');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('cache-control')).toBe('no-cache');
  });

  test('there is nothing inline in the page, and nothing from elsewhere', async () => {
    expect(await (await ask('/')).text()).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=|https?:/);
    expect(await assetPaths()).toHaveLength(3);
  });

  test('what it loads is kept for ever, under a name that changes with it', async () => {
    for (const path of await assetPaths()) {
      const answer = await ask(path);
      expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      const hash = new Bun.CryptoHasher('sha256').update(await answer.arrayBuffer()).digest('base64url');
      expect(path).toContain(hash.slice(0, 16));
      const etag = answer.headers.get('etag') ?? '';
      expect((await ask(path, { 'if-none-match': etag })).status).toBe(304);
    }
  });

  test('everything together is under 100 KB compressed', async () => {
    let bytes = 0;
    for (const path of ['/', ...(await assetPaths())])
      bytes += (await (await ask(path, { 'accept-encoding': 'gzip' })).arrayBuffer()).byteLength;
    expect(bytes).toBeLessThan(100_000);
    expect(bytes).toBeGreaterThan(20_000); // it was really there
  });
});
