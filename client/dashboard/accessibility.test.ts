// The dashboard for everybody: every view in both languages, light and dark, and on a narrow screen.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Page } from 'playwright-core';
import { bringAxe, seriousFaults } from '../../kit/testing-axe';
import { hasBrowser, startBrowser, type TestBrowser } from '../../kit/testing-browser';
import { type ScriptedClient, startScriptedClient } from './testing-client';

setDefaultTimeout(180_000); // far above the walk on a machine that is well

/** Where to go, and what to open or to let happen there. */
const PLACES: readonly (readonly [
  name: string,
  hash: string,
  act?: (page: Page, client: ScriptedClient) => unknown,
])[] = [
  ['market', '#/', (_, client) => client.move({ BTC: 45_100, ETH: 3_100 })],
  ['paused', '#/', (page) => page.locator('.pause').click()],
  ['nothing found', '#/', (page) => page.getByRole('searchbox').fill('nothing is called so')],
  ['currency', '#/BTC', (page) => page.locator('.candles summary').click()],
  ['no such currency', '#/NOPE'],
  ['connection', '#/connection'],
  ['credentials', '#/credentials'],
  ['new credential', '#/credentials', (page) => page.locator('.title .primary').click()],
  ['question', '#/credentials', (page) => page.locator('.card button').last().click()],
  ['offline', '#/', (_, client) => tell(client, 'offline')],
  ['stale', '#/', (_, client) => tell(client, 'stale')],
];

interface Findings {
  readonly light: string[];
  readonly dark: string[];
  readonly wide: string[];
  readonly titles: Set<string>;
  readonly outlines: string[];
}

describe.skipIf(!hasBrowser())('The dashboard is for everybody', () => {
  let client: ScriptedClient;
  let browser: TestBrowser;
  const found: Findings = { light: [], dark: [], wide: [], titles: new Set(), outlines: [] };
  const faults: string[] = [];

  // One walk for each language: it is what takes the time.
  beforeAll(async () => {
    client = startScriptedClient();
    browser = await startBrowser(client.url);
    for (const language of ['en', 'pl']) {
      const visit = await browser.visit({ locale: language });
      await bringAxe(visit.context);
      await walk(visit.page, language);
      faults.push(...visit.faults);
      await visit.context.close();
    }
  });
  afterAll(async () => {
    await browser?.close();
    await client?.close();
  });

  async function walk(page: Page, language: string): Promise<void> {
    let loads = 0;
    client.password = 'correct-horse-battery';
    await page.goto(client.url);
    await page.locator('#password').waitFor();
    await look(page, `sign-in ${language}`, found);
    client.password = null;
    for (const [name, hash, act] of PLACES) {
      tell(client, 'live');
      // Another query makes it another document. By way of a blank page it would take a new process of the browser: three times as long.
      await page.goto(`${client.url}/?${++loads}${hash}`);
      await page.locator('.sign[data-kind="live"]').waitFor();
      if (hash === '#/BTC') await page.locator('.chart canvas').waitFor();
      await act?.(page, client);
      if (name === 'offline' || name === 'stale') await page.locator(`.notice[data-kind="${name}"]`).waitFor();
      await look(page, `${name} ${language}`, found);
      found.titles.add(await page.title());
      const landmarks = ['h1', 'main', 'header.top', 'nav'].map((one) => page.locator(one).count());
      const counts = await Promise.all(landmarks);
      if (counts.some((count) => count !== 1)) found.outlines.push(`${name}: ${counts}`);
      const lang = await page.evaluate('document.documentElement.lang');
      if (lang !== language) found.outlines.push(`${name}: ${lang}`);
    }
  }

  test('axe finds nothing serious in light', () => expect(found.light).toEqual([]));
  test('axe finds nothing serious in dark', () => expect(found.dark).toEqual([]));
  test('nothing is wider than the screen, however narrow', () => expect(found.wide).toEqual([]));
  test('each view has one h1, its landmarks and the language of its words', () => expect(found.outlines).toEqual([]));
  test('each view has a title of its own', () => expect(found.titles.size).toBe(8));
  test('nothing went elsewhere or broke the policy', () => expect(faults).toEqual([]));

  test('the skip link comes first, the focus can be seen, and goes to the heading of a new view', async () => {
    const { page, context } = await browser.visit({ locale: 'en' });
    await page.goto(client.url);
    await page.locator('.rates tbody tr').first().waitFor();
    const focused = () => page.evaluate('document.activeElement.innerText || document.activeElement.tagName');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('Market');
    for (let presses = 0; presses < 12; presses++) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    }
    await page.getByRole('link', { name: 'Connection' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Connection' }).waitFor();
    expect(await focused()).toBe('Connection');
    await context.close();
  });

  test('the one live region about the connection says the state alone, not every second', async () => {
    tell(client, 'live');
    const { page, context } = await browser.visit({ locale: 'en' });
    await page.goto(client.url);
    await page.locator('.sign[data-kind="live"]').waitFor();
    await page.evaluate(`globalThis.said = [];
      new MutationObserver(() => said.push(document.querySelector('.sign [role=status]').textContent))
        .observe(document.querySelector('.sign [role=status]'), { subtree: true, characterData: true, childList: true });`);
    client.move({ BTC: 45_000 });
    await page.waitForTimeout(2_100);
    tell(client, 'offline');
    await page.locator('.sign[data-kind="offline"]').waitFor();
    expect(await page.evaluate('said')).toEqual(['Offline']);
    await context.close();
  });

  test('on paper there are the rates and how old they are, and nothing that can be pressed', async () => {
    tell(client, 'live');
    const { page, context } = await browser.visit({ locale: 'en', colorScheme: 'dark' });
    await page.goto(client.url);
    await page.locator('.rates tbody tr').first().waitFor();
    expect(await page.locator('.printed').isVisible()).toBe(false);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.printed').isVisible()).toBe(true);
    expect(await page.locator('.printed').textContent()).toMatch(/^Printed \d+ \w+ \d{4}, \d\d:\d\d$/);
    expect(await page.locator('.rates tbody tr').first().isVisible()).toBe(true);
    expect(await page.locator('.sign .age').isVisible()).toBe(true);
    for (const gone of ['.pause', '.bottom', '.top nav']) expect(await page.locator(gone).isVisible()).toBe(false);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    await context.close();
  });
});

function tell(client: ScriptedClient, state: 'live' | 'offline' | 'stale'): void {
  const last_error = state === 'live' ? null : 'The server does not answer.';
  client.tellStatus({ state, last_error, data_age_seconds: state === 'live' ? 0 : 700 });
}

/** Looks at what is shown in both colour schemes and at several widths. */
async function look(page: Page, name: string, found: Findings): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' });
  found.light.push(...(await seriousFaults(page, name, 'all')));
  await page.emulateMedia({ colorScheme: 'dark' });
  // The scheme changes colours and nothing else, and no word changes a colour.
  if (name.endsWith('en')) found.dark.push(...(await seriousFaults(page, name, 'colours')));
  const size = page.viewportSize() ?? { width: 1280, height: 720 };
  for (const width of [320, 769]) {
    await page.setViewportSize({ width, height: 640 });
    const excess = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    if (Number(excess) > 0) found.wide.push(`${name} at ${width}: ${excess}`);
    const cut = await page.evaluate(`[...document.querySelectorAll('.rates thead button')]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ textContent }) => textContent)`);
    for (const head of cut as string[]) found.wide.push(`${name} at ${width}: ${head}`);
  }
  await page.setViewportSize(size);
}
