// Events of a server over HTTP, and while its database is away.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { asc } from 'drizzle-orm';
import { connectPostgres, type Database } from '../../db/connect';
import { auditEvents } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { findPostgres, startPostgres, type TestPostgres } from '../../db/testing-postgres';
import { ADMIN_SECRET, json, startTestServer, type TestServer, waitFor } from '../testing';

const TIMEOUT_MS = 60_000;
const eventsIn = (database: Database) => database.rows.select().from(auditEvents).orderBy(asc(auditEvents.seq));
const ALL = { client: null, event: null, outcome: null, from: null, to: null, cursor: null, limit: 10 };

eachDatabase('what happens over HTTP', (open) => {
  let database: Database;
  let server: TestServer;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
  });
  afterAll(() => server.close());

  test('a registration is in the trail before its answer, under the request id of the answer', async () => {
    const body = { client_id: 'machine', client_secret: 'correct-horse-battery', app_name: 'a' };
    const answer = await server.ask('/api/auth/register', json(body));
    expect(answer.status).toBe(200);
    expect((await eventsIn(database)).slice(-1)).toMatchObject([
      {
        event: 'client_registered',
        outcome: 'success',
        clientId: 'machine',
        address: '127.0.0.1',
        requestId: answer.headers.get('x-request-id') ?? '',
        at: new Date(server.now()),
      },
    ]);
  });

  test('a refusal is found by the request id that the caller was told, with the cause that he was not told', async () => {
    const answer = await server.ask('/api/auth/token', json({ client_id: 'machine', client_secret: 'x'.repeat(20) }));
    expect(answer.status).toBe(401);
    await server.services.audit.flush();
    const requestId = answer.headers.get('x-request-id');
    const { items } = await server.services.audit.page({ ...ALL, requestId });
    expect(items).toMatchObject([
      { event: 'client_authentication', outcome: 'failure', reason: 'secret_wrong', clientId: 'machine' },
    ]);
  });

  test('issued tokens leave nothing in the trail', async () => {
    const before = (await eventsIn(database)).length;
    const client = { id: 'machine', secret: 'correct-horse-battery' };
    for (const _ of Array(5)) await server.token(client);
    await server.services.audit.flush();
    expect((await eventsIn(database)).length).toBe(before);
    expect(await server.services.audit.verify()).toMatchObject({ fault: null });
  });
});

describe.skipIf(!findPostgres())('the trail while PostgreSQL is away', () => {
  let postgres: TestPostgres;
  let database: Database;
  let server: TestServer;
  beforeAll(async () => {
    postgres = await startPostgres();
    database = connectPostgres({ url: postgres.url });
    await database.migrate();
    server = await startTestServer(database);
    await server.register();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await server?.close();
    await database?.close();
    await postgres?.close();
  });
  const record = (event: string) =>
    server.services.audit.record({ event, outcome: 'success', actor: 'admin', address: null, requestId: null });

  test.each([
    ['stopped and started', () => postgres.stop(), () => postgres.start()],
    ['crashed', () => postgres.kill9(), () => postgres.start()],
    ['silent', () => postgres.pause(), () => postgres.resume()],
  ])(
    'events wait, whoever waits for them goes on after 2 s, and all are there afterwards: %s',
    async (name, leave, comeBack) => {
      const word = name.split(' ')[0];
      const before = (await eventsIn(database)).length;
      await record(`${word}_before`);
      await leave();
      const begun = performance.now();
      await Promise.all([record(`${word}_1`), record(`${word}_2`), record(`${word}_3`)]);
      expect(performance.now() - begun).toBeLessThan(3_000);
      expect(server.services.audit.state()).toMatchObject({ queued: 3, lost: 0 });
      await comeBack();
      const deadline = performance.now() + 20_000;
      while (server.services.audit.state().queued > 0 && performance.now() < deadline) await Bun.sleep(50);
      const events = (await eventsIn(database)).slice(before).map(({ event }) => event);
      expect(events).toEqual(['before', '1', '2', '3'].map((which) => `${word}_${which}`));
      expect(await server.services.audit.verify()).toMatchObject({ fault: null });
      expect(server.logged.join('\n')).toContain('audit events are written again');
    },
    TIMEOUT_MS,
  );

  test(
    'an export that cannot be read is refused, and is none',
    async () => {
      const headers = { 'x-admin-secret': ADMIN_SECRET };
      await postgres.stop();
      const answer = await server.ask('/api/admin/audit/export?format=csv', { headers });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([503, 'application/problem+json']);
      await postgres.start();
      const isBack = async () => (await server.ask('/api/admin/audit', { headers })).status === 200;
      await waitFor(isBack, 'the database to answer');
      expect((await eventsIn(database)).filter(({ event }) => event === 'audit_exported')).toEqual([]);
      expect((await server.ask('/api/admin/audit/export', { headers })).status).toBe(200);
    },
    TIMEOUT_MS,
  );

  test(
    'a server killed in the middle of writing leaves a chain that holds',
    async () => {
      const writing = Array.from({ length: 40 }, async (_, at) => {
        await Bun.sleep(at * 5);
        await record(`killed_${at}`);
      });
      await Bun.sleep(60);
      await postgres.kill9();
      await postgres.start();
      await Promise.all(writing);
      const deadline = performance.now() + 20_000;
      while (server.services.audit.state().queued > 0 && performance.now() < deadline) await Bun.sleep(50);
      const events = (await eventsIn(database))
        .map(({ event }) => event)
        .filter((event) => event.startsWith('killed_'));
      // Each once: what was committed without a word of it is not written again.
      expect(events.toSorted()).toEqual(Array.from({ length: 40 }, (_, at) => `killed_${at}`).toSorted());
      expect(await server.services.audit.verify()).toMatchObject({ fault: null });
    },
    TIMEOUT_MS,
  );
});
