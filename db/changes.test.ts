import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { type Changes, NothingHeard, watchChanges } from './changes';
import { connectPostgres, type Database } from './connect';
import { notify } from './notify';
import { call } from './rows';
import { clients } from './schema';
import { eachDatabase } from './testing';
import { findPostgres, START_TIMEOUT_MS, startPostgres, type TestPostgres, until } from './testing-postgres';

setDefaultTimeout(START_TIMEOUT_MS);

const now = () => performance.now();

const said: string[] = [];
const told = {
  failed: (error: unknown) => void said.push(String(error)),
  recovered: () => void said.push('recovered'),
};

eachDatabase('The change feed', (open) => {
  let database: Database;
  let changes: Changes;

  beforeAll(async () => {
    database = await open();
    changes = await watchChanges({ database, now, nonce: 'here', ...told, beatMs: 50 });
  });
  afterAll(() => changes.close());

  test('tells each handler of the topic of a change, after its commit', async () => {
    const heard: unknown[] = [];
    changes.on('clients', (id) => void heard.push(['first', id]));
    changes.on('clients', (id) => void heard.push(['second', id]));
    changes.on('rates', (id) => void heard.push(['rates', id]));
    await database.rows.insert(clients).values({ clientId: 'a:b', appName: 'app' });
    await until(() => heard.length >= 2, 'the change');
    expect(heard).toEqual([
      ['first', 'a:b 0'],
      ['second', 'a:b 0'],
    ]);
  });

  test('says once that a handler fails and once that it is over; in between nothing is proven', async () => {
    said.length = 0;
    let failing = true;
    let tries = 0;
    changes.on('resources', () => {
      tries += 1;
      if (failing) throw new Error('cannot be read');
    });
    await call(database.rows, notify('resources', '1'));
    await until(() => tries > 3, 'three more tries');
    await until(() => changes.silentMs() > 500, 'the silence');
    expect([said, changes.failing()]).toEqual([['Error: cannot be read'], true]);
    failing = false;
    await until(() => changes.silentMs() < 100, 'the end of it');
    expect([said, changes.failing()]).toEqual([['Error: cannot be read', 'recovered'], false]);
  });

  test('does not begin where the database takes a listener and tells it nothing', async () => {
    const deaf = { ...database, kind: 'postgres', listen: async () => ({ close: async () => {} }) } as const;
    const watching = watchChanges({ database: deaf, now, nonce: 'deaf', ...told, firstMs: 100 });
    await expect(watching).rejects.toBeInstanceOf(NothingHeard);
  });

  test('says nothing of a handler that is still at work when the feed is closed, and fails then', async () => {
    const closing = await watchChanges({ database, now, nonce: 'closing', ...told, beatMs: 50 });
    const work = Promise.withResolvers<void>();
    let begun = false;
    closing.on('resources', (id) => {
      if (id !== 'last') return;
      begun = true;
      return work.promise;
    });
    await call(database.rows, notify('resources', 'last'));
    await until(() => begun, 'the change');
    await closing.close();
    said.length = 0;
    work.reject(new Error('the database is closed'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(said).toEqual([]);
  });

  test('is proven again and again', async () => {
    for (const which of ['a heartbeat', 'another heartbeat']) {
      const begun = now();
      await until(() => changes.silentMs() < now() - begun, which);
    }
    expect(changes.silentMs()).toBeLessThan(1_000);
  });
});

describe.skipIf(!findPostgres())('The change feed of a PostgreSQL that fails', () => {
  let server: TestPostgres;
  let database: Database;
  let changes: Changes;
  let heard: (string | null)[];

  beforeAll(async () => {
    server = await startPostgres({ fast: true });
    database = connectPostgres({ url: server.url, deadlineMs: 1_500 });
    await database.migrate();
  });
  afterAll(async () => {
    await database.close();
    await server.close();
  });
  beforeEach(async () => {
    changes = await watchChanges({ database, now, nonce: 'here', ...told, beatMs: 50, patienceMs: 400, retryMs: 50 });
    heard = [];
    changes.on('clients', (id) => void heard.push(id));
  });
  afterEach(() => changes.close());

  const add = (clientId: string) => database.rows.insert(clients).values({ clientId, appName: 'app' });

  async function expectFlow(clientId: string) {
    await until(() => heard.includes(null), 'the order to read everything again');
    await add(clientId);
    await until(() => heard.includes(`${clientId} 0`), 'a change');
    await until(() => changes.silentMs() < 200, 'a heartbeat');
  }

  test('goes on after a restart, and says that something may have been missed', async () => {
    // It falls silent somewhere on the way.
    const stoppedAt = now();
    await server.stop();
    await until(() => changes.silentMs() > 500, 'the silence to be noticed');
    expect(heard).toEqual([]);
    expect(changes.silentMs()).toBeLessThan(now() - stoppedAt + 1_000);
    await server.start();
    const startedAt = now();
    await expectFlow('restarted');
    expect(now() - startedAt).toBeLessThan(2_000);
  });

  test('goes on after a pause in which connections stayed open and silent', async () => {
    server.pause();
    await until(() => changes.silentMs() > 1_000, 'the silence to be noticed');
    server.resume();
    await expectFlow('resumed');
  });

  test('is not proven while a handler has not read everything again', async () => {
    let failures = 3;
    changes.on('clients', (id) => {
      if (id === null && failures-- > 0) throw new Error('not yet');
    });
    const end = "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'";
    await database.rows.execute(end);
    await until(() => failures < 0, 'a reading that succeeds');
    expect(heard.filter((id) => id === null).length).toBeGreaterThanOrEqual(4);
    await expectFlow('complete');
  });

  test('reads everything again after a handler failed on a change', async () => {
    let failed = false;
    changes.on('clients', async (id) => {
      if (id === null || failed) return;
      failed = true;
      throw new Error('missed');
    });
    await add('missed');
    await until(() => failed, 'the failure');
    await expectFlow('heard');
  });

  test('goes on after its listening session was ended', async () => {
    const end = "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'";
    const psql = connectPostgres({ url: server.url });
    await psql.rows.execute(end);
    await psql.close();
    await expectFlow('terminated');
  });

  test('rejects at once when the database is away at the start', async () => {
    await server.stop();
    const begun = now();
    await expect(watchChanges({ database, now, nonce: 'absent', ...told })).rejects.toThrow();
    expect(now() - begun).toBeLessThan(1_000);
    await server.start();
    await expectFlow('back');
  });
});
