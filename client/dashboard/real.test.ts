// The dashboard before the real client, and that before a real server that ticks: what the market does is what is seen.
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../../db/embedded';
import { hasBrowser, startBrowser } from '../../kit/testing-browser';
import { startTestServer, waitFor } from '../../server/testing';
import { startJoinedClient } from '../testing/joined';
import { createWorld, type World } from '../testing/world';

/** The clocks of the browser. */
const REAL: World = {
  ...createWorld(),
  clock: { now: () => Date.now(), elapsed: () => performance.now() },
  schedule: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

test.skipIf(!hasBrowser())(
  'rates, candles, states and credentials of the real programs are shown',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
    const database = await openEmbedded({ folder: join(folder, 'database') });
    await database.migrate();
    const server = await startTestServer(database, { settings: { now: Date.now, tickSeconds: 1 } });
    const tick = () => waitFor(async () => (await server.services.ticker.tick()) !== null, 'a tick');
    await tick();
    const client = startJoinedClient(REAL, { CRYPTO_SERVER_URL: server.issuer, DATA_DIR: join(folder, 'client') });
    const url = `http://localhost:${client.port}`;
    const browser = await startBrowser(url);
    try {
      const { page, faults } = await browser.visit({ locale: 'en-GB' });
      await page.goto(url);
      await page.locator('.sign[data-kind="live"]').waitFor();
      expect(await page.locator('.rates tbody tr').count()).toBe(13);

      const rate = page.locator('.rates tbody tr', { has: page.getByRole('link', { name: 'BTC' }) }).locator('.rate');
      const before = (await rate.textContent()) ?? '';
      await tick();
      await rate.and(page.locator(`:not(:text-is("${before}"))`)).waitFor();

      await page.goto(`${url}/#/BTC`);
      await page.getByRole('slider', { name: 'Candles of BTC, 1 minute each' }).waitFor();
      await page.getByText('Candles as a table').click();
      const close = page.locator('.candles tbody tr').first().locator('td').last();
      const closed = (await close.textContent()) ?? '';
      await tick();
      await close.and(page.locator(`:not(:text-is("${closed}"))`)).waitFor();
      expect(await page.locator('.headline .rate').textContent()).toBe(await close.textContent());

      await page.goto(`${url}/#/connection`);
      await page.getByText('WebSocket').waitFor();
      await page.getByText('Well', { exact: true }).waitFor();
      await page
        .getByText(/^1h 5\dm$/)
        .first()
        .waitFor(); // the end of the token

      await page.goto(`${url}/#/credentials`);
      await page.getByRole('button', { name: 'Add a credential' }).click();
      await page.getByLabel('Name', { exact: true }).fill('second');
      await page.getByLabel('Use it at once').check();
      await page.getByRole('dialog').getByRole('button', { name: 'Add a credential' }).click();
      await page.getByRole('heading', { level: 2, name: 'second In use' }).waitFor();
      await page.getByRole('button', { name: 'Remove: default' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
      await page.getByText('default is removed.').waitFor();
      expect(await page.locator('.card').count()).toBe(1);

      await server.close();
      await page.locator('.sign[data-kind="reconnecting"]').waitFor();
      await client.stop();
      await page.locator('.sign[data-kind="lost"]').waitFor();
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
      await client.stop();
      await server.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000,
);
