// The description of the API, and the page that shows it.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eachDatabase } from '../db/testing';
import { describeStreams } from './rates/stream/asyncapi';
import { startTestServer, type TestServer } from './testing';

const ROOT = join(import.meta.dir, '..');

type Json = Record<string, unknown>;
type Operation = Json & { operationId: string; responses: Record<string, Json & { content?: Json }> };

eachDatabase('the documents of the API', (open) => {
  let server: TestServer;
  let document: Json & { paths: Record<string, Record<string, Operation>>; components: Record<string, Json> };
  beforeAll(async () => {
    server = await startTestServer(await open());
    document = (await (await server.ask('/docs/json')).json()) as typeof document;
  });
  afterAll(() => server.close());
  const operations = (): [string, string, Operation][] =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, string, Operation] => [path, method, operation]),
    );

  test('the document is OpenAPI 3.1 and lists every route there is but pages and the WebSocket, and no other', () => {
    expect(document['openapi']).toMatch(/^3\.1\.\d$/);
    expect(document['servers']).toEqual([{ url: '/' }]);
    const listed = operations().map(([path, method]) => `${method.toUpperCase()} ${path.replaceAll(/[{}]/g, '')}`);
    const isPage = (path: string): boolean => path === '/' || /^\/(?:docs|console)(?:\/|$)/.test(path);
    // AsyncAPI has it.
    const routes = server.app.routes.filter(({ path }) => !isPage(path) && path !== '/api/currency/stream');
    const there = routes.map(({ method, path }) => `${method} ${path.replaceAll(':', '')}`);
    const bare = (list: string[]): string[] => list.map((one) => one.replace(/\/$/, '')).sort();
    expect(bare(listed)).toEqual(bare(there));
  });

  test('every operation has a unique id, a summary, a tag that is declared and described answers', () => {
    const ids = operations().map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = (document['tags'] as { name: string }[]).map(({ name }) => name);
    for (const [, , operation] of operations()) {
      expect(operation['summary']).toMatch(/./);
      for (const tag of operation['tags'] as string[]) expect(tags).toContain(tag);
      expect(Object.keys(operation.responses).some((status) => /^20\d$/.test(status))).toBe(true);
      expect(Object.keys(operation.responses)).toContain('default');
      for (const response of Object.values(operation.responses)) expect(response['description']).toMatch(/./);
      for (const parameter of (operation['parameters'] ?? []) as Json[]) expect(parameter['schema']).toBeDefined();
    }
  });

  test('what needs a token says so, with a scheme that is declared', () => {
    const schemes = Object.keys(document.components['securitySchemes'] ?? {});
    for (const [path, , { security }] of operations()) {
      const names = (security as Json[]).flatMap(Object.keys);
      for (const name of names) expect(schemes).toContain(name);
      if (path.startsWith('/api/currency')) expect(names).toEqual(['accessToken']);
    }
  });

  test('every reference leads somewhere, and nothing of the checker is left', () => {
    const text = JSON.stringify(document);
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = pointer.split('/').reduce<unknown>((at, name) => (at as Json | undefined)?.[name], document);
      expect(found).toBeDefined();
    }
    expect(text).not.toContain('"$id"');
    expect(text).not.toContain('"error":"must');
  });

  test('what can be asked of the rates is shown: request, answers and refusals by example', () => {
    const reads = operations().filter(([path]) => /^\/api\/currency(?:\/{symbol})?$/.test(path));
    expect(reads).toHaveLength(2);
    for (const [, , { parameters, responses }] of reads) {
      for (const parameter of parameters as Json[]) expect(parameter['example']).toBeString();
      expect(Object.keys(responses)).toEqual(
        expect.arrayContaining(['200', '304', '400', '401', '403', '404', '406', '429']),
      );
      expect(JSON.stringify(responses['200'])).toContain('"example":');
      for (const status of ['400', '401', '403', '404', '406', '429']) {
        const { example } = responses[status]!.content!['application/problem+json'] as { example: Json };
        expect(example).toMatchObject({
          status: Number(status),
          title: expect.any(String),
          detail: expect.any(String),
        });
      }
    }
  });

  test('the examples of what is read under /api/currency work as they stand, in each type, and say what is sent', async () => {
    const headers = { authorization: `Bearer ${await server.token()}` };
    server.pass(3_000);
    await server.services.ticker.tick();
    const reads = operations().filter(([path]) => path.startsWith('/api/currency'));
    expect(reads).toHaveLength(5);
    for (const [path, , { parameters, responses }] of reads) {
      const given = (parameters as (Json & { name: string; example?: string | number })[]).filter((one) => one.example);
      const of = (place: string) =>
        given
          .filter((one) => one['in'] === place)
          .map(({ name, example }): [string, string] => [name, String(example)]);
      const there = of('path').reduce((at, [name, example]) => at.replace(`{${name}}`, example), path);
      const { headers: described = {}, content = {} } = responses['200'] as { headers?: Json; content?: Json };
      for (const type of Object.keys(content)) {
        const leaving = new AbortController();
        const answer = await server.ask(`${there}?${new URLSearchParams(of('query'))}`, {
          headers: { ...Object.fromEntries(of('header')), ...headers, accept: type },
          signal: leaving.signal,
        });
        expect([there, answer.status]).toEqual([there, 200]);
        expect(answer.headers.get('content-type')).toStartWith(type);
        if (type === 'application/json') expect(JSON.stringify(await answer.json())).toContain('"2026-01-01T00:00:0');
        leaving.abort();
        const { Vary: vary } = described as { Vary?: { example: string } };
        expect(answer.headers.get('vary')).toBe(vary?.example ?? null);
      }
      const { ETag: etag } = described as { ETag?: { example: string } };
      expect(new Map(of('header')).get('If-None-Match')).toBe(etag?.example);
      // What a parameter says of itself there nobody is to listen to (OpenAPI 3.1 §4.8.12).
      expect(of('header').map(([name]) => name)).not.toContain('Accept');
    }
    expect(Object.keys(document.paths['/api/currency/events']!['get']!.responses)).toContain('503');
  });

  test('the streams are described by AsyncAPI 3.0, to which the document of the routes leads', async () => {
    const { url } = document.paths['/api/currency/events']!['get']!['externalDocs'] as { url: string };
    const answer = await server.ask(url);
    expect(answer.status).toBe(200);
    const streams = (await answer.json()) as Json & {
      channels: Record<string, { address: string; messages: Json }>;
      components: { messages: Record<string, { payload: Json }> };
    };
    expect(streams['asyncapi']).toBe('3.0.0');
    const addresses = Object.values(streams.channels).map(({ address }) => address);
    expect(addresses).toEqual(['/api/currency/stream', '/api/currency/events']);
    for (const address of addresses) expect(server.app.routes.map(({ path }) => path)).toContain(address);
    const text = JSON.stringify(streams);
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g))
      expect(pointer.split('/').reduce<unknown>((at, name) => (at as Json | undefined)?.[name], streams)).toBeDefined();
    for (const [name, { payload }] of Object.entries(streams.components.messages))
      expect(payload).toMatchObject({ type: 'object', properties: { type: { const: name } } });
  });

  test('the token endpoint is described with its form', () => {
    const body = document.paths['/api/auth/token']!['post']!['requestBody'] as { content: Json };
    expect(Object.keys(body.content)).toContain('application/x-www-form-urlencoded');
  });

  test('the page needs nothing from anywhere else, under a strict policy', async () => {
    const answer = await server.ask('/docs');
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
    });
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe-eval');
    expect(/script-src[^;]*unsafe-inline/.test(policy)).toBe(false);
    const page = await answer.text();
    expect(page).not.toMatch(/<script(?![^>]*src=)[^>]*>/);
    const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThanOrEqual(4);
    for (const link of links) {
      expect(link).toStartWith('/');
      const asset = await server.ask(link);
      expect([link, asset.status]).toEqual([link, 200]);
      expect((await asset.arrayBuffer()).byteLength).toBeGreaterThan(50);
    }
    expect((await server.ask('/docs/')).status).toBe(200);
  });
});

