// `POST /api/auth/register` over HTTP.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Database } from '../../db/connect';
import { clientSecrets, clients } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { ADMIN_SECRET, form, json, startTestServer, type TestServer } from '../testing';

const GOOD = { client_id: 'my-machine', client_secret: 'correct-horse-battery-staple', app_name: 'Zażółć' };
const register = (server: TestServer, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  server.ask('/api/auth/register', {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
const problemOf = async (answer: Response): Promise<Record<string, unknown>> => {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const problem = (await answer.json()) as Record<string, unknown>;
  expect(problem).toMatchObject({ type: 'about:blank', status: answer.status });
  expect(problem['request_id']).toBe(answer.headers.get('x-request-id') ?? '');
  return problem;
};

eachDatabase('registration', (open) => {
  let database: Database;
  let server: TestServer;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
  });
  afterAll(() => server.close());

  test('a new client is answered 200 with the message and its number', async () => {
    const answer = await register(server, GOOD);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toEqual({ message: 'Klient zarejestrowany', id: expect.any(Number) });
    expect(Number.isInteger(body['id'])).toBe(true);
  });

  test('the database holds an argon2id hash and nothing of the secret', async () => {
    await register(server, { ...GOOD, client_id: 'stored' });
    const everything = JSON.stringify([
      await database.rows.select().from(clients),
      await database.rows.select().from(clientSecrets),
    ]);
    expect(everything).not.toContain(GOOD.client_secret);
    for (const { hash } of await database.rows.select().from(clientSecrets))
      expect(hash).toMatch(/^\$argon2id\$v=19\$/);
  });

  test('an id that is taken is 400, whatever the secret, and changes nothing', async () => {
    await register(server, { ...GOOD, client_id: 'taken' });
    const answer = await register(server, { ...GOOD, client_id: 'taken', client_secret: 'another-secret-of-somebody' });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(await problemOf(answer))).not.toContain('taken"');
    const token = await server.ask('/api/auth/token', json({ client_id: 'taken', client_secret: GOOD.client_secret }));
    expect(token.status).toBe(200);
  });

  test('of many registrations of one id at once exactly one succeeds', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => register(server, { ...GOOD, client_id: 'raced' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400, 400, 400]);
  });

  test.each([
    ['the longest id', { client_id: 'a'.repeat(128) }],
    ['every kind of character in the id', { client_id: 'AZaz09._~-' }],
    ['the shortest secret', { client_id: 'short', client_secret: 'x'.repeat(16) }],
    ['the longest secret, of characters outside the BMP', { client_id: 'long', client_secret: '🔑'.repeat(256) }],
    ['members that this version does not know', { client_id: 'more', redirect_uris: ['https://example.com'] }],
  ])('%s is accepted', async (_name, change) => {
    const given = { ...GOOD, ...change };
    expect((await register(server, given)).status).toBe(200);
    const token = await server.ask(
      '/api/auth/token',
      json({ client_id: given.client_id, client_secret: given.client_secret }),
    );
    expect(token.status).toBe(200);
  });

  const MARK = 'never-echo-this-value';
  test.each([
    ['client_id missing', { ...GOOD, client_id: undefined, app_name: MARK }, 'client_id'],
    ['client_id empty', { ...GOOD, client_id: '' }, 'client_id'],
    ['client_id of the administrator', { ...GOOD, client_id: 'admin' }, 'client_id'],
    ['client_id of 129 characters', { ...GOOD, client_id: MARK.padEnd(129, 'x') }, 'client_id'],
    ['client_id with a space', { ...GOOD, client_id: `${MARK} x` }, 'client_id'],
    ['client_id with a slash', { ...GOOD, client_id: `${MARK}/x` }, 'client_id'],
    ['client_id with a last line feed', { ...GOOD, client_id: `${MARK}\n` }, 'client_id'],
    ['client_id with NUL', { ...GOOD, client_id: `${MARK}\u0000` }, 'client_id'],
    ['client_id that the trail has for others', { ...GOOD, client_id: 'Console' }, 'client_id'],
    ['client_id that a URL takes for this folder', { ...GOOD, client_id: '.', app_name: MARK }, 'client_id'],
    ['client_id that a URL takes for the folder above', { ...GOOD, client_id: '..', app_name: MARK }, 'client_id'],
    ['client_id of the form of a secret', { ...GOOD, client_id: `cs_${MARK.padEnd(48, 'x')}` }, 'client_id'],
    ['client_id a number', { ...GOOD, client_id: 7, app_name: MARK }, 'client_id'],
    ['client_secret missing', { ...GOOD, client_secret: undefined, app_name: MARK }, 'client_secret'],
    ['client_secret of 15 characters', { ...GOOD, client_secret: MARK.slice(0, 15) }, 'client_secret'],
    ['client_secret of 257 characters', { ...GOOD, client_secret: MARK.padEnd(257, 'x') }, 'client_secret'],
    ['client_secret with NUL', { ...GOOD, client_secret: `${MARK}\u0000` }, 'client_secret'],
    ['client_secret with DEL', { ...GOOD, client_secret: `${MARK}\u007f` }, 'client_secret'],
    ['client_secret with a C1 control', { ...GOOD, client_secret: `${MARK}\u0085` }, 'client_secret'],
    ['client_secret with a last line feed', { ...GOOD, client_secret: `${MARK}\n` }, 'client_secret'],
    ['client_secret an object', { ...GOOD, client_secret: { value: MARK } }, 'client_secret'],
    ['client_secret with a lone surrogate', `{"client_id":"s","client_secret":"${MARK}\\ud800","app_name":"a"}`, ''],
    ['app_name missing', { ...GOOD, app_name: undefined, client_secret: MARK }, 'app_name'],
    ['app_name empty', { ...GOOD, app_name: '' }, 'app_name'],
    ['app_name a space', { ...GOOD, app_name: ' ', client_secret: MARK }, 'app_name'],
    ['app_name with a space at the end', { ...GOOD, app_name: `${MARK} ` }, 'app_name'],
    ['app_name with NUL', { ...GOOD, app_name: `${MARK}\u0000` }, 'app_name'],
    ['app_name of 129 characters', { ...GOOD, app_name: MARK.padEnd(129, 'x') }, 'app_name'],
    ['an array', [{ ...GOOD, client_secret: MARK }], ''],
    ['null', 'null', ''],
    ['a number', '7', ''],
    ['nothing', '', ''],
    ['broken JSON', `{"client_id": "x", "client_secret": "${MARK}"`, ''],
  ])('%s is 422, names the field and echoes nothing', async (_name, body, field) => {
    const answer = await register(server, body);
    expect(answer.status).toBe(422);
    const problem = await problemOf(answer);
    if (field !== '') expect(problem['detail']).toContain(field);
    expect(JSON.stringify(problem)).not.toContain(MARK.slice(0, 15));
  });

  test.each([
    ['a form', form(GOOD)],
    ['text', { method: 'POST', body: JSON.stringify(GOOD), headers: { 'content-type': 'text/plain' } }],
    ['no content type', { method: 'POST', body: new Blob([JSON.stringify({ ...GOOD, client_id: 'bare' })]) }],
  ])('%s instead of application/json is 422', async (_name, init) => {
    const answer = await server.ask('/api/auth/register', init);
    expect(answer.status).toBe(422);
    expect(JSON.stringify(await problemOf(answer))).not.toContain(GOOD.client_secret);
  });

  test('nothing secret was logged', () => {
    const log = server.logged.join('\n');
    for (const secret of [GOOD.client_secret, MARK.slice(0, 15), 'argon2id', ADMIN_SECRET])
      expect(log).not.toContain(secret);
  });
});

