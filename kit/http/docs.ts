import { Elysia } from 'elysia';
import icon from 'swagger-ui-dist/favicon-32x32.png' with { type: 'file' };
import styles from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' };
import bundle from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' };
import type { OpenApiDocument } from './openapi';
import { FILE_HEADERS, pageHeaders } from './page';

/** The page may load what this server serves, and nothing else from anywhere. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const page = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" type="image/png" href="/docs/icon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<noscript>This page needs JavaScript; the document itself is at <a href="/docs/json">/docs/json</a>.</noscript>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

/** Kept out of the page, so that the policy needs no exception for scripts. */
const START = `SwaggerUIBundle({ url: '/docs/json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null });\n`;

/** Assets change with the binary alone; a day is short enough for a new one. */
const ASSET = { ...FILE_HEADERS, 'cache-control': 'public, max-age=86400' };

/** Swagger UI at `/docs` and the OpenAPI document at `/docs/json`, every byte from inside the binary. */
export function docsRoutes({ title, document }: { title: string; document: () => Promise<OpenApiDocument> }) {
  const hidden = { detail: { hide: true } };
  // Made once, when somebody asks: the routes do not change while the program runs.
  let made: Promise<OpenApiDocument> | null = null;
  const makeOnce = (): Promise<OpenApiDocument> => {
    made ??= document();
    return made;
  };
  const headers = { ...pageHeaders(CSP), 'cache-control': 'no-cache' };
  return new Elysia({ name: 'docs' })
    .get('/docs', () => new Response(page(title), { headers }), hidden)
    .get(
      '/docs/json',
      async () => Response.json(await makeOnce(), { headers: { 'cache-control': 'no-cache' } }),
      hidden,
    )
    .get('/docs/start.js', serve(START, 'text/javascript; charset=utf-8', ASSET), hidden)
    .get('/docs/swagger-ui-bundle.js', serve(Bun.file(bundle), 'text/javascript; charset=utf-8', ASSET), hidden)
    .get('/docs/swagger-ui.css', serve(Bun.file(styles), 'text/css; charset=utf-8', ASSET), hidden)
    .get('/docs/icon.png', serve(Bun.file(icon), 'image/png', ASSET), hidden);
}

function serve(body: string | Blob, type: string, headers: Record<string, string>): () => Response {
  return () => new Response(body, { headers: { ...headers, 'content-type': type } });
}
