// The console for everybody: by keyboard alone, for screen readers, in light and dark, on a narrow screen.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Page } from 'playwright-core';
import { bringAxe, seriousFaults } from '../../kit/testing-axe';
import { hasBrowser, startBrowser, type TestBrowser } from '../../kit/testing-browser';
import { type ConsoleServer, startConsoleServer } from './testing-console';

setDefaultTimeout(120_000);

const PLACES: readonly (readonly [name: string, hash: string, opens?: string])[] = [
  ['clients', '#/clients'],
  ['no clients', '#/clients?search=nothing-is-called-so'],
  ['new client', '#/new-client'],
  ['overview', '#/clients/sample'],
  ['secrets', '#/clients/sample/secrets'],
  ['rotate', '#/clients/sample/secrets', 'Rotate secret'],
  ['access', '#/clients/sample/access'],
  ['quick start', '#/clients/sample/quick-start'],
  ['danger', '#/clients/sample/danger'],
  ['delete', '#/clients/sample/danger', 'Delete client'],
  ['no such client', '#/clients/nobody-is-called-so'],
  ['keys', '#/keys'],
  ['resources', '#/resources'],
  ['new resource', '#/resources', 'New resource'],
  ['registration tokens', '#/registration-tokens'],
  ['audit trail', '#/audit'],
  ['currencies', '#/currencies'],
  ['nowhere', '#/nowhere'],
];

describe.skipIf(!hasBrowser())('The console is for everybody', () => {
  let server: ConsoleServer;
  let browser: TestBrowser;

  beforeAll(async () => {
    server = await startConsoleServer();
    await server.createClient('sample');
    browser = await startBrowser(server.url);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const signIn = async (page: Page): Promise<void> => {
    await page.goto(server.url);
    await page.getByLabel('Admin secret').fill(server.adminSecret);
    await page.keyboard.press('Enter');
    await page.locator('#main h1').waitFor();
  };
  let loads = 0;
  const go = async (page: Page, hash: string, opens?: string): Promise<void> => {
    // Another query makes it another document. By way of a blank page it would take a new process of the browser: three times as long.
    await page.goto(`${server.url}/?${++loads}${hash}`);
    await page.locator('#main h1').waitFor();
    await page.locator('.loading').waitFor({ state: 'detached' });
    if (opens !== undefined) await page.getByRole('button', { name: opens }).click();
  };

  describe('on every view', () => {
    const found: Findings = { light: [], dark: [], wide: [], titles: new Map(), outlines: [] };

    // One walk for all: it is what takes the time.
    beforeAll(async () => {
      const { page, context } = await browser.visit();
      await bringAxe(context);
      await page.goto(server.url);
      await page.getByLabel('Admin secret').waitFor();
      await look(page, 'sign-in', found);
      await signIn(page);
      for (const [name, hash, opens] of PLACES) {
        await go(page, hash, opens);
        await look(page, name, found);
        if (opens !== undefined) continue;
        await page.waitForFunction('document.title.includes("·")');
        found.titles.set(name, await page.title());
        const landmarks = [page.locator('h1'), page.getByRole('main'), page.getByRole('banner')];
        const counts = await Promise.all(landmarks.map((landmark) => landmark.count()));
        if (counts.some((count) => count !== 1)) found.outlines.push(`${name}: ${counts}`);
      }
      await context.close();
    });

    for (const scheme of ['light', 'dark'] as const) {
      test(`axe finds nothing serious in ${scheme}`, () => expect(found[scheme]).toEqual([]));
    }

    test('nothing is wider than the screen, however narrow', () => expect(found.wide).toEqual([]));

    test('there is a title of its own, one h1 and the landmarks', () => {
      const views = PLACES.filter(([name, , opens]) => opens === undefined && name !== 'no clients');
      expect(found.outlines).toEqual([]);
      expect(new Set(found.titles.values()).size).toBe(views.length);
    });
  });

  test('a client is created, rotated and deleted with the keyboard alone', async () => {
    const { page, context } = await browser.visit();
    const focused = (): Promise<string> =>
      page.evaluate('(document.activeElement?.labels?.[0] ?? document.activeElement)?.innerText?.trim() ?? ""');
    const tabTo = async (name: string): Promise<void> => {
      for (let presses = 0; presses < 60; presses++) {
        if ((await focused()).startsWith(name)) return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`no way to ${name}; the focus is on ${await focused()}`);
    };
    await page.goto(server.url);
    await page.getByLabel('Admin secret').waitFor();
    await page.keyboard.type(server.adminSecret); // the field has the focus by itself
    await page.keyboard.press('Enter');
    await page.locator('#main h1').waitFor();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('Clients');
    await tabTo('New client');
    await page.keyboard.press('Enter');
    await tabTo('Name');
    await page.keyboard.type('By hand');
    await tabTo('Client id');
    await page.keyboard.type('by-hand');
    await page.keyboard.press('Enter');
    await tabTo('I have kept it');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'By hand · Quick start' }).waitFor();
    await tabTo('Secrets');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'By hand · Secrets' }).waitFor();
    await tabTo('Rotate secret');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused()).toBe('Rotate secret'); // back where it came from
    await page.keyboard.press('Shift+Tab');
    await tabTo('Danger');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'By hand · Danger' }).waitFor();
    await tabTo('Delete client');
    await page.keyboard.press('Enter');
    await tabTo('Type by-hand');
    await page.keyboard.type('by-hand');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Clients' }).waitFor();
    await context.close();
  });

  test('the focus can be seen', async () => {
    const { page, context } = await browser.visit();
    await signIn(page);
    for (let presses = 0; presses < 12; presses++) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    }
    await context.close();
  });
});

interface Findings {
  readonly light: string[];
  readonly dark: string[];
  readonly wide: string[];
  readonly titles: Map<string, string>;
  readonly outlines: string[];
}

/** Looks at what is shown in both colour schemes and at several widths. */
async function look(page: Page, name: string, found: Findings): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' });
  found.light.push(...(await seriousFaults(page, name, 'all')));
  await page.emulateMedia({ colorScheme: 'dark' });
  // The scheme changes colours and nothing else.
  found.dark.push(...(await seriousFaults(page, name, 'colours')));
  const size = page.viewportSize() ?? { width: 1280, height: 720 };
  for (const width of [320, 705, 768, 961]) {
    await page.setViewportSize({ width, height: 640 });
    const excess = Number(
      await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
    );
    if (excess > 0) found.wide.push(`${name} at ${width}: ${excess}`);
  }
  await page.setViewportSize(size);
}
