import icon from './icon.svg' with { type: 'text' };
import styles from './page.css' with { type: 'text' };
import template from './page.html' with { type: 'text' };
import script from './refresh.js' with { type: 'text' };
import signIn from './sign-in.html' with { type: 'text' };
import signInScript from './sign-in.js' with { type: 'text' };
import type { Change, PageView, Row } from './view';

/** The page may load what this client serves, and nothing else from anywhere; there is nothing inline in it. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What the page loads, by path: content and media type. */
export const ASSETS = {
  '/page/page.css': { content: styles, type: 'text/css; charset=utf-8' },
  '/page/refresh.js': { content: script, type: 'text/javascript; charset=utf-8' },
  '/page/sign-in.js': { content: signInScript, type: 'text/javascript; charset=utf-8' },
  '/page/icon.svg': { content: icon, type: 'image/svg+xml' },
} as const;

/** The page for whoever has yet to give the password: it says nothing of the client. */
export const SIGN_IN_PAGE = String(signIn);

/** The whole page as HTML; every word that comes from elsewhere is escaped. */
export function renderPage(view: PageView, version: string): string {
  const { rows, ...texts } = view;
  const slots: Readonly<Record<string, string>> = {
    ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Bun.escapeHTML(text)])),
    version: Bun.escapeHTML(version),
    rates: rows.map(renderRow).join(''),
  };
  return String(template).replace(/\{\{(\w+)\}\}/g, (_, name: string) => slots[name] ?? '');
}

function renderRow({ symbol, name, rate, change, day }: Row): string {
  const head = `<th scope="row">${Bun.escapeHTML(symbol)}</th><td class="name">${Bun.escapeHTML(name)}</td>`;
  return `<tr>${head}<td class="number">${rate}</td>${renderChange(change)}${renderChange(day)}</tr>`;
}

function renderChange({ text, tone }: Change): string {
  return `<td class="number" data-tone="${tone}">${text}</td>`;
}
