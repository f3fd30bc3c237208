import { readFileSync } from 'node:fs';
import { Elysia } from 'elysia';
import icon from 'swagger-ui-dist/favicon-32x32.png' with { type: 'file' };
import styles from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' };
import bundle from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' };
import type { OpenApiDocument } from './openapi';
import { FILE_HEADERS, pageHeaders } from './page';
import { createRepresent, fixedRepresentation, type Representation } from './representation';

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

/** They change with the binary alone, which is asked for the tag. */
const UNCHANGED = { 'cache-control': 'no-cache' };

/** Swagger UI at `/docs` and the OpenAPI document at `/docs/json`, every byte from inside the binary. */
export function docsRoutes({ title, document }: { title: string; document: () => Promise<OpenApiDocument> }) {
  const hidden = { detail: { hide: true } };
  const json = createRepresent({ ...UNCHANGED, 'content-type': 'application/json' });
  // Made once, when somebody asks: the routes do not change while the program runs.
  let made: Promise<Representation> | null = null;
  const makeOnce = (): Promise<Representation> => {
    made ??= document().then((described) => fixedRepresentation(bytesOf(JSON.stringify(described))));
    return made;
  };
  const file = (path: string) => () => new Uint8Array(readFileSync(path));
  return new Elysia({ name: 'docs' })
    .get(
      '/docs',
      serve(() => bytesOf(page(title)), pageHeaders(CSP)),
      hidden,
    )
    .get('/docs/json', async ({ request }) => json(request, await makeOnce()), hidden)
    .get(
      '/docs/start.js',
      serve(() => bytesOf(START), SCRIPT),
      hidden,
    )
    .get('/docs/swagger-ui-bundle.js', serve(file(bundle), SCRIPT), hidden)
    .get('/docs/swagger-ui.css', serve(file(styles), STYLE), hidden)
    .get('/docs/icon.png', serve(file(icon), IMAGE), hidden);
}

const SCRIPT = { ...FILE_HEADERS, 'content-type': 'text/javascript; charset=utf-8' };
const STYLE = { ...FILE_HEADERS, 'content-type': 'text/css; charset=utf-8' };
const IMAGE = { ...FILE_HEADERS, 'content-type': 'image/png' };

/** Answers with what is read when somebody first asks for it. */
function serve(content: () => Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>>) {
  const represent = createRepresent({ ...UNCHANGED, ...headers });
  let read: Representation | null = null;
  return ({ request }: { request: Request }): Response => {
    read ??= fixedRepresentation(content());
    return represent(request, read);
  };
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
