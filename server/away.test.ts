// The database away while serving: what goes on, what is refused, and that everything comes back by itself.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { connectPostgres, type Database } from '../db/connect';
import { market } from '../db/schema';
import { eachDatabase } from '../db/testing';
import { findPostgres, startPostgres, type TestPostgres } from '../db/testing-postgres';
import { form, json, startTestServer, type TestClient, type TestServer, waitFor } from './testing';

const TIMEOUT_MS = 60_000;

describe.skipIf(!findPostgres())('the database away', () => {
  let postgres: TestPostgres;
  let database: Database;
  let server: TestServer;
  let seen: TestClient;
  let unseen: TestClient;
  let token: string;
  beforeAll(async () => {
    postgres = await startPostgres();
    database = connectPostgres({ url: postgres.url });
    await database.migrate();
    server = await startTestServer(database);
    [seen, unseen] = [await server.register(), await server.register()];
    token = await server.token(seen);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await server?.close();
    await database?.close();
    await postgres?.close();
  });

  const request = ({ id, secret }: TestClient): Promise<Response> =>
    server.ask('/api/auth/token', json({ client_id: id, client_secret: secret }));
  const ready = async (): Promise<unknown> =>
    ((await (await server.ask('/health/ready')).json()) as { status: string }).status;
  const tick = async (): Promise<number | null> => {
    server.pass(3_000);
    return server.services.ticker.tick();
  };
  const expectAway = async (answer: Response): Promise<void> => {
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.text()).not.toMatch(/postgres|127\.0\.0\.1|select|ECONN/i);
  };
  const rates = async (): Promise<string> => {
    const answer = await server.read('/api/currency/', token);
    expect(answer.status).toBe(200);
    return answer.text();
  };

  /** Everything that is said of the time without a database; `leave` takes it away and `comeBack` brings it back. */
  const expectSurvival = async (leave: () => unknown, comeBack: () => unknown): Promise<void> => {
    const committed = (await tick()) ?? 0;
    const [served, version] = [await rates(), server.services.feed.snapshot().version];
    const newcomer = await server.register();
    const another = await server.token(seen);
    await leave();
    expect(await rates()).toBe(served);
    await Promise.all([
      request(newcomer).then(expectAway),
      server
        .ask('/api/auth/register', json({ client_id: 'away', client_secret: 'x'.repeat(20), app_name: 'a' }))
        .then(expectAway),
      expect(tick()).rejects.toThrow(),
    ]);
    // A client that was seen may still get tokens for five seconds, and none after that.
    await waitFor(async () => (await ready()) === 'degraded', 'the loss to be noticed', 8_000);
    await expectAway(await request(seen));
    const about = form({ token, client_id: seen.id, client_secret: seen.secret });
    await expectAway(await server.ask('/api/auth/introspect', about));
    // Not this token: a database that was only silent may yet do what it was asked.
    const revoked = form({ token: another, client_id: seen.id, client_secret: seen.secret });
    await expectAway(await server.ask('/api/auth/revoke', revoked));
    // Of a later tick he has heard elsewhere: what is known here would take him back.
    const later = { 'last-event-id': String(committed + 1) };
    await server.read('/api/currency/events', token, later).then(expectAway);
    expect((await server.ask('/health/ready')).status).toBe(200);
    expect((await server.ask('/health/live')).status).toBe(200);
    expect(await rates()).toBe(served);

    await comeBack();
    await waitFor(async () => (await ready()) === 'ok', 'the return to be noticed', 8_000);
    expect((await request(seen)).status).toBe(200);
    expect((await request(unseen)).status).toBe(200);
    expect((await request(newcomer)).status).toBe(200);
    // Nothing moved meanwhile, and the market goes on where it was.
    expect(await rates()).toBe(served);
    expect(server.services.feed.snapshot().version).toBe(version);
    expect((await database.rows.select().from(market))[0]!.seq).toBe(committed);
    expect(await tick()).toBe(committed + 1);
    expect(server.logged.join('\n')).not.toContain(seen.secret);
  };

  test(
    'stopped and started again',
    () =>
      expectSurvival(
        () => postgres.stop(),
        () => postgres.start(),
      ),
    TIMEOUT_MS,
  );
  test(
    'crashed and recovered',
    () =>
      expectSurvival(
        () => postgres.kill9(),
        () => postgres.start(),
      ),
    TIMEOUT_MS,
  );
  test(
    'silent: its processes stopped in their tracks',
    () => expectSurvival(postgres.pause, postgres.resume),
    TIMEOUT_MS,
  );

  test(
    'there to be read only: what changes nothing goes on, and what does is refused until it may',
    async () => {
      const setReadOnly = async (on: boolean): Promise<void> => {
        const operator = connectPostgres({ url: postgres.url, applicationName: 'operator' });
        await operator.rows.execute(`alter system set default_transaction_read_only = ${on}`);
        await operator.rows.execute('select pg_reload_conf()');
        await operator.close();
      };
      let count = 0;
      const register = (): Promise<Response> => {
        const body = { client_id: `late-${++count}`, client_secret: 'x'.repeat(20), app_name: 'a' };
        return server.ask('/api/auth/register', json(body));
      };
      await setReadOnly(true);
      // Each process of the database hears of it in its own time.
      let answer = await register();
      while (answer.status === 200) answer = await register();
      await expectAway(answer);
      expect((await request(seen)).status).toBe(200);
      expect(await ready()).toBe('ok');
      await setReadOnly(false);
      await waitFor(async () => (await register()).status === 200, 'a registration');
    },
    TIMEOUT_MS,
  );

  test(
    'a client disabled while the server could not hear of it is refused once it can',
    async () => {
      expect((await server.read('/api/currency/', token)).status).toBe(200);
      await postgres.stop();
      await waitFor(async () => (await ready()) === 'degraded', 'the loss to be noticed', 8_000);
      await postgres.start();
      const operator = connectPostgres({ url: postgres.url, applicationName: 'operator' });
      await operator.rows.execute(`update clients set is_active = false where client_id = '${seen.id}'`);
      await operator.close();
      await waitFor(async () => (await ready()) === 'ok', 'the return to be noticed', 8_000);
      await waitFor(async () => (await server.read('/api/currency/', token)).status === 401, 'the token to die', 1_000);
      expect((await request(seen)).status).toBe(401);
    },
    TIMEOUT_MS,
  );
});

