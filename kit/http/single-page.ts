/** A page that is one script and one style sheet, all inside the binary. */
import { createHash } from 'node:crypto';
import { Elysia } from 'elysia';
import { FILE_HEADERS, pageHeaders } from './page';
import { createRepresent, fixedRepresentation } from './representation';

/** The page may load what its own program serves, and nothing else from anywhere; there is nothing inline in it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE_HEADERS = { ...pageHeaders(CONTENT_SECURITY_POLICY), 'cache-control': 'no-cache' };

// The hash in the name changes with the content, so what lies under a name never does.
const ASSET_HEADERS = { ...FILE_HEADERS, 'cache-control': 'public, max-age=31536000, immutable' };

/** What a page is made of. */
export interface SinglePage {
  /** Its files lie under `/<name>/`, and its script finds the element with this id. */
  readonly name: string;
  readonly title: string;
  /** HTML for a browser that runs no script. */
  readonly withoutScript: string;
  readonly script: string;
  readonly styles: string;
  /** An SVG. */
  readonly icon: string;
}

/** One file. */
interface Asset {
  readonly path: string;
  readonly content: string;
  readonly type: string;
}

/** Routes of the page, which is at `/`, and of its files. */
export function singlePageRoutes(page: SinglePage) {
  const { name } = page;
  const script = named(name, name, 'js', page.script, 'text/javascript; charset=utf-8');
  const sheet = named(name, name, 'css', page.styles, 'text/css; charset=utf-8');
  const image = named(name, 'icon', 'svg', page.icon, 'image/svg+xml');
  const content = renderPage(page, script.path, sheet.path, image.path);
  const hidden = { detail: { hide: true } };
  const app = new Elysia({ name }).get(
    '/',
    answerer({ path: '/', content, type: 'text/html; charset=utf-8' }, PAGE_HEADERS),
    hidden,
  );
  for (const asset of [script, sheet, image]) app.get(asset.path, answerer(asset, ASSET_HEADERS), hidden);
  return app;
}

function renderPage({ name, title, withoutScript }: SinglePage, script: string, sheet: string, image: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" type="image/svg+xml" href="${image}">
<link rel="stylesheet" href="${sheet}">
<script type="module" src="${script}"></script>
</head>
<body>
<div id="${name}"><noscript>${withoutScript}</noscript></div>
</body>
</html>
`;
}

function named(folder: string, name: string, extension: string, content: string, type: string): Asset {
  return { path: `/${folder}/${name}-${hashOf(content)}.${extension}`, content, type };
}

function hashOf(content: string): string {
  return createHash('sha256').update(content).digest('base64url').slice(0, 16);
}

/** Answers with an entity tag, 304 to who has it already, and compressed to who takes that. */
function answerer({ content, type }: Asset, base: Readonly<Record<string, string>>) {
  const represent = createRepresent({ ...base, 'content-type': type });
  const representation = fixedRepresentation(new TextEncoder().encode(content));
  return ({ request }: { request: Request }): Response => represent(request, representation);
}
