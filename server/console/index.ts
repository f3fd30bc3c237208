// The administrator's console at `/`: one page, its script and its styles. Apart from admin/, because it can do nothing by
// itself: whatever it shows and changes goes through the admin API.

import { createHash } from 'node:crypto';
import { Elysia } from 'elysia';
import { FILE_HEADERS, pageHeaders } from '../../kit/http/page';
import { createRepresent, fixedRepresentation } from '../../kit/http/representation';
import { bundlePage } from './bundle' with { type: 'macro' };
import icon from './page/icon.svg' with { type: 'text' };
import base from './page/styles/base.css' with { type: 'text' };
import blocks from './page/styles/blocks.css' with { type: 'text' };
import dialogs from './page/styles/dialogs.css' with { type: 'text' };
import forms from './page/styles/forms.css' with { type: 'text' };
import frame from './page/styles/frame.css' with { type: 'text' };
import narrow from './page/styles/narrow.css' with { type: 'text' };
import tables from './page/styles/tables.css' with { type: 'text' };

/** The page may load what this server serves, and nothing else from anywhere; there is nothing inline in it. */
export const CONTENT_SECURITY_POLICY = [
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

// What says what a narrow screen is like has the last word.
const STYLES = [base, frame, blocks, tables, forms, dialogs, narrow].join('\n');

/** One file of the console. */
interface Asset {
  readonly path: string;
  readonly content: string;
  readonly type: string;
}

/** Routes of the console. */
export function consoleRoutes() {
  const script = named('console', 'js', bundlePage(), 'text/javascript; charset=utf-8');
  const sheet = named('console', 'css', STYLES, 'text/css; charset=utf-8');
  const image = named('icon', 'svg', String(icon), 'image/svg+xml');
  const html = renderPage(script.path, sheet.path, image.path);
  const page = { path: '/', content: html, type: 'text/html; charset=utf-8' };
  const hidden = { detail: { hide: true } };
  const app = new Elysia({ name: 'console' }).get('/', answerer(page, PAGE_HEADERS), hidden);
  for (const asset of [script, sheet, image]) app.get(asset.path, answerer(asset, ASSET_HEADERS), hidden);
  return app;
}

function renderPage(script: string, sheet: string, image: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>crypto-server console</title>
<link rel="icon" type="image/svg+xml" href="${image}">
<link rel="stylesheet" href="${sheet}">
<script type="module" src="${script}"></script>
</head>
<body>
<div id="console"><noscript><p>The console needs JavaScript. The API is described at <a href="/docs">/docs</a>.</p></noscript></div>
</body>
</html>
`;
}

function named(name: string, extension: string, content: string, type: string): Asset {
  return { path: `/console/${name}-${hashOf(content)}.${extension}`, content, type };
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
