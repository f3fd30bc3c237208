// Secrets over HTTP: which are right, why one is not, and how they are changed over without a failure.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import type { Database } from '../../db/connect';
import { auditEvents, clientSecrets, clients } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { ADMIN_SECRET, basic, form, json, startTestServer, type TestClient, type TestServer } from '../testing';
import type { SecretView } from './model';
import { makeSecret } from './secret-format';
import type { NewClient } from './settings';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ADMIN = { 'x-admin-secret': ADMIN_SECRET };
const JSON_TYPE = { 'content-type': 'application/json' };

/** What a client is made of that nobody has thought about. */
const PLAIN: NewClient = {
  clientId: null,
  appName: 'Tests',
  authMethod: 'client_secret_basic',
  jwks: null,
  jwksUri: null,
  tlsSubject: null,
  grants: null,
  dpopBound: false,
  certificateBound: false,
  limits: { api: null, token: null },
  metadata: {},
  secret: { label: '', expiresInSeconds: null },
  manageable: false,
};

interface Rotated {
  readonly client_id: string;
  readonly client_secret: string;
  readonly client_secret_expires_at: number;
  readonly secret: SecretView;
  readonly others: readonly SecretView[];
}

eachDatabase('secrets', (open) => {
  let database: Database;
  let server: TestServer;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
  });
  afterAll(() => server.close());

  /** A client with one generated secret. */
  const make = async (change: Partial<NewClient> = {}): Promise<TestClient> => {
    const { client, clientSecret } = await server.services.clients.create({ ...PLAIN, ...change });
    return { id: client.client_id, secret: clientSecret ?? '' };
  };
  const ask = (client: TestClient): Promise<Response> =>
    server.ask('/api/auth/token', json({ client_id: client.id, client_secret: client.secret }));
  const statusOf = async (client: TestClient): Promise<number> => (await ask(client)).status;
  const path = ({ id }: TestClient): string => `/api/clients/${id}/secrets`;
  const post = (client: TestClient, body: unknown, headers: Record<string, string> = ADMIN): Promise<Response> =>
    server.ask(path(client), { method: 'POST', body: JSON.stringify(body), headers: { ...JSON_TYPE, ...headers } });
  const rotate = async (client: TestClient, body: unknown = {}): Promise<Rotated> => {
    const answer = await post(client, body);
    expect(answer.status).toBe(201);
    return (await answer.json()) as Rotated;
  };
  const list = async (client: TestClient): Promise<SecretView[]> =>
    ((await (await server.ask(path(client), { headers: ADMIN })).json()) as { items: SecretView[] }).items;
  const remove = async (client: TestClient, id: number): Promise<number> =>
    (await server.ask(`${path(client)}/${id}`, { method: 'DELETE', headers: ADMIN })).status;
  /** The last failure that the operator was told of. */
  const lastFailure = (): Record<string, unknown> => {
    const lines = server.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    return lines.findLast((line) => JSON.stringify(line).includes('client_authentication')) ?? {};
  };

  describe('generated', () => {
    test('have a form of their own with a checksum, and are stored as a digest only', async () => {
      const client = await make();
      expect(client.secret).toMatch(/^cs_[A-Za-z0-9_-]{48}$/);
      const body = Buffer.from(client.secret.slice(3), 'base64url');
      expect(body.readUInt32BE(32)).toBe(Bun.hash.crc32(body.subarray(0, 32)));
      const everything = JSON.stringify(await database.rows.select().from(clientSecrets));
      expect(everything).toContain(
        `sha256:${new Bun.CryptoHasher('sha256').update(client.secret).digest('base64url')}`,
      );
      expect(everything).not.toContain(client.secret);
    });

    test('are right the first time and again, in a header and in a body', async () => {
      const client = await make();
      expect([await statusOf(client), await statusOf(client)]).toEqual([200, 200]);
      const answer = await server.ask('/api/auth/token', {
        method: 'POST',
        body: 'grant_type=client_credentials',
        headers: { authorization: basic(client), 'content-type': 'application/x-www-form-urlencoded' },
      });
      expect(answer.status).toBe(200);
    });

    test('are listed with their last four characters and never whole', async () => {
      const client = await make({ secret: { label: 'first', expiresInSeconds: 3_600 } });
      const answer = await server.ask(path(client), { headers: ADMIN });
      const text = await answer.text();
      expect(text).not.toContain(client.secret);
      expect(JSON.parse(text)).toEqual({
        items: [
          {
            id: expect.any(Number),
            label: 'first',
            hint: client.secret.slice(-4),
            kind: 'generated',
            state: 'ending',
            created_at: new Date(server.now()).toISOString(),
            expires_at: new Date(server.now() + HOUR_MS).toISOString(),
            last_used_at: null,
          },
        ],
      });
    });
  });

  describe('chosen', () => {
    test('that look generated are refused', async () => {
      const { secret } = await make();
      const body = { client_id: 'looks-generated', client_secret: secret, app_name: 'a' };
      const answer = await server.ask('/api/auth/register', json(body));
      expect(answer.status).toBe(422);
      expect(await answer.text()).not.toContain(secret);
    });

    test.each([
      ['24 characters show their last four', `${'x'.repeat(20)}last`, 'last'],
      ['23 characters show nothing', `${'x'.repeat(19)}last`, null],
    ])('%s', async (name, secret, hint) => {
      const client = { id: name.replaceAll(' ', '-'), secret };
      await server.ask('/api/auth/register', json({ client_id: client.id, client_secret: secret, app_name: 'a' }));
      expect(await list(client)).toMatchObject([{ kind: 'chosen', hint, state: 'live' }]);
    });

    test('work beside generated ones', async () => {
      const client = await server.register();
      const { client_secret: secret } = await rotate(client);
      expect(await statusOf(client)).toBe(200);
      expect(await statusOf({ ...client, secret })).toBe(200);
      expect((await list(client)).map(({ kind }) => kind)).toEqual(['chosen', 'generated']);
    });
  });

  describe('failures', () => {
    const wrongChecksum = `cs_${'A'.repeat(48)}`;
    test('look the same to the caller and exact to the operator', async () => {
      const client = await make();
      const other = await make();
      const disabled = await make();
      await server.services.clients.setActive(disabled.id, false);
      const ended = await make({ secret: { label: '', expiresInSeconds: 60 } });
      await rotate(ended, { overlap_seconds: 0 });
      const cases: [TestClient, string][] = [
        [{ ...client, id: 'nobody-of-that-name' }, 'client_unknown'],
        [{ ...client, secret: other.secret }, 'secret_wrong'],
        [{ ...client, secret: wrongChecksum }, 'secret_wrong'],
        [{ ...client, secret: 'chosen-by-nobody' }, 'secret_wrong'],
        [disabled, 'client_disabled'],
        [ended, 'secret_ended'],
      ];
      const bodies = new Set<string>();
      for (const [credentials, reason] of cases) {
        const answer = await ask(credentials);
        expect(answer.status).toBe(401);
        bodies.add(await answer.text());
        expect(lastFailure()).toMatchObject({ message: reason });
      }
      expect(bodies.size).toBe(1);
      expect(JSON.stringify(lastFailure())).toContain(new Date(server.now()).toISOString());
    });

    test('a secret that was sent as the client_id is told nobody', async () => {
      const { secret } = await make();
      await ask({ id: secret, secret: 'x'.repeat(20) });
      await server.ask(`/api/clients/${secret}`, { headers: { authorization: `Bearer ${secret}` } });
      await server.services.audit.flush();
      const trail = JSON.stringify(await database.rows.select().from(auditEvents));
      expect(trail).toContain('client_unknown');
      expect(trail + server.logged.join('\n')).not.toContain(secret);
    });

    test('none of them shows a secret in the log', async () => {
      const log = server.logged.join('\n');
      expect(log).not.toContain(wrongChecksum);
      expect(log).not.toMatch(/cs_[A-Za-z0-9_-]{48}/);
    });

    test('a secret that was right a moment ago ends on the second, remembered or not', async () => {
      const client = await make({ secret: { label: '', expiresInSeconds: 60 } });
      expect(await statusOf(client)).toBe(200);
      server.pass(59_999);
      expect(await statusOf(client)).toBe(200);
      server.pass(1);
      expect(await statusOf(client)).toBe(401);
    });

    test('disabling forgets what was remembered before it is answered', async () => {
      const client = await make();
      expect(await statusOf(client)).toBe(200);
      await server.services.clients.setActive(client.id, false);
      expect(await statusOf(client)).toBe(401);
      await server.services.clients.setActive(client.id, true);
      expect(await statusOf(client)).toBe(200);
    });
  });

  describe('rotation', () => {
    test('gives a new secret at once and lets the old one go on for a day', async () => {
      const client = await make();
      expect(await statusOf(client)).toBe(200);
      const rotated = await rotate(client, { label: 'autumn' });
      expect(rotated).toMatchObject({ client_id: client.id, client_secret_expires_at: 0 });
      expect(rotated.secret).toMatchObject({ label: 'autumn', state: 'live', kind: 'generated' });
      const next = { ...client, secret: rotated.client_secret };
      expect([await statusOf(client), await statusOf(next)]).toEqual([200, 200]);
      server.pass(DAY_MS - 1);
      expect([await statusOf(client), await statusOf(next)]).toEqual([200, 200]);
      server.pass(1);
      expect([await statusOf(client), await statusOf(next)]).toEqual([401, 200]);
      expect((await list(client)).map(({ state }) => state)).toEqual(['ended', 'live']);
    });

    test('without overlap ends the old one before it is answered, used before or not', async () => {
      const client = await make();
      expect(await statusOf(client)).toBe(200);
      const { client_secret } = await rotate(client, { overlap_seconds: 0 });
      expect([await statusOf(client), await statusOf({ ...client, secret: client_secret })]).toEqual([401, 200]);
    });

    test('with null leaves the others as they are', async () => {
      const client = await make();
      await rotate(client, { overlap_seconds: null });
      expect((await list(client)).map(({ expires_at }) => expires_at)).toEqual([null, null]);
    });

    test('lets nobody go on for longer than they had', async () => {
      const client = await make({ secret: { label: '', expiresInSeconds: 3_600 } });
      const [before] = await list(client);
      await rotate(client);
      expect((await list(client))[0]?.expires_at).toBe(before?.expires_at ?? null);
    });

    test('tells when the new one ends, in seconds since the epoch', async () => {
      const client = await make();
      const { client_secret_expires_at: at } = await rotate(client, { expires_in_seconds: 60 });
      expect(at).toBe(Math.floor(server.now() / 1000) + 60);
    });

    test('makes five at most, until one has ended or is removed', async () => {
      const client = await make();
      for (let count = 1; count < 5; count += 1) await rotate(client, { overlap_seconds: null });
      const answer = await post(client, { overlap_seconds: null });
      expect(answer.status).toBe(409);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect((await post(client, {})).status).toBe(409);
      const [first] = await list(client);
      expect(await remove(client, first?.id ?? 0)).toBe(204);
      expect((await post(client, {})).status).toBe(201);
      expect((await post(client, { overlap_seconds: 0 })).status).toBe(201);
    });

    test('of many at once makes no more than five', async () => {
      const client = await make();
      const answers = await Promise.all(Array.from({ length: 8 }, () => post(client, { overlap_seconds: null })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 201, 409, 409, 409, 409]);
      expect(await list(client)).toHaveLength(5);
    });

    test('keeps no more than twenty ended ones', async () => {
      const client = await make();
      for (let count = 0; count < 25; count += 1) await rotate(client, { overlap_seconds: 0 });
      expect((await list(client)).length).toBeLessThanOrEqual(22);
    });

    test('is not for a client that has no use for a secret', async () => {
      const [x, y] = ['f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'];
      const keys = { keys: [{ kty: 'EC', crv: 'P-256', x, y }] };
      const client = await make({ authMethod: 'private_key_jwt', jwks: keys });
      expect(client.secret).toBe('');
      const answer = await post(client, {});
      expect(answer.status).toBe(409);
      expect(((await answer.json()) as { detail: string }).detail).toContain('does not authenticate by a secret');
    });

    const MARK = 'never-echo-this-value';
    test.each([
      ['a label of 65 characters', { label: MARK.padEnd(65, 'x') }, 'label'],
      ['a label of blanks', { label: '   ' }, 'label'],
      ['a label with a blank at its end', { label: `${MARK} ` }, 'label'],
      ['a label with a control', { label: `${MARK}\n` }, 'label'],
      ['an end that is no number', { expires_in_seconds: MARK }, 'expires_in_seconds'],
      ['an end in the past', { expires_in_seconds: -1 }, 'expires_in_seconds'],
      ['half a second of overlap', { overlap_seconds: 0.5 }, 'overlap_seconds'],
      ['a year of overlap', { overlap_seconds: 31_536_000 }, 'overlap_seconds'],
      ['an overlap that is text', { overlap_seconds: '0' }, 'overlap_seconds'],
      ['an end that is text', { expires_in_seconds: '3600' }, 'expires_in_seconds'],
      ['a member of another name', { overlap: 0 }, 'overlap_seconds'],
      ['a member of any name', { [MARK]: 0 }, 'overlap_seconds'],
      ['a list', [MARK], 'body'],
    ])('%s is 422, echoes nothing and changes nothing', async (_name, body, field) => {
      const client = await make();
      const admin = server.ask(`/api/admin/clients/${client.id}/secrets`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { ...JSON_TYPE, ...ADMIN },
      });
      for (const answer of [
        await post(client, body),
        await post(client, body, { authorization: basic(client) }),
        await admin,
      ]) {
        expect(answer.status).toBe(422);
        const text = await answer.text();
        expect(text.toLowerCase()).toContain(field);
        expect(text).not.toContain(MARK);
      }
      expect(await list(client)).toHaveLength(1);
    });

    test('tells which others were live and when each ends', async () => {
      const client = await make();
      const [first] = await list(client);
      const inADay = new Date(server.now() + DAY_MS).toISOString();
      const { secret, others } = await rotate(client);
      expect(others).toMatchObject([{ id: first?.id, state: 'ending', expires_at: inADay }]);
      // By the clock of every server.
      const ended = new Date(server.now() - 60_000).toISOString();
      expect((await rotate(client, { overlap_seconds: 0 })).others).toMatchObject([
        { id: first?.id, state: 'ended', expires_at: ended },
        { id: secret.id, state: 'ended', expires_at: ended },
      ]);
    });

    test('takes no body at all as its defaults', async () => {
      const client = await make();
      const answer = await server.ask(path(client), { method: 'POST', headers: ADMIN });
      expect(answer.status).toBe(201);
    });
  });

  describe('removal', () => {
    test('ends a live one at once, remembered or not, and tells why afterwards', async () => {
      const client = await make();
      expect(await statusOf(client)).toBe(200);
      await rotate(client, { overlap_seconds: null });
      const [first] = await list(client);
      expect(await remove(client, first?.id ?? 0)).toBe(204);
      expect(await statusOf(client)).toBe(401);
      expect(lastFailure()).toMatchObject({ message: 'secret_ended' });
    });

    test('of the last live one is refused', async () => {
      const client = await make();
      const [only] = await list(client);
      expect(await remove(client, only?.id ?? 0)).toBe(409);
      expect(await statusOf(client)).toBe(200);
    });

    test('takes an ended one off the list', async () => {
      const client = await make();
      await rotate(client, { overlap_seconds: 0 });
      const [first] = await list(client);
      expect(await remove(client, first?.id ?? 0)).toBe(204);
      expect(await list(client)).toHaveLength(1);
      await ask(client);
      expect(lastFailure()).toMatchObject({ message: 'secret_wrong' });
    });

    test.each(['0', '999999', 'x', '99999999999', '-1'])('of %s is 404', async (id) => {
      const client = await make();
      const answer = await server.ask(`${path(client)}/${id}`, { method: 'DELETE', headers: ADMIN });
      expect(answer.status).toBe(404);
    });

    test('of what can be the id of nobody is 404', async () => {
      for (const id of ['%00', 'a%00b', 'x'.repeat(129), '%C5%BC']) {
        expect((await server.ask(`/api/clients/${id}/secrets`, { method: 'POST', headers: ADMIN })).status).toBe(404);
        const one = await server.ask(`/api/clients/${id}/secrets/1`, { method: 'DELETE', headers: ADMIN });
        expect(one.status).toBe(404);
      }
    });

    test("of another client's is 404", async () => {
      const [client, other] = [await make(), await make()];
      const [foreign] = await list(other);
      expect(await remove(client, foreign?.id ?? 0)).toBe(404);
      expect(await statusOf(other)).toBe(200);
    });
  });

  describe('who may', () => {
    test('the client itself, by its own authentication', async () => {
      const client = await make();
      const own = { authorization: basic(client) };
      expect((await server.ask(path(client), { headers: own })).status).toBe(200);
      expect((await post(client, { overlap_seconds: null }, own)).status).toBe(201);
      expect((await post(client, { client_id: client.id, client_secret: client.secret }, {})).status).toBe(201);
    });

    test('the client itself, by its registration access token', async () => {
      const { client, registrationToken } = await server.services.clients.create({ ...PLAIN, manageable: true });
      const own = { authorization: `Bearer ${registrationToken}` };
      expect(registrationToken).toMatch(/^rat_[A-Za-z0-9_-]{48}$/);
      expect((await post({ id: client.client_id, secret: '' }, {}, own)).status).toBe(201);
    });

    test('nobody else, and nobody learns whether there is such a client', async () => {
      const [client, other] = [await make(), await make()];
      const { registrationToken } = await server.services.clients.create({ ...PLAIN, manageable: true });
      const gone = { id: 'gone-or-never-there', secret: '' };
      const strangers: Record<string, string>[] = [
        {},
        { 'x-admin-secret': 'wrong' },
        { authorization: basic(other) },
        { authorization: `Bearer ${registrationToken}` },
        { authorization: `Bearer rat_${'A'.repeat(48)}` },
        { authorization: 'Bearer anything' },
      ];
      for (const headers of strangers) {
        const [there, missing] = [await post(client, {}, headers), await post(gone, {}, headers)];
        expect([there.status, missing.status]).toEqual([401, 401]);
        expect(there.headers.get('www-authenticate')).toBe(missing.headers.get('www-authenticate') ?? '');
        expect(there.headers.get('www-authenticate')).toMatch(/^(Bearer|Basic) /);
        const withoutId = (text: string): string => text.replace(/"request_id":"[^"]*"/, '');
        expect(withoutId(await there.text())).toBe(withoutId(await missing.text()));
        expect((await server.ask(path(client), { headers })).status).toBe(401);
        expect((await server.ask(`${path(client)}/1`, { method: 'DELETE', headers })).status).toBe(401);
      }
      const strange = await post(
        client,
        { client_id: 'nobody\u0000', client_secret: makeSecret('cs', randomBytes) },
        {},
      );
      expect(strange.status).toBe(401);
      expect(await list(client)).toHaveLength(1);
    });

    test('a disabled client may not', async () => {
      const { client, clientSecret, registrationToken } = await server.services.clients.create({
        ...PLAIN,
        manageable: true,
      });
      await server.services.clients.setActive(client.client_id, false);
      const disabled = { id: client.client_id, secret: clientSecret ?? '' };
      expect((await post(disabled, {}, { authorization: basic(disabled) })).status).toBe(401);
      expect((await post(disabled, {}, { authorization: `Bearer ${registrationToken}` })).status).toBe(401);
    });

    test('each change is told to the operator, with who did it', async () => {
      const client = await make();
      server.logged.length = 0;
      const { secret } = await rotate(client, { label: 'autumn', expires_in_seconds: 60 });
      await post(client, { overlap_seconds: null }, { authorization: basic(client) });
      await remove(client, secret.id);
      const lines = server.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
      const told = (event: string) => lines.filter((line) => line['event.action'] === event);
      const { id: secret_id, expires_at } = secret;
      expect(told('secret_created')).toMatchObject([
        { 'user.name': 'admin', labels: { secret_id, label: 'autumn', expires_at, overlap_seconds: 86_400 } },
        { 'user.name': client.id, labels: { label: '', expires_at: null, overlap_seconds: null } },
      ]);
      const ended = new Date(server.now() - 60_000).toISOString();
      expect(told('secret_revoked')).toMatchObject([
        { 'user.name': 'admin', labels: { secret_id, label: 'autumn', expires_at: ended } },
      ]);
      expect(server.logged.join('\n')).not.toMatch(/cs_[A-Za-z0-9_-]{48}/);
    });
  });

  describe('in time', () => {
    const tell = (told: unknown[]) => async (event: unknown) => void told.push(event);

    test('the operator is told once that a secret enters its last week', async () => {
      const client = await make({ secret: { label: 'old', expiresInSeconds: 8 * 86_400 } });
      const told: Record<string, unknown>[] = [];
      await server.services.clients.maintain(tell(told));
      expect(told.filter(({ clientId }) => clientId === client.id)).toEqual([]);
      server.pass(DAY_MS);
      await server.services.clients.maintain(tell(told));
      await server.services.clients.maintain(tell(told));
      expect(told.filter(({ clientId }) => clientId === client.id)).toMatchObject([
        { event: 'secret_expiring', actor: 'server', details: { label: 'old' } },
      ]);
      expect((await list(client))[0]?.state).toBe('ending');
    });

    test('the log says so as a warning, by the chores of the server', async () => {
      const client = await make({ secret: { label: 'soon', expiresInSeconds: 86_400 } });
      server.pass(60_000);
      await server.services.maintenance.run();
      const lines = server.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
      const about = lines.filter((line) => line['client.id'] === client.id && line['message'] === 'secret_expiring');
      expect(about).toMatchObject([{ 'log.level': 'warn', labels: { label: 'soon' } }]);
    });

    /** Numbers of the secrets of the client that the operator is told of now. */
    const toldOf = async ({ id }: TestClient): Promise<unknown[]> => {
      const told: { clientId?: string; details?: { secret_id: number } }[] = [];
      await server.services.clients.flush();
      await server.services.clients.maintain(tell(told));
      return told.filter(({ clientId }) => clientId === id).map(({ details }) => details?.secret_id);
    };

    test('nobody is told of a secret that ends because it was rotated, when it was used up to then', async () => {
      const client = await make();
      expect(await statusOf(client)).toBe(200);
      await rotate(client);
      for (let hour = 0; hour < 24; hour += 1) {
        expect(await toldOf(client)).toEqual([]);
        server.pass(HOUR_MS);
        if (hour < 11) expect(await statusOf(client)).toBe(200);
      }
    });

    test('of a rotated one that is in use in the second half of the overlap one is told, once', async () => {
      const client = await make();
      const [old] = await list(client);
      await rotate(client);
      server.pass(12 * HOUR_MS);
      expect(await statusOf(client)).toBe(200);
      expect(await toldOf(client)).toEqual([]);
      server.pass(1_000);
      expect(await statusOf(client)).toBe(200);
      expect(await toldOf(client)).toEqual([old?.id]);
      expect(await toldOf(client)).toEqual([]);
    });

    test('of one with a long overlap that was used in its last week', async () => {
      const [used, left] = [await make(), await make()];
      const [old] = await list(used);
      for (const client of [used, left]) await rotate(client, { overlap_seconds: 90 * 86_400 });
      server.pass(80 * DAY_MS);
      for (const client of [used, left]) expect(await statusOf(client)).toBe(200);
      server.pass(4 * DAY_MS);
      expect(await statusOf(used)).toBe(200);
      expect([await toldOf(used), await toldOf(left)]).toEqual([[old?.id], []]);
    });

    test('of a rotated one that is the last one after all', async () => {
      const client = await make();
      const [old] = await list(client);
      const { secret } = await rotate(client);
      expect(await toldOf(client)).toEqual([]);
      expect(await remove(client, secret.id)).toBe(204);
      expect(await toldOf(client)).toEqual([old?.id]);
      expect(await toldOf(client)).toEqual([]);
    });

    test('of both when the new one ends first', async () => {
      const client = await make();
      const [old] = await list(client);
      const { secret } = await rotate(client, { expires_in_seconds: 3_600 });
      expect(await toldOf(client)).toEqual([old?.id, secret.id]);
    });

    test('again when one is to end earlier than was told', async () => {
      const client = await make({ secret: { label: '', expiresInSeconds: 6 * 86_400 } });
      const [old] = await list(client);
      expect(await toldOf(client)).toEqual([old?.id]);
      await rotate(client, { overlap_seconds: 2 * 3_600 });
      server.pass(HOUR_MS + 1_000);
      expect(await statusOf(client)).toBe(200);
      expect(await toldOf(client)).toEqual([old?.id]);
    });

    test('the metrics and the list of clients know the same', async () => {
      const shown = async (): Promise<unknown> => {
        await server.services.clients.maintain(tell([]));
        const { ending, replaced, nextEnd } = server.services.clients.secretCounts() ?? {};
        const { items } = (await (
          await server.ask('/api/admin/clients?state=secret_ending', { headers: ADMIN })
        ).json()) as { items: { client_id: string }[] };
        return { ending, replaced, nextEnd: nextEnd?.getTime(), listed: items.map(({ client_id: id }) => id) };
      };
      await database.rows.delete(clients);
      const client = await make();
      expect(await shown()).toEqual({ ending: 0, replaced: 0, nextEnd: undefined, listed: [] });
      const { secret } = await rotate(client);
      expect(await shown()).toEqual({ ending: 0, replaced: 1, nextEnd: undefined, listed: [] });
      expect(await remove(client, secret.id)).toBe(204);
      const nextEnd = server.now() + DAY_MS;
      expect(await shown()).toEqual({ ending: 1, replaced: 0, nextEnd, listed: [client.id] });
      await server.services.clients.setActive(client.id, false);
      expect(await shown()).toEqual({ ending: 0, replaced: 1, nextEnd: undefined, listed: [] });
    });

    test('an ended secret is known for thirty days as ended, then it is wrong like any other', async () => {
      const client = await make();
      await rotate(client, { overlap_seconds: 0 });
      server.pass(30 * DAY_MS - 60_001);
      await server.services.clients.maintain(tell([]));
      await ask(client);
      expect(lastFailure()).toMatchObject({ message: 'secret_ended' });
      server.pass(1);
      await server.services.clients.maintain(tell([]));
      await ask(client);
      expect(lastFailure()).toMatchObject({ message: 'secret_wrong' });
    });
  });

  describe('usage', () => {
    const about = (what: string, client_id: string, client_secret: string): Promise<Response> =>
      server.ask(`/api/auth/${what}`, form({ token: 'any', client_id, client_secret }));

    test('is counted in memory and written in one go, added to what is there', async () => {
      const [client, other] = [await make(), await make()];
      const { clients: service } = server.services;
      const { secretId } = await service.checkSecret(client.id, client.secret);
      for (let count = 0; count < 3; count += 1) {
        service.used(client.id, secretId);
        service.issued(client.id);
      }
      server.pass(1_000);
      service.issued(client.id);
      service.used(other.id, null);
      service.used('nobody-of-that-name', 999_999);
      expect((await service.show(client.id)).tokens_issued).toBe(0);
      await service.flush();
      await service.flush();
      const shown = await service.show(client.id);
      expect(shown).toMatchObject({ tokens_issued: 4, last_used_at: new Date(server.now()).toISOString() });
      expect(shown.secrets[0]?.last_used_at).toBe(new Date(server.now() - 1_000).toISOString());
      service.issued(client.id);
      await service.flush();
      expect((await service.show(client.id)).tokens_issued).toBe(5);
      expect(await service.show(other.id)).toMatchObject({
        tokens_issued: 0,
        last_used_at: new Date(server.now()).toISOString(),
      });
    });

    test.each<[string, (client: TestClient) => Promise<Response>, number]>([
      ['a token', ask, 1],
      [
        'a request that is refused for something else',
        ({ id, secret }) =>
          server.ask('/api/auth/token', json({ client_id: id, client_secret: secret, scope: 'none' })),
        0,
      ],
      ['introspection', ({ id, secret }) => about('introspect', id, secret), 0],
      ['revocation', ({ id, secret }) => about('revoke', id, secret), 0],
      ['its own rotation', (client) => post(client, { overlap_seconds: null }, { authorization: basic(client) }), 0],
    ])('%s is a use of client and secret', async (_name, use, tokens) => {
      const client = await make();
      server.pass(1_000);
      expect((await use(client)).status).toBeLessThan(401);
      await server.services.clients.flush();
      const shown = await server.services.clients.show(client.id);
      const now = new Date(server.now()).toISOString();
      expect(shown).toMatchObject({ tokens_issued: tokens, last_used_at: now });
      expect(shown.secrets[0]?.last_used_at).toBe(now);
    });

    test('what is refused is none', async () => {
      const client = await make();
      expect((await ask({ ...client, secret: makeSecret('cs', randomBytes) })).status).toBe(401);
      await server.services.clients.flush();
      expect(await server.services.clients.show(client.id)).toMatchObject({ last_used_at: null, tokens_issued: 0 });
    });

    test('is announced to nobody', async () => {
      const client = await make();
      const heard: string[] = [];
      const listener = await database.listen('changes', (payload) => heard.push(payload));
      server.services.clients.used(client.id, null);
      await server.services.clients.flush();
      await database.rows.select({ sent: sql`pg_notify('changes', 'mark')` }).from(sql`(select 1) as one`);
      while (!heard.includes('mark')) await Bun.sleep(5);
      expect(heard.filter((payload) => payload.includes(client.id))).toEqual([]);
      await listener.close();
    });
  });

  test('a client that goes takes its secrets along', async () => {
    const client = await make();
    const [row] = await database.rows.select().from(clients).where(eq(clients.clientId, client.id));
    await server.services.clients.remove(client.id);
    expect(await statusOf(client)).toBe(401);
    const left = await database.rows
      .select()
      .from(clientSecrets)
      .where(eq(clientSecrets.client, row?.id ?? 0));
    expect(left).toEqual([]);
  });
});
