// The dashboard in a real browser, before a client that says what each test has written for it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Page } from 'playwright-core';
import { hasBrowser, startBrowser, type TestBrowser, type Visit } from '../../kit/testing-browser';
import type { Rate } from './page/model';
import { freshRates, type ScriptedClient, startScriptedClient } from './testing-client';

setDefaultTimeout(30_000);

const PASSWORD = 'correct-horse-battery';

/** Puts into the page: what a colour of its style is now, and whether the candles are painted in one. */
const HOLDS = `
  globalThis.onPaper = null;
  globalThis.colour = (name) => getComputedStyle(document.querySelector('.chart-place')).getPropertyValue(name).trim();
  globalThis.painted = (wanted) => {
    const canvas = document.querySelector('.chart canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(wanted.slice(at, at + 2), 16));
    return data.some((_, at) => at % 4 === 0 && data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] === 255);
  };
  globalThis.becomes = async (wanted) => {
    while (!painted(wanted)) await new Promise(requestAnimationFrame);
  };`;

describe.skipIf(!hasBrowser())('The dashboard', () => {
  let client: ScriptedClient;
  let browser: TestBrowser;
  let shared: Visit;
  let visit: Visit;
  let page: Page;

  beforeAll(async () => {
    client = startScriptedClient();
    browser = await startBrowser(client.url);
    shared = await browser.visit({ locale: 'en-GB' });
  });
  afterAll(async () => {
    await browser?.close();
    await client?.close();
  });

  beforeEach(async () => {
    client.password = null;
    client.refusal = null;
    client.givesEvents = true;
    client.givesCandles = true;
    client.list(freshRates());
    client.tellStatus({ state: 'live', next_attempt_at: null, last_error: null, data_age_seconds: 0 });
    visit = shared;
    page = visit.page;
    // Away from the page before, and not to a blank one: from there the browser would need a new process.
    await page.goto(`${client.url}/api/session`);
  });
  // Whatever was done: nothing went elsewhere, nothing broke the policy, nothing was thrown.
  afterEach(async () => {
    expect(visit.faults).toEqual([]);
    if (visit !== shared) await visit.context.close();
  });

  const open = async (hash = '#/'): Promise<void> => {
    await page.goto(`${client.url}/${hash}`);
    await page.locator('.sign[data-kind="live"]').waitFor();
  };
  const row = (symbol: string) =>
    page.locator('.rates tbody tr').filter({ has: page.getByRole('link', { name: symbol }) });
  const symbols = () => page.locator('.rates tbody th').allTextContents();
  const says = (text: string | RegExp) => page.getByText(text).first().waitFor();
  const isPressed = async (locator: ReturnType<Page['locator']>): Promise<void> => {
    await locator.focus();
    await page.keyboard.press('Enter');
  };

  describe('the market', () => {
    test('shows every figure of a currency, and its line with what was before', async () => {
      await open();
      const cells = await row('BTC').locator('th, td').allTextContents();
      expect(cells.slice(0, 6)).toEqual(['BTC', 'Bitcoin', '44,997.11', '+0.42%', '45,942.05', '44,277.16']);
      expect(cells[7]).toMatch(/^\d+s$/);
      expect(await row('ETH').locator('.col-change').textContent()).toBe('−1.31%');
      await row('BTC').locator('.spark-line').waitFor();
      expect(await row('BTC').locator('.spark-line').getAttribute('d')).toMatch(/^M[^L]+(L[\d. ]+){40}/);
    });

    test('a rate that moves shows it by arrow and colour, for less than 600 ms', async () => {
      visit = await browser.visit({ locale: 'en-GB', reducedMotion: 'no-preference' });
      page = visit.page;
      await open();
      await page.evaluate(`document.addEventListener('animationend', ({ animationName, elapsedTime }) => {
        document.body.dataset[animationName] = String(elapsedTime);
      })`);
      client.move({ BTC: 45_100, ETH: 3_100 });
      await row('BTC').getByText('45,100.00').waitFor();
      await row('BTC').getByRole('img', { name: 'up' }).waitFor();
      await row('ETH').getByRole('img', { name: 'down' }).waitFor();
      await page.locator('body[data-flash][data-arrow]').waitFor({ state: 'attached' });
      const { flash, arrow } = (await page.evaluate('({ ...document.body.dataset })')) as Record<string, string>;
      expect(Number(flash)).toBeLessThan(0.6);
      expect(Number(arrow)).toBeLessThan(0.6);
      expect(await row('XRP').getByRole('img').count()).toBe(0);
    });

    test('with less motion the arrow stays, and nothing moves', async () => {
      await open();
      client.move({ BTC: 45_100 });
      await row('BTC').getByRole('img', { name: 'up' }).waitFor();
      await page.waitForTimeout(100);
      const running = await page.evaluate(
        "document.getAnimations().filter(({ playState }) => playState === 'running').length",
      );
      expect(running).toBe(0);
      expect(await page.evaluate("getComputedStyle(document.querySelector('.arrow')).opacity")).toBe('1');
    });

    test('every column sorts, by keyboard too, and says which way', async () => {
      await open();
      const first: Record<string, readonly [down: string, up: string]> = {
        Name: ['Avalanche', 'XRP'],
        'Rate USD': ['BTC', 'DOGE'],
        '24 h': ['DOGE', 'XLM'],
        High: ['BTC', 'DOGE'],
        Low: ['BTC', 'DOGE'],
      };
      for (const [column, [one, other]] of Object.entries(first)) {
        const head = page.getByRole('columnheader', { name: column, exact: true });
        for (const expected of [one, other]) {
          await isPressed(head.getByRole('button'));
          expect([column, await page.locator('.rates tbody tr').first().textContent()]).toEqual([
            column,
            expect.stringContaining(expected),
          ]);
        }
        expect(await head.getAttribute('aria-sort')).toBe(column === 'Name' ? 'descending' : 'ascending');
        expect(await page.locator('[aria-sort]').count()).toBe(1);
      }
      for (const column of ['Last hour', 'Age', 'Symbol']) {
        await isPressed(page.getByRole('columnheader', { name: column }).getByRole('button'));
        await page
          .getByRole('status')
          .filter({ hasText: `Sorted by ${column}` })
          .waitFor();
      }
      expect((await symbols()).slice(0, 3)).toEqual(['ADA', 'AVAX', 'BCH']);
    });

    test('the filter finds symbols and names', async () => {
      await open();
      await page.getByRole('searchbox').fill('bit');
      await says('2 of 13 currencies');
      expect(await symbols()).toEqual(['BCH', 'BTC']);
      await page.getByRole('searchbox').fill('nothing is called so');
      await says('No currency is called so.');
    });

    test('pause stops the view and counts what waits; resume shows the latest', async () => {
      await open();
      await page.getByRole('button', { name: 'Pause' }).click();
      client.move({ BTC: 46_000 });
      client.move({ BTC: 46_001 });
      await says('2 updates waiting');
      expect(await row('BTC').locator('.col-rate').textContent()).toBe('44,997.11');
      await page.getByRole('button', { name: 'Resume' }).click();
      await row('BTC').getByText('46,001.00').waitFor();
      expect(await page.getByText('waiting').count()).toBe(0);
    });

    test('5,000 currencies stay fluid', async () => {
      const many = Array.from(
        { length: 5_000 },
        (_, at): Rate => ({ symbol: `C${at}`, name: `Coin ${at}`, rate: at + 1 }),
      );
      client.list(many);
      await open();
      await says('5,000 currencies');
      expect(await page.locator('.rates tbody tr').count()).toBe(100);
      await page.getByRole('button', { name: 'Next' }).click();
      await says('Page 2 of 50');
      expect(await page.locator('.rates tbody tr').first().getAttribute('aria-rowindex')).toBe('102');
      await page.evaluate(`globalThis.longestMs = 0;
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) longestMs = Math.max(longestMs, duration);
        }).observe({ type: 'longtask' });`);
      const first = page.locator('.col-rate .rate').first();
      for (let tick = 1; tick <= 3; tick++) {
        const before = await first.textContent();
        client.move(Object.fromEntries(many.map(({ symbol, rate }) => [symbol, rate + tick])));
        await first.and(page.locator(`:not(:text-is("${before}"))`)).waitFor();
      }
      const longest = Number(await page.evaluate('longestMs'));
      expect(longest).toBeLessThan(1_000); // of the three seconds of a tick, on a machine that does much else
    });
  });

  describe('a currency', () => {
    test('opens by its row, has its figures, and back leads back', async () => {
      await open();
      await page.getByRole('link', { name: 'ETH' }).click();
      await page.getByRole('heading', { level: 1, name: 'ETH Ethereum' }).waitFor();
      expect(page.url()).toEndWith('#/ETH');
      expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
      await page.locator('.headline').getByText('3,204.82').waitFor();
      await page.goBack();
      await page.getByRole('heading', { level: 1, name: 'Market' }).waitFor();
    });

    test('a link to it works, in any letter case; one that nobody knows says so', async () => {
      await open('#/btc');
      await page.getByRole('heading', { level: 1, name: 'BTC' }).waitFor();
      expect(await page.title()).toBe('BTC · crypto-client');
      await page.goto(`${client.url}/#/NOPE`);
      await says('The server knows no currency with this symbol.');
      expect(await page.getByRole('radio').count()).toBe(0); // nothing is said of candles either
      expect(client.candlesAsked.filter((asked) => asked.startsWith('NOPE'))).toEqual([]);
    });

    test('the arrow keys go along the candles, and the one gone to is told', async () => {
      await open('#/BTC');
      await page.getByRole('radio', { name: '1 day' }).check(); // none ends within the test, but at midnight
      const chart = page.getByRole('slider', { name: 'Candles of BTC, 1 day each' });
      const told = () => chart.getAttribute('aria-valuetext');
      const shown = async () => (await page.locator('.readout > span').allTextContents()).join(', ');
      await chart.focus();
      const last = await told();
      expect(last).toMatch(/^\d+ \w+ \d{4}, \d\d:\d\d, Open [\d,.]+, High [\d,.]+, Low [\d,.]+, Close 44,997\.11$/);
      for (const [key, value] of [
        ['ArrowLeft', '119'],
        ['PageDown', '109'],
        ['ArrowRight', '110'],
        ['End', '120'],
        ['ArrowRight', '120'],
      ] as const) {
        await chart.press(key);
        await page.locator(`[role="slider"][aria-valuenow="${value}"]`).waitFor();
        expect([key, await told()]).toEqual([key, await shown()]);
      }
      client.move({ BTC: 50_000 });
      await page.locator('.readout').getByText('50,000.00').nth(1).waitFor();
      expect(await told()).toBe(last); // not every rate is told
      await chart.press('Home');
      const first = await shown();
      expect(await told()).toBe(first);
      await chart.press('Escape');
      await page.locator('.readout').getByText('50,000.00').nth(1).waitFor();
    });

    test('a pointer at the right end of a candle is at that candle', async () => {
      await open('#/BTC');
      const plot = page.locator('.chart .u-over');
      const { width = 0 } = (await plot.boundingBox()) ?? {};
      const shown = Math.max(40, Math.min(119, Math.floor((width + 90) / 6)));
      await plot.hover({ position: { x: width - width / (shown + 1) - 2, y: 50 } });
      await page.locator('[role="slider"][aria-valuenow="119"]').waitFor();
    });

    test('the picture has the colours of the page, chosen or of the paper', async () => {
      const has = async (name: string): Promise<boolean> => (await page.evaluate(`painted('${name}')`)) as boolean;
      await open('#/BTC');
      await page.evaluate(HOLDS);
      await page.getByLabel('Colours').selectOption('light');
      const light = await page.evaluate("colour('--up')");
      await page.getByLabel('Colours').selectOption('dark');
      await page.locator('html[data-theme="dark"]').waitFor();
      const dark = await page.evaluate("colour('--up')");
      await page.evaluate(`becomes('${dark}')`);
      expect(await has(String(light))).toBe(false);
      await page.evaluate(`addEventListener('beforeprint', () => { onPaper = painted('${light}'); })`);
      await page.pdf();
      expect(await page.evaluate('onPaper')).toBe(true);
      await page.evaluate(`becomes('${dark}')`);
      await page.getByLabel('Colours').selectOption('system');
    });

    test('has candles of every length as a picture and as a table, and the last one moves with the rate', async () => {
      await open('#/BTC');
      await page.getByRole('slider', { name: 'Candles of BTC, 1 minute each' }).waitFor();
      const painted = await page.evaluate(`(() => {
        const canvas = document.querySelector('.chart canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value) => value !== 0).length;
      })()`);
      expect(Number(painted)).toBeGreaterThan(10_000);
      for (const [radio, interval] of [
        ['5 minutes', '5m'],
        ['15 minutes', '15m'],
        ['1 hour', '1h'],
        ['4 hours', '4h'],
        ['1 day', '1d'],
      ]) {
        await page.getByRole('radio', { name: radio ?? '', exact: true }).check();
        await page.getByRole('slider', { name: `Candles of BTC, ${radio} each` }).waitFor();
        expect(client.candlesAsked).toContain(`BTC ${interval}`);
      }
      await page.getByText('Candles as a table').click();
      const last = page.locator('.candles tbody tr').first();
      client.move({ BTC: 99_000 });
      await last.getByText('99,000.00').nth(1).waitFor(); // it is both high and close
      expect(await last.locator('td').allTextContents()).toEqual([
        expect.any(String),
        '99,000.00',
        expect.any(String),
        '99,000.00',
      ]);
      client.move({ BTC: 98_000 });
      await last.getByText('98,000.00').waitFor();
      expect((await last.locator('td').allTextContents())[1]).toBe('99,000.00');
    });
  });

  describe('what is looked at', () => {
    test('the table is as it was left when one comes back from a currency', async () => {
      await open();
      await page.getByRole('searchbox').fill('coin');
      await page.getByRole('columnheader', { name: 'Rate USD' }).getByRole('button').click();
      expect(await symbols()).toEqual(['BTC', 'BCH', 'LTC', 'DOGE']);
      await page.getByRole('link', { name: 'LTC' }).click();
      await page.getByRole('heading', { level: 1, name: 'LTC' }).waitFor();
      await page.goBack();
      await page.getByRole('heading', { level: 1, name: 'Market' }).waitFor();
      expect(await page.getByRole('searchbox').inputValue()).toBe('coin');
      expect(await symbols()).toEqual(['BTC', 'BCH', 'LTC', 'DOGE']);
    });

    test('candles that no server could give come by themselves once one can', async () => {
      client.givesCandles = false;
      await open('#/BTC');
      await page.getByRole('alert').getByText('No server answers at the moment.').waitFor();
      client.tellStatus({ state: 'reconnecting' });
      await page.locator('.sign[data-kind="reconnecting"]').waitFor();
      client.givesCandles = true;
      client.tellStatus({ state: 'live' });
      await page.getByRole('slider', { name: 'Candles of BTC, 1 minute each' }).waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
    });

    test('a line whose past could not be had gets it as soon as rates come again', async () => {
      client.givesCandles = false;
      await open();
      await row('BTC').waitFor();
      client.tellStatus({ state: 'reconnecting' });
      await page.locator('.sign[data-kind="reconnecting"]').waitFor();
      client.givesCandles = true;
      client.tellStatus({ state: 'live' });
      await row('XRP').locator('.spark-line').waitFor();
    });
  });

  describe('the connection', () => {
    test('each state is shown with its reason, its age and a countdown that counts', async () => {
      await open();
      for (const [state, word, told] of [
        ['reconnecting', 'Reconnecting', 'connects again'],
        ['stale', 'Stale', 'older than they should be'],
        ['offline', 'Offline', 'No server can be reached.'],
        ['refused', 'Refused', 'turns this client away'],
      ] as const) {
        const next_attempt_at = new Date(Date.now() + 30_000).toISOString();
        client.tellStatus({ state, next_attempt_at, last_error: 'The server does not answer.', data_age_seconds: 42 });
        await page.locator(`.sign[data-kind="${state}"]`).getByText(word).waitFor();
        await says(told);
        await says(/Reason: The server does not answer\./);
        await says(/next attempt in (29|30)s/);
        await page
          .locator('.sign')
          .getByText(/data 4[2-5]s old/)
          .waitFor();
      }
      await says('No rates while the server refuses this client.');
      await says(/next attempt in 2[78]s/);
      client.tellStatus({ state: 'live', next_attempt_at: null, last_error: null, data_age_seconds: 0 });
      await page.locator('.sign[data-kind="live"]').waitFor();
      expect(await page.locator('.notice').count()).toBe(0);
    });

    test('when the client itself is gone the page says so, counts down, ages its data, and comes back', async () => {
      await open();
      await client.goAway();
      await page.locator('.sign[data-kind="lost"]').getByText('Page disconnected').waitFor();
      await says(/next attempt in \ds/);
      await page
        .locator('.sign')
        .getByText(/data [2-9]s old/)
        .waitFor();
      client.comeBack();
      await page.locator('.sign[data-kind="live"]').waitFor();
      client.move({ BTC: 47_000 });
      await row('BTC').getByText('47,000.00').waitFor();
    });

    test('ages and ends stay true when the clock of the machine is set', async () => {
      await open();
      await page.evaluate('{ const now = Date.now; Date.now = () => now.call(Date) + 3_600_000; }');
      client.move({ BTC: 48_000 });
      await row('BTC').getByText('48,000.00').waitFor();
      expect(await row('BTC').locator('.col-age').textContent()).toMatch(/^[0-5]s$/);
      await page.goto(`${client.url}/#/connection`);
      await says(/^1h 4[0-6]m$/);
    });

    test('where no events are to be had the page asks', async () => {
      client.givesEvents = false;
      await page.goto(`${client.url}/#/connection`);
      await says('asks crypto-client now and then');
      client.givesEvents = true;
      await says('hears crypto-client as things happen');
    });

    test('tells of the token and of each server', async () => {
      await open('#/connection');
      const fact = (card: string, name: string) =>
        page
          .locator('.card', { has: page.getByRole('heading', { name: card }) })
          .locator('div', { has: page.getByText(name, { exact: true }) })
          .locator('dd')
          .textContent();
      expect(await fact('Token', 'Credential')).toBe('default');
      expect(await fact('Token', 'Ends in')).toMatch(/^1h 4[0-6]m$/);
      expect(await fact('Token', 'Last renewal')).toMatch(/^1[45]m ago$/);
      expect(await fact('Token', 'Next renewal')).toMatch(/^in 1h 3[0-2]m$/);
      expect(await fact('http://localhost:8000', 'State')).toBe('Well');
      expect(await fact('http://localhost:8000', 'Latency')).toBe('3 ms');
      expect(await fact('http://localhost:8002', 'Circuit')).toBe('open: left alone');
      expect(await fact('http://localhost:8002', 'Last error')).toBe('The connection was refused.');
    });
  });

  describe('credentials', () => {
    test('are added, used, rotated and removed by keyboard alone, each after a question', async () => {
      await open('#/credentials');
      const names = () => page.locator('.card h2').allTextContents();
      const press = (name: string) => isPressed(page.getByRole('button', { name, exact: true }));
      await press('Add a credential');
      await page.keyboard.type('night-shift'); // the field has the focus by itself
      await page.keyboard.press('Enter');
      await says('night-shift is added.');
      expect(client.sent.at(-1)).toEqual({ method: 'POST', path: '/api/credentials', body: { name: 'night-shift' } });
      expect((await names()).length).toBe(3);
      await press('Use: night-shift');
      await page.getByRole('dialog', { name: 'Use night-shift?' }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Use: night-shift'); // back where it came from
      await press('Use: night-shift');
      await press('Use');
      await says('night-shift is in use now.');
      await press('Rotate secret: billing');
      await press('Rotate secret');
      await says('billing has another secret now.');
      await press('Use: default');
      await press('Use');
      await says('default is in use now.');
      await press('Remove: night-shift');
      await press('Remove');
      await says('night-shift is removed.');
      expect(await names()).toEqual(['default In use', 'billing ']);
      expect(client.sent.map(({ method, path }) => `${method} ${path}`).slice(-5)).toEqual([
        'POST /api/credentials',
        'POST /api/credentials/night-shift/use',
        'POST /api/credentials/billing/rotate',
        'POST /api/credentials/default/use',
        'DELETE /api/credentials/night-shift',
      ]);
    });

    test('a key is sent with its method, and nothing that was left empty', async () => {
      await open('#/credentials');
      await page.getByRole('button', { name: 'Add a credential' }).click();
      await page.getByLabel('Name', { exact: true }).fill('keyed');
      await page.getByLabel('A client id and a private key that I have').check();
      await page.getByRole('textbox', { name: 'Client id' }).fill('keyed-client');
      await page.getByRole('textbox', { name: 'Private key' }).fill('-----BEGIN PRIVATE KEY-----');
      await page.getByLabel('Servers').fill('http://a.example\nhttp://b.example');
      await page.getByLabel('Bind its tokens').check();
      client.refusal = { status: 422, detail: 'private_key must be a key in PEM or a JWK' };
      await page.getByRole('dialog').getByRole('button', { name: 'Add a credential' }).click();
      await page.getByRole('alert').getByText('Something in this is not as it must be.').waitFor();
      await page.getByRole('alert').getByText('private_key must be a key in PEM or a JWK').waitFor();
      expect(client.sent.at(-1)?.body).toEqual({
        name: 'keyed',
        client_id: 'keyed-client',
        private_key: '-----BEGIN PRIVATE KEY-----',
        servers: ['http://a.example', 'http://b.example'],
        method: 'private_key_jwt',
        dpop: true,
      });
    });

    test('a refusal is told in words, and the dialog stays', async () => {
      client.refusal = { status: 502, detail: 'The server refuses the secret.' };
      await open('#/credentials');
      await page.getByRole('button', { name: 'Rotate secret: billing' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Rotate secret' }).click();
      await page.getByRole('dialog').getByText('The server refuses the secret.').waitFor();
    });
  });

  describe('signing in', () => {
    test('is asked for, says what is wrong, and leads to where one wanted to be', async () => {
      client.password = PASSWORD;
      await page.goto(`${client.url}/#/BTC`);
      await page.getByLabel('Password').waitFor();
      await page.keyboard.type('wrong');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('The password is wrong.').waitFor();
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'BTC' }).waitFor();
      client.signOut();
      await says('Your session has ended.');
      await page.getByLabel('Password').fill(PASSWORD);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('Password').waitFor();
      expect(await page.getByText('Your session has ended.').count()).toBe(0);
    });
  });

  describe('language and colours', () => {
    test('are those of the browser, until others are chosen; that is remembered', async () => {
      visit = await browser.visit({ locale: 'pl-PL', colorScheme: 'dark' });
      page = visit.page;
      await open();
      const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(await page.evaluate('document.documentElement.lang')).toBe('pl');
      await page.getByRole('heading', { level: 1, name: 'Rynek' }).waitFor();
      await says('13 walut');
      expect(await row('BTC').locator('.col-rate').textContent()).toMatch(/^44\s997,11$/);
      const dark = await ground();
      await page.getByLabel('Kolory').selectOption('light');
      await page.locator('html[data-theme="light"]').waitFor();
      expect(await ground()).not.toBe(dark);
      await page.getByLabel('Język').selectOption('en');
      await page.getByRole('heading', { level: 1, name: 'Market' }).waitFor();
      await page.reload();
      await page.getByRole('heading', { level: 1, name: 'Market' }).waitFor();
      expect(await page.evaluate('document.documentElement.lang')).toBe('en');
      expect(await ground()).not.toBe(dark);
    });
  });
});
