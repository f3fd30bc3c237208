import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AnyElysia, Elysia, t } from 'elysia';
import { docsRoutes } from './docs';
import { describeApi, type OpenApiDocument } from './openapi';

const about = { title: 'Test', version: '1', description: 'A test.', tags: [], securitySchemes: {} };
let made = 0;
const root: AnyElysia = new Elysia();
const app = root
  .get('/port', ({ server }) => String(server?.port))
  .post('/number', ({ body }) => body, { body: t.Optional(t.Object({ error: t.Integer() })) })
  .use(
    docsRoutes({
      title: 'Test',
      document: () => {
        made += 1;
        return describeApi(root, about);
      },
    }),
  );

beforeAll(() => void app.listen({ hostname: '127.0.0.1', port: 0, reusePort: false }));
afterAll(() => app.stop(true));

const ask = (path: string) => fetch(`http://127.0.0.1:${app.server?.port}${path}`);
const read = async () =>
  (await (await ask('/docs/json')).json()) as OpenApiDocument & { paths: Record<string, unknown> };

test('describing the running application leaves it its port, and is done once', async () => {
  const port = await (await ask('/port')).text();
  await read();
  await read();
  expect(await (await ask('/port')).text()).toBe(port);
  expect(made).toBe(1);
});

test('a body that may be left out is not required, and a number is a number', async () => {
  expect((await read()).paths['/number']).toMatchObject({
    post: {
      requestBody: {
        required: false,
        content: { 'application/json': { schema: { properties: { error: { type: 'integer' } } } } },
      },
    },
  });
});

test('the document and the files of the page are compressed for who takes it, and not sent again to who has them', async () => {
  for (const path of ['/docs/json', '/docs/swagger-ui-bundle.js', '/docs/swagger-ui.css']) {
    const there = `http://127.0.0.1:${app.server?.port}${path}`;
    const answer = await fetch(there, { headers: { 'accept-encoding': 'gzip' }, decompress: false });
    const packed = await answer.arrayBuffer();
    const plain = await (await fetch(there, { headers: { 'accept-encoding': 'identity' } })).arrayBuffer();
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(Bun.gunzipSync(packed).byteLength).toBe(plain.byteLength);
    expect(packed.byteLength).toBeLessThan(plain.byteLength / 2);
    const etag = answer.headers.get('etag') ?? '';
    expect((await fetch(there, { headers: { 'if-none-match': etag } })).status).toBe(304);
  }
});
