// A real Chromium for the tests of the pages.
import { existsSync } from 'node:fs';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** The shell is the same engine without the desktop's parts, in half of the time. */
const CHROMIUM = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((path) => existsSync(path));

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];

/** True where this machine has a browser. */
export function hasBrowser(): boolean {
  return CHROMIUM !== undefined;
}

/** A browser with a profile of its own, which is gone when it is closed. */
export interface TestBrowser {
  /** A new visitor. */
  visit(options?: BrowserContextOptions): Promise<Visit>;
  close(): Promise<void>;
}

/** A page of a visitor, and everything that should not have happened on it. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Requests to elsewhere, breaches of the content security policy, errors of the script. */
  readonly faults: readonly string[];
}

/** Starts the browser; all its visitors may only go to `origin`. */
export async function startBrowser(origin: string): Promise<TestBrowser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: FLAGS });
  return {
    visit: async (options = {}) => {
      const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
      await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
      const faults: string[] = [];
      context.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(`${origin}/`) && !url.startsWith('blob:') && !url.startsWith('data:'))
          faults.push(`asked ${url}`);
      });
      context.on('console', (message) => {
        if (/content security policy/i.test(message.text())) faults.push(message.text());
      });
      context.on('weberror', (error) => faults.push(String(error.error())));
      const page = await context.newPage();
      page.setDefaultTimeout(10_000); // far above any step on a machine that is well
      return { page, context, faults };
    },
    close: () => browser.close(),
  };
}