eachDatabase('changes that cannot be read', (open) => {
  test(
    'are told to the operator once, and no tokens are issued until they are read',
    async () => {
      const database = await open();
      const server = await startTestServer(database);
      const [client, token] = [await server.register(), await server.token()];
      const request = () => server.ask('/api/auth/token', json({ client_id: client.id, client_secret: client.secret }));
      const ready = async () => (await server.ask('/health/ready')).json();
      const lines = (part: string) => server.logged.filter((line) => line.includes(part));
      const rename = (from: string, to: string) =>
        database.rows.execute(sql.raw(`alter table ${from} rename to ${to}`));
      await rename('resources', 'resources_gone');
      await database.rows.execute("select pg_notify('changes', 'resources:1')");
      await waitFor(() => lines('changes cannot be taken in').length > 0, 'the first line');
      await waitFor(async () => (await request()).status === 503, 'tokens to be refused', 8_000);
      expect(await ready()).toEqual({ status: 'degraded', database: 'stale', signing_keys: 'ok' });
      const about = form({ token, client_id: client.id, client_secret: client.secret });
      const refused = await server.ask('/api/auth/introspect', about);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^[1-9]\d*$/)]);
      expect((await server.read('/api/currency/', token)).status).toBe(200);

      await rename('resources_gone', 'resources');
      await waitFor(async () => (await request()).status === 200, 'tokens again', 8_000);
      expect(await ready()).toEqual({ status: 'ok', database: 'ok', signing_keys: 'ok' });
      expect([lines('changes cannot be taken in').length, lines('changes are taken in again').length]).toEqual([1, 1]);
      await server.close();
    },
    TIMEOUT_MS,
  );
});
