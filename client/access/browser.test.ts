// Signing in with a real browser, which says by itself whose page a request is from.
import { describe, expect, test } from 'bun:test';
import { hasBrowser, startBrowser } from '../../kit/testing-browser';
import { clientFolder, startJoinedClient } from '../testing/joined';
import { createWorld } from '../testing/world';

const PASSWORD = 'correct-horse-battery';

describe.skipIf(!hasBrowser())('in Chromium', () => {
  test('a wrong password is told, the right one opens the client, and leaving shuts it again', async () => {
    const folder = clientFolder();
    const settings = { CRYPTO_SERVER_URL: 'http://127.0.0.1:1', DATA_DIR: folder.path, DASHBOARD_PASSWORD: PASSWORD };
    const client = startJoinedClient(createWorld(), settings);
    const origin = `http://localhost:${client.port}`;
    const browser = await startBrowser(origin);
    const { page, context, faults } = await browser.visit();
    const ask = (path: string, method = 'GET'): Promise<number> =>
      page.evaluate(async (init) => (await globalThis.fetch(init.path, { method: init.method })).status, {
        path,
        method,
      });

    await page.goto(origin);
    expect(await ask('/api/status')).toBe(401);
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'The password is wrong.' }).waitFor();
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByLabel('Password').waitFor({ state: 'detached' });

    expect(await ask('/api/status')).toBe(200);
    const [cookie] = await context.cookies(origin);
    expect(cookie).toMatchObject({ name: 'crypto_client_session', httpOnly: true, sameSite: 'Strict' });
    expect(await ask('/api/session', 'DELETE')).toBe(204);
    expect([await ask('/api/status'), await context.cookies(origin)]).toEqual([401, []]);
    expect(faults).toEqual([]);

    await browser.close();
    await client.stop();
    folder.remove();
  }, 60_000);
});