describe('who may register', () => {
  const cases: [string, 'open' | 'admin' | 'closed', string | null, number][] = [
    ['open, nobody in particular', 'open', null, 200],
    ['open, the administrator', 'open', ADMIN_SECRET, 200],
    ['open, a wrong admin secret', 'open', 'wrong', 403],
    ['admin, nobody in particular', 'admin', null, 403],
    ['admin, the administrator', 'admin', ADMIN_SECRET, 200],
    ['admin, a wrong admin secret', 'admin', `${ADMIN_SECRET}x`, 403],
    ['admin, an empty admin secret', 'admin', '', 403],
    ['closed, nobody in particular', 'closed', null, 403],
    ['closed, the administrator', 'closed', ADMIN_SECRET, 403],
  ];
  eachDatabase('by REGISTRATION', (open) => {
    let database: Database;
    beforeAll(async () => {
      database = await open();
    });

    test.each(cases)('%s', async (name, registration, secret, status) => {
      const server = await startTestServer(database, { settings: { registration } });
      const headers: Record<string, string> = secret === null ? {} : { 'x-admin-secret': secret };
      const id = name.replaceAll(/\W/g, '-');
      const answer = await register(server, { ...GOOD, client_id: id }, headers);
      expect(answer.status).toBe(status);
      if (status === 403) {
        await problemOf(answer);
        const malformed = await register(server, '{', headers);
        expect(malformed.status).toBe(403);
        const unknown = await server.ask('/api/auth/token', json({ client_id: id, client_secret: GOOD.client_secret }));
        expect(unknown.status).toBe(401);
      }
      expect(server.logged.join('\n')).not.toContain(ADMIN_SECRET);
      await server.close();
    });
  });
});