describe('redocly lint finds nothing to say of', () => {
  const run = async (command: string[], cwd: string) => {
    // It would tell its maker of each run, and ask for the latest version.
    const env = { PATH: process.env['PATH'] ?? '', REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
    const child = Bun.spawn([process.execPath, ...command], { cwd, env, stderr: 'pipe' });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { out, err, code: await child.exited };
  };
  const cli = join(ROOT, 'node_modules/@redocly/cli/bin/cli.js');

  test.each<[string, (folder: string) => Promise<string>]>([
    ['what the command prints', async (folder) => (await run([join(ROOT, 'server/main.ts'), 'openapi'], folder)).out],
    [
      'what describes the streams',
      async () => JSON.stringify(describeStreams({ version: '1.0.0', issuer: 'http://localhost:8000' })),
    ],
  ])(
    '%s',
    async (_, write) => {
      const folder = mkdtempSync(join(tmpdir(), 'documents-'));
      await Bun.write(join(folder, 'document.json'), await write(folder));
      const lint = [cli, 'lint', 'document.json', '--extends', 'recommended', '--format', 'json'];
      const { out, err, code } = await run(lint, folder);
      expect([code, (JSON.parse(out) as { problems: unknown[] }).problems]).toEqual([0, []]);
      expect(err).toContain('document.json: validated');
      rmSync(folder, { recursive: true });
    },
    30_000,
  );
});
