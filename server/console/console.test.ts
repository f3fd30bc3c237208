// What an administrator does, in a real browser.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { gt } from 'drizzle-orm';
import type { Page } from 'playwright-core';
import { auditChain, auditEvents } from '../../db/schema';
import { hasBrowser, startBrowser, type TestBrowser, type Visit } from '../../kit/testing-browser';
import { type ConsoleServer, startConsoleServer } from './testing-console';

setDefaultTimeout(60_000);

describe.skipIf(!hasBrowser())('The console in Chromium', () => {
  let server: ConsoleServer;
  let browser: TestBrowser;
  let shared: Visit;
  let visit: Visit;
  let page: Page;

  beforeAll(async () => {
    server = await startConsoleServer();
    browser = await startBrowser(server.url);
    shared = await browser.visit();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    visit = shared;
    page = visit.page;
    await visit.context.clearCookies();
    // Away from the page before, and not to a blank one: from there the browser would need a new process.
    await page.goto(`${server.url}/health`);
  });
  afterEach(async () => {
    expect(visit.faults).toEqual([]);
    if (visit !== shared) await visit.context.close();
  });

  const open = async (place = ''): Promise<void> => {
    await page.goto(`${server.url}/${place}`);
    await page.getByLabel('Admin secret').fill(server.adminSecret);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#main h1').waitFor();
  };
  const press = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' }).click();
  const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor();
  const said = (text: string | RegExp) => page.locator('.toast', { hasText: text }).waitFor();
  const dialog = () => page.getByRole('dialog');
  const until = async (holds: () => boolean): Promise<void> => {
    for (let looks = 0; !holds() && looks < 100; looks++) await page.waitForTimeout(20);
  };
  /** Creates a client through the page. */
  const create = async (name: string, id: string): Promise<string> => {
    await open('#/new-client');
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('Client id (optional)').fill(id);
    await press('Create client');
    await dialog().getByRole('button', { name: 'Reveal the client secret' }).click();
    const secret = await page.getByTestId('revealed').innerText();
    await press('I have kept it');
    await heading(`${name} · Quick start`);
    return secret;
  };

  describe('signing in', () => {
    test('a wrong secret is refused with a reason and the request id', async () => {
      await page.goto(server.url);
      await page.getByLabel('Admin secret').fill('not-the-admin-secret');
      await press('Sign in');
      await page.getByRole('alert').filter({ hasText: 'The admin secret is wrong.' }).waitFor();
      expect(await page.getByRole('alert').innerText()).toMatch(/Request id \S+/);
      expect(await page.title()).toBe('Sign in · crypto-server console');
    });

    test('the right one opens the place that was asked for; signing out closes it', async () => {
      await open('#/audit');
      await heading('Audit trail');
      await press('Sign out');
      await page.getByText('You have signed out.').waitFor();
      await page.reload();
      await page.getByLabel('Admin secret').waitFor();
    });

    test('a reload stays signed in, and the token against forgery is nowhere in the browser', async () => {
      await open();
      await page.reload();
      await heading('Clients');
      expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])')).toBe(
        '[{},{},""]',
      );
    });

    test('a session that ended leads to the sign-in and back to the same place', async () => {
      await open('#/keys');
      await page.getByText('Signs every new token.').waitFor(); // else its own question would end the session
      await visit.context.clearCookies();
      await page.getByRole('link', { name: 'Resources' }).click();
      await page.getByText('Your session has ended.').waitFor();
      await page.getByLabel('Admin secret').fill(server.adminSecret);
      await press('Sign in');
      await heading('Resources');
    });

    test('too many attempts: how long to wait, and no further attempt until then', async () => {
      await page.route('**/api/admin/session', (route) =>
        route.request().method() === 'POST'
          ? route.fulfill({
              status: 429,
              headers: { 'retry-after': '2' },
              json: { detail: 'Too many failed attempts.' },
            })
          : route.continue(),
      );
      await page.goto(server.url);
      await page.getByLabel('Admin secret').fill(server.adminSecret);
      await press('Sign in');
      await page.getByText(/You can try again in [12] s\./).waitFor();
      expect(await page.getByRole('button', { name: 'Sign in' }).isDisabled()).toBe(true);
      await page.unroute('**/api/admin/session');
      await page.getByText('You can try again').waitFor({ state: 'detached' });
      await press('Sign in');
      await heading('Clients');
    });

    test('a server that is away is said so, and asked again on request', async () => {
      await open('#/resources');
      await page.route('**/api/admin/keys', (route) => route.abort());
      await page.getByRole('link', { name: 'Signing keys' }).click();
      await page.getByRole('alert').filter({ hasText: 'The server does not answer.' }).waitFor();
      await page.unroute('**/api/admin/keys');
      await press('Try again');
      await page.getByText('Signs every new token.').waitFor();
    });

    test('a tab goes on after another one has signed in anew', async () => {
      await open('#/new-client');
      await page.getByLabel('Name', { exact: true }).fill('Two tabs');
      const other = await visit.context.newPage();
      await other.goto(server.url);
      await other.getByRole('button', { name: 'Sign out' }).click();
      await other.getByLabel('Admin secret').fill(server.adminSecret);
      await other.getByRole('button', { name: 'Sign in' }).click();
      await other.locator('#main h1').waitFor();
      await press('Create client');
      await dialog().getByText('Keep this secret now').waitFor();
      await other.close();
    });

    test('an idle session is warned of, and kept on request', async () => {
      visit = await browser.visit(); // whose clock stays by hand
      page = visit.page;
      await page.clock.install();
      await open();
      await page.clock.runFor((server.idleSeconds - 30) * 1000);
      await dialog().getByText('Are you still there?').waitFor();
      await press('Stay signed in');
      await dialog().waitFor({ state: 'detached' });
      await page.clock.runFor(server.idleSeconds * 1000 + 2000);
      await page.getByText('You were signed out, because nothing was done for a while.').waitFor();
    });
  });

  describe('clients', () => {
    test('are found by the server while one types', async () => {
      await create('Needle in the hay', 'needle');
      await page.getByRole('link', { name: 'Clients', exact: true }).click();
      await page.getByLabel('Search by name or id').pressSequentially('needle in');
      await page.waitForURL(/#\/clients\?search=needle\+in$/);
      await page.getByRole('rowheader', { name: 'Needle in the hay' }).waitFor();
      await page.getByLabel('Search by name or id').fill('no such client');
      await page.getByText('No client has “no such client”').waitFor();
    });

    test('that need another secret soon are counted, and found', async () => {
      for (const [client_id, seconds] of [
        ['ends-soon', 86_400],
        ['ends-late', 86_400 * 365],
      ] as const)
        await server.create({ client_id, app_name: 'Ending', secret: { expires_in_seconds: seconds } });
      await open();
      await page.getByText('1 client has a secret that ends within 7 days.').waitFor();
      await page.getByRole('link', { name: 'Show it' }).click();
      await page.waitForURL(/#\/clients\?state=secret_ending$/);
      await page.getByText('1 client shown').waitFor();
      expect(await page.getByRole('rowheader').allInnerTexts()).toEqual([expect.stringContaining('ends-soon')]);
      await page.getByLabel('Show').selectOption('Disabled');
      await page.getByText('There is no such client.').waitFor();
    });

    test('a new one shows its secret once, and the secret works', async () => {
      const secret = await create('First', 'first-client');
      expect(await server.tokenStatus('first-client', secret)).toBe(200);
      expect(await page.content()).not.toContain(secret);
      await page.goBack();
      await page.goForward();
      await heading('First · Quick start');
      expect(await page.content()).not.toContain(secret);
    });

    test('the secret is masked, can be copied, and comes as a file that crypto-client takes', async () => {
      await open('#/new-client');
      await page.getByLabel('Name', { exact: true }).fill('For a file');
      await page.getByLabel('Client id (optional)').fill('for-a-file');
      await press('Create client');
      await dialog().waitFor();
      await press('Copy the client secret');
      await dialog().getByText('Copied').first().waitFor();
      const secret = String(await page.evaluate('navigator.clipboard.readText()'));
      expect(await dialog().innerText()).not.toContain(secret);
      const [download] = await Promise.all([page.waitForEvent('download'), press('Download as .env')]);
      expect(download.suggestedFilename()).toBe('for-a-file.env');
      expect(await Bun.file(await download.path()).text()).toBe(
        `CLIENT_ID=for-a-file\nCLIENT_SECRET=${secret}\nCRYPTO_SERVER_URL=${server.issuer}\n`,
      );
    });

    test('neither Escape nor Back loses a secret that was not kept, and a reload asks first', async () => {
      await open();
      await page.getByRole('link', { name: 'New client' }).first().click();
      await page.getByLabel('Name', { exact: true }).fill('Slippery');
      await page.getByLabel('Client id (optional)').fill('slippery');
      await press('Create client');
      await dialog().getByText('Keep this secret now').waitFor();
      const [download] = await Promise.all([page.waitForEvent('download'), press('Download as .env')]);
      for (let presses = 0; presses < 5; presses++) await page.keyboard.press('Escape');
      await page.goBack();
      await page.waitForURL(/#\/clients$|\/$/);
      let asked = '';
      page.once('dialog', (question) => {
        asked = question.type();
        void question.dismiss();
      });
      await page.evaluate('location.reload()');
      await until(() => asked !== '');
      expect(asked).toBe('beforeunload');
      await press('Reveal the client secret');
      const secret = await page.getByTestId('revealed').innerText();
      expect(await Bun.file(await download.path()).text()).toContain(secret);
      await press('I have kept it');
      await heading('Slippery · Quick start');
    });

    test('the end of the session does not lose it either', async () => {
      await open('#/registration-tokens');
      await press('New registration token');
      await press('Make token');
      await dialog().getByText('Keep this token now').waitFor();
      await visit.context.clearCookies();
      await page.evaluate("location.hash = '#/keys'");
      await page.getByLabel('Admin secret').fill(server.adminSecret);
      await press('Sign in');
      await press('Reveal the registration token');
      expect(await page.getByTestId('revealed').innerText()).toMatch(/^rt_/);
    });

    test('an id that is taken is refused in words', async () => {
      await create('Taken', 'taken-id');
      await page.goto(`${server.url}/#/new-client`);
      await page.getByLabel('Name', { exact: true }).fill('Second');
      await page.getByLabel('Client id (optional)').fill('taken-id');
      await press('Create client');
      await page.getByRole('alert').filter({ hasText: 'Request id' }).waitFor();
    });

    test('a rotation with overlap leaves both secrets good; revoking one ends it', async () => {
      const before = await create('Rotating', 'rotating');
      await page.getByRole('link', { name: 'Secrets' }).click();
      await press('Rotate secret');
      await page.getByLabel('Label (optional)').fill('second');
      await press('Make new secret');
      await press('Reveal the client secret');
      const after = await page.getByTestId('revealed').innerText();
      await press('I have kept it');
      expect([await server.tokenStatus('rotating', before), await server.tokenStatus('rotating', after)]).toEqual([
        200, 200,
      ]);
      await page.getByRole('row', { name: /Ends in/ }).waitFor();
      await page.getByRole('link', { name: 'Overview' }).click();
      await page.getByText('One of its secrets ends in 24 h. By then it must use another one.').waitFor();
      await page.getByRole('link', { name: 'Secrets', exact: true }).click();
      await page
        .getByRole('row', { name: /second/ })
        .getByRole('button', { name: /^Revoke/ })
        .click();
      await press('Revoke secret');
      await said('The secret is revoked.');
      expect(await server.tokenStatus('rotating', after)).toBe(401);
    });

    test('access: scopes and limits are saved', async () => {
      await create('Limited', 'limited');
      await page.getByRole('link', { name: 'Access' }).click();
      await page.getByLabel('API calls').fill('50/s');
      await page.getByLabel('currency:read').uncheck();
      await press('Save');
      await said('Saved.');
      await page.getByRole('link', { name: 'Overview' }).click();
      await page.getByText('50/s').waitFor();
      await page.getByText('Nothing: no scope is granted').waitFor();
    });

    test('access: only what was changed is sent, and what was not saved is kept', async () => {
      await create('Shared', 'shared');
      await page.getByRole('link', { name: 'Access' }).click();
      await page.getByLabel('API calls').fill('70/s');
      await page.getByText('Not saved yet.').waitFor();
      await page.getByRole('link', { name: 'Overview' }).click();
      await heading('Shared · Overview');
      expect(await server.patch('shared', { app_name: 'Renamed by another' })).toBe(200);
      await page.getByRole('link', { name: 'Access' }).click();
      expect(await page.getByLabel('API calls').inputValue()).toBe('70/s');
      const [sent] = await Promise.all([page.waitForRequest((one) => one.method() === 'PATCH'), press('Save')]);
      expect(sent.postDataJSON()).toEqual({ limits: { api: '70/s', token: null } });
      await heading('Renamed by another · Access');
      await press('Save');
      await said('There is nothing to save.');
      await page.evaluate("document.querySelector('.toast').dataset.heard = ''");
      await press('Save');
      await page.locator('.toast:not([data-heard])', { hasText: 'There is nothing to save.' }).waitFor(); // said anew
    });

    test('disabled: no token; enabled: a token again', async () => {
      const secret = await create('Switched', 'switched');
      await page.getByRole('link', { name: 'Danger' }).click();
      await press('Disable client');
      await dialog().waitFor();
      expect(await page.evaluate('document.activeElement.innerText')).toBe('Cancel');
      await dialog().getByRole('button', { name: 'Disable client' }).click();
      await said('The client is disabled');
      expect(await server.tokenStatus('switched', secret)).toBe(401);
      await press('Enable client');
      await said('The client is enabled.');
      expect(await server.tokenStatus('switched', secret)).toBe(200);
    });

    test('deleting asks for the typed id', async () => {
      const secret = await create('Doomed', 'doomed');
      await page.getByRole('link', { name: 'Danger' }).click();
      await press('Delete client');
      const confirm = dialog().getByRole('button', { name: 'Delete client' });
      expect(await confirm.isDisabled()).toBe(true);
      await page.keyboard.type('doomed'); // the field has the focus by itself
      await confirm.click();
      await heading('Clients');
      expect(await server.tokenStatus('doomed', secret)).toBe(401);
    });

    test('quick start: a test token is obtained and taken apart, itself masked', async () => {
      const secret = await create('Tested', 'tested');
      const tabs = page.getByRole('tab');
      expect(await tabs.allInnerTexts()).toEqual(['curl', 'TypeScript', 'Python']);
      await tabs.first().focus();
      for (const [key, name, code] of [
        ['ArrowLeft', 'Python', '"client_id": "tested"'],
        ['ArrowLeft', 'TypeScript', "client_id: 'tested'"],
        ['Home', 'curl', 'client_id=tested'],
      ] as const) {
        await page.keyboard.press(key);
        await page.getByRole('tab', { name, selected: true }).waitFor();
        expect(await page.evaluate('document.activeElement.innerText')).toBe(name);
        await page.getByRole('tabpanel', { name }).getByText(code).waitFor();
      }
      await page.getByLabel('Client secret').fill('wrong-secret-wrong-secret');
      await press('Get a test token');
      await page.getByRole('alert').filter({ hasText: 'invalid_client' }).waitFor();
      await page.getByLabel('Client secret').fill(secret);
      await press('Get a test token');
      await page.getByText('It works.').waitFor();
      const claims = page.getByRole('region', { name: 'Claims' });
      expect(await claims.innerText()).toContain(`${server.issuer}/api/currency`);
      expect(await page.getByRole('region', { name: 'Header' }).innerText()).toContain('at+jwt');
      expect(await page.content()).not.toMatch(/eyJ[\w-]+\.eyJ/);
    });
  });

  test('quick start: the resource is chosen once, for the code and for the test', async () => {
    const [rates, admin] = ['currency', 'admin'].map((name) => `${server.issuer}/api/${name}`);
    const grants = { [`${rates}`]: ['currency:read'], [`${admin}`]: ['admin'] };
    const { client_secret } = await server.create({ client_id: 'two-resources', app_name: 'Two', grants });
    await open('#/clients/two-resources/quick-start');
    await page.getByLabel('Resource').selectOption(`${admin}`);
    await page.getByRole('tabpanel').getByText(`${admin}/clients`).waitFor();
    await page.getByLabel('Client secret').fill(String(client_secret));
    await press('Get a test token');
    await page.getByRole('region', { name: 'Claims' }).getByText(`${admin}`).waitFor();
  });

  test('quick start: what the page can not try it does not offer', async () => {
    await server.create({ client_id: 'by-certificate', app_name: 'Bound', certificate_bound: true });
    await open('#/clients/by-certificate/quick-start');
    await page.getByText('only its own code can try it').waitFor();
    expect(await page.getByRole('button', { name: 'Get a test token' }).count()).toBe(0);
    expect(await page.getByRole('tabpanel').innerText()).toContain('--cert client-cert.pem');
  });

  test('a client that must prove a key is created, and tried with a proof at once', async () => {
    await open('#/new-client');
    await page.getByLabel('Name', { exact: true }).fill('Bound');
    await page.getByLabel('Require DPoP').check();
    await press('Create client');
    await dialog().getByText('Test it now').click();
    await press('Get a test token');
    await page.getByText('A DPoP token').waitFor();
    expect(await page.getByRole('region', { name: 'Claims' }).textContent()).toContain('jkt');
  });

  test('signing keys: rotate, and revoke with the typed id', async () => {
    await open('#/keys');
    await page.getByText('Signs every new token.').waitFor();
    await press('Rotate now');
    await dialog().getByRole('button', { name: 'Rotate now' }).click();
    await said(/^The next key takes over .+, in \d+ (min|s)\.$/);
    await page
      .locator('.keys > li', { hasText: 'Next' })
      .getByText(/^in \d+ (min|s)$/)
      .waitFor();
    const kid = (await page.locator('.keys > li', { hasText: 'Active' }).locator('h2').first().innerText()).trim();
    await press(`Revoke key ${kid}`);
    await page.getByLabel(`Type ${kid} to confirm`).fill(kid);
    await press('Revoke key');
    await said('The key is revoked');
    await page.locator('.keys > li', { hasText: kid }).getByText('Revoked').first().waitFor();
  });

  test('resources: create, edit, delete; what is built in stays', async () => {
    await open('#/resources');
    await press('New resource');
    await page.getByLabel('Identifier').fill('https://invoices.example/api');
    await page.getByLabel('Name', { exact: true }).fill('Invoices');
    await page.getByLabel('Scopes').fill('invoices:read');
    await press('Create resource');
    await said('The resource Invoices is created.');
    const row = page.getByRole('row', { name: /Invoices/ });
    await row.getByRole('button', { name: /^Edit/ }).click();
    await page.getByLabel('Scopes').fill('invoices:read\ninvoices:write');
    await press('Save');
    await row.getByText('invoices:write').waitFor();
    await row.getByRole('button', { name: /^Delete/ }).click();
    await press('Delete resource');
    await row.waitFor({ state: 'detached' });
    expect(
      await page
        .getByRole('row', { name: /Built in/ })
        .getByRole('button', { name: /^Delete/ })
        .count(),
    ).toBe(0);
  });

  test('registration tokens: made, shown once, revoked', async () => {
    await open('#/registration-tokens');
    await press('New registration token');
    await page.getByLabel('Label (optional)').fill('For the neighbours');
    await press('Make token');
    await press('Reveal the registration token');
    expect(await page.getByTestId('revealed').innerText()).toMatch(/^rt_/);
    await press('I have kept it');
    await press('Revoke For the neighbours');
    await press('Revoke token');
    await said('The registration token is revoked.');
    expect(await page.getByText('For the neighbours').count()).toBe(0);
  });

  test('audit trail: a request id leads to its event; export and verification', async () => {
    const requestId = await server.failedRequest();
    await open('#/audit');
    await page.getByLabel('Request id').fill(requestId);
    await press('Show');
    await page.waitForURL(/request_id=/);
    await page.getByRole('rowheader').nth(1).waitFor({ state: 'detached' });
    expect(await page.getByRole('rowheader').count()).toBe(1);
    await press(/^Details/);
    await page.getByRole('cell').getByText(requestId).waitFor();
    for (const [format, start] of [
      ['CSV', /^seq,/],
      ['NDJSON', /^\{/],
    ] as const) {
      const [download] = await Promise.all([page.waitForEvent('download'), press(`Export ${format}`)]);
      expect(await Bun.file(await download.path()).text()).toMatch(start);
    }
    await press('Verify the trail');
    await page.getByText('The trail is whole').waitFor();
    await page.goBack();
    await page.waitForURL(/#\/audit$/);
  });

  test('audit trail: what a server found wrong is shown until it is acknowledged', async () => {
    const [ends] = await server.rows.select().from(auditChain);
    await server.createClient('forgotten');
    // Set back, as by somebody in the database.
    await server.rows.delete(auditEvents).where(gt(auditEvents.seq, ends!.lastSeq));
    await server.rows.update(auditChain).set(ends!);
    await open('#/audit');
    await press('Verify the trail');
    const found = page.getByRole('listitem').filter({ hasText: 'Acknowledge' });
    await found.first().waitFor();
    const words = await found.allInnerTexts();
    for (const _ of words) {
      const [seq = ''] = /\d+/.exec(await found.first().innerText()) ?? [];
      await press(`Acknowledge ${seq}`);
      await said(`Finding ${seq} is acknowledged.`);
      await page.getByRole('button', { name: `Acknowledge ${seq}`, exact: true }).waitFor({ state: 'detached' });
    }
    expect(words.length).toBeGreaterThan(0);
  });

  test('audit trail: a check may take as long as it takes', async () => {
    await open('#/audit');
    await page.evaluate('AbortSignal.timeout = () => AbortSignal.abort()'); // each limit is over at once
    await press('Verify the trail');
    await page.getByText('The trail is whole').waitFor();
    await press('Show');
    await page.getByRole('alert').filter({ hasText: 'The server does not answer.' }).waitFor();
  });

  test('audit trail: events are chosen by their names, and times mean the same everywhere', async () => {
    const secret = await server.createClient('rotated-out');
    expect(await server.rotate('rotated-out')).toBe(201);
    expect(await server.tokenStatus('rotated-out', secret)).toBe(401);
    const away = await browser.visit({ timezoneId: 'America/New_York', locale: 'en-US' });
    await away.page.goto(`${server.url}/#/audit?from=2026-01-01T12:00:00.000Z`);
    await away.page.getByLabel('Admin secret').fill(server.adminSecret);
    await away.page.getByRole('button', { name: 'Sign in' }).click();
    expect(await away.page.getByLabel('From (EST)').inputValue()).toBe('2026-01-01T07:00');
    await away.page.getByLabel('Client id').fill('rotated-out');
    await away.page.getByLabel('Event', { exact: true }).selectOption('Client authentication');
    await away.page.getByRole('button', { name: 'Last hour' }).click();
    await away.page.waitForURL(/event=client_authentication&from=[\d-]+T[\d%A.]+Z$/);
    await away.page.getByText('1 event shown').waitFor();
    const row = away.page.getByRole('row', { name: /Secret ended \d+ (s|min) before/ });
    await row.getByRole('button', { name: /^Details/ }).click();
    const ended = away.page.getByRole('row').filter({ hasText: 'Ended at' });
    await ended.getByText(/ E[DS]T/).waitFor();
    await ended.getByText(/ (ago|now), \d+ (s|min) before this event/).waitFor();
    expect(away.faults).toEqual([]);
    await away.context.close();
  });

  test('the next page of a list begins at its top, for the eyes and for the keyboard', async () => {
    for (let made = 0; made < 26; made++) await server.createClient(`page-${made}`);
    await open('#/clients?search=page-');
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.getByRole('link', { name: 'First page' }).waitFor();
    expect(await page.evaluate('[scrollY, document.activeElement.innerText]')).toEqual([0, 'Clients']);
  });

  test('a client that there is not has a past at most', async () => {
    await open('#/clients/nobody');
    await page.getByText('There is no such client, or it was deleted.').waitFor();
    expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0);
    await page.getByRole('link', { name: 'What happened to it' }).click();
    await page.waitForURL(/#\/audit\?client=nobody$/);
  });

  test('currencies: add and retire', async () => {
    await open('#/currencies');
    await press('Add currency');
    await page.getByLabel('Symbol').fill('wif');
    await page.getByLabel('Name', { exact: true }).fill('dogwifhat');
    await page.getByLabel('First rate in US dollars').fill('2.5');
    await dialog().getByRole('button', { name: 'Add currency' }).click();
    await said('WIF is on the market.');
    await press('Retire WIF');
    await press('Retire currency');
    await page.getByRole('row', { name: /WIF/ }).getByText('Retired').waitFor();
  });
});
