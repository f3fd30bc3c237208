import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Socket } from 'bun';
import { eq, sql } from 'drizzle-orm';
import { connectPostgres, type Database, offlineDatabase } from './connect';
import { urlTargets } from './connection';
import { isAway, sqlState } from './faults';
import { QueryDeadlineExceeded } from './pool';
import { clients, market } from './schema';
import { findPostgres, freePort, START_TIMEOUT_MS, startPostgres, type TestPostgres } from './testing-postgres';

setDefaultTimeout(START_TIMEOUT_MS);

const DEADLINE_MS = 1_000;

describe.skipIf(!findPostgres())('A PostgreSQL that does not answer', () => {
  let server: TestPostgres;
  let database: Database;

  beforeAll(async () => {
    server = await startPostgres({ fast: true });
    const setup = connectPostgres({ url: server.url });
    await setup.migrate();
    await setup.close();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    database = connectPostgres({ url: server.url, poolSize: 2, deadlineMs: DEADLINE_MS });
  });
  afterEach(() => database.close());

  const read = (from = database) => from.rows.select().from(market);

  test('paused: every query and transaction settles within the deadline, and is answered again after it', async () => {
    await Promise.all([read(), read()]);
    server.pause();
    const write = () => database.rows.transaction((transaction) => transaction.update(market).set({ seq: 1 }));
    const outcomes = await timed(() =>
      Promise.all([read, read, write, write, read, read].map((query) => outcome(query()))),
    );
    server.resume();
    expect(outcomes.result).toEqual(Array(6).fill('away'));
    expect(outcomes.ms).toBeWithin(DEADLINE_MS - 50, DEADLINE_MS + 500);
    const again = await timed(() => read());
    expect(again.result).toHaveLength(1);
    expect(again.ms).toBeLessThan(500);
  });

  test('paused before the first connection: settles too', async () => {
    server.pause();
    const first = await timed(() => outcome(read()));
    const listening = await timed(() => outcome(database.listen('changes', () => {})));
    server.resume();
    expect([first.result, listening.result]).toEqual(['away', 'away']);
    expect(Math.max(first.ms, listening.ms)).toBeLessThan(DEADLINE_MS + 500);
  });

  test('stopped: queries reject at once, and succeed again as soon as it is back', async () => {
    await read();
    await server.stop();
    const refused = await timed(() => Promise.all([outcome(read()), outcome(read())]));
    await server.start();
    const again = await timed(() => read());
    expect(refused.result).toEqual(['away', 'away']);
    expect(refused.ms).toBeLessThan(300);
    expect(again.ms).toBeLessThan(300);
  });

  test('a statement that takes too long is ended by the server', async () => {
    const slow = await timed(() =>
      database.rows
        .select({ slept: sql`pg_sleep(3)::text` })
        .from(market)
        .catch((error) => error),
    );
    expect(sqlState(slow.result)).toBe('57014');
    expect(isAway(slow.result)).toBe(true);
    expect(slow.ms).toBeLessThan(DEADLINE_MS);
  });

  test('a transaction that takes too long is cut, undone and unlocked', async () => {
    const never = database.rows.transaction(async (transaction) => {
      await transaction.update(market).set({ seq: 99 });
      await new Promise(() => {});
    });
    const cut = await timed(() => outcome(never));
    expect(cut.result).toBe('away');
    const [row] = await database.rows.transaction((transaction) => transaction.select().from(market).for('update'));
    expect(row?.seq).not.toBe(99);
  });

  test('idle transactions give their connections up to who waits', async () => {
    const hold = () => outcome(database.rows.transaction(() => new Promise(() => {})));
    const queued = await timed(() => Promise.all([hold(), hold(), outcome(read())]));
    expect(queued.result).toEqual(['away', 'away', 'done']);
    expect(queued.ms).toBeLessThan(DEADLINE_MS + 500);
  });

  test('a peer that hangs up at once is away, without a storm of connections', async () => {
    let connections = 0;
    const open = (socket: Socket) => {
      connections++;
      socket.end();
    };
    const rude = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { open, data() {} },
    });
    const other = connectPostgres({ url: `postgres://x@127.0.0.1:${rude.port}/x` });
    const rejected = await timed(() => outcome(read(other)));
    expect(rejected.result).toBe('away');
    expect(rejected.ms).toBeLessThan(500);
    expect(connections).toBeLessThan(3);
    await other.close();
    rude.stop(true);
  });

  test('a wrong statement, name or password is not "away"', async () => {
    const wrong = connectPostgres({ url: server.urlOf('missing') });
    expect(await outcome(read(wrong))).toBe('3D000');
    await wrong.close();
    expect(await outcome(database.rows.select({ x: sql`1 / 0` }).from(market))).toBe('22012');
    expect(await read()).toHaveLength(1);
  });

  test('the next host of the URL is tried when one refuses', async () => {
    const url = `postgres://postgres@127.0.0.1:${await freePort()},127.0.0.1:${server.port}/postgres`;
    const several = connectPostgres({ url });
    expect(await read(several)).toHaveLength(1);
    await several.close();
  });

  test('close lets what runs end, then refuses', async () => {
    const running = database.rows.transaction(async (transaction) => {
      await transaction.insert(clients).values({ clientId: 'last', appName: 'app' });
      await Bun.sleep(100);
    });
    await Bun.sleep(20);
    await database.close();
    await running;
    expect(await outcome(read())).toBe('away');
    const after = connectPostgres({ url: server.url });
    expect(await after.rows.select().from(clients).where(eq(clients.clientId, 'last'))).toHaveLength(1);
    await after.close();
  });
});

describe('An error of the database', () => {
  const states = { severity: 'FATAL' };
  const cases: [string, unknown, boolean, string | null][] = [
    ['a refused connection', { code: 'ECONNREFUSED' }, true, null],
    ['several refused connections', { errors: [{ code: 'ECONNREFUSED' }] }, true, null],
    ['a missed deadline, wrapped', { cause: { cause: new QueryDeadlineExceeded('late') } }, true, null],
    ['a broken pipe', { code: 'EPIPE' }, true, null],
    ['a lost connection, said by the driver', { code: 'CONNECTION_CLOSED' }, true, null],
    ['a connection exception', { ...states, code: '08006' }, true, '08006'],
    ['a shutdown', { cause: { ...states, code: '57P01' } }, true, '57P01'],
    ['a start', { ...states, code: '57P03' }, true, '57P03'],
    ['an error of PgBouncer, which has one severity only', { severity_local: 'FATAL', code: '08P01' }, true, '08P01'],
    ['too many clients', { ...states, code: '53300' }, true, '53300'],
    ['a full disk', { ...states, code: '53100' }, true, '53100'],
    ['a standby, which takes no changes', { ...states, code: '25006' }, true, '25006'],
    ['a cancelled statement', { ...states, code: '57014' }, true, '57014'],
    ['a unique violation', { cause: { ...states, code: '23505' } }, false, '23505'],
    ['a wrong password', { ...states, code: '28P01' }, false, '28P01'],
    ['a certificate of an unknown authority', { cause: { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } }, true, null],
    ['a certificate for another name', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, true, null],
    ['a bug', new TypeError('x is not a function'), false, null],
    ['nothing', null, false, null],
  ];
  test.each(cases)('%s', (_, error, away, state) => {
    expect(isAway(error)).toBe(away);
    expect(sqlState(error)).toBe(state);
  });

  test('that causes itself ends the search', () => {
    const error = new Error('circle');
    error.cause = error;
    expect(isAway(error)).toBe(false);
  });
});

describe('The hosts of a PostgreSQL URL', () => {
  test.each([
    ['postgres://u:p@db.example:6432/x', [{ host: 'db.example', port: 6432 }]],
    ['postgresql://db.example/x', [{ host: 'db.example', port: 5432 }]],
    ['postgres://u:p%40@[::1]:7000/x?sslmode=require', [{ host: '::1', port: 7000 }]],
    [
      'postgres://u@a:1,b,[fe80::1]:3/x',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 5432 },
        { host: 'fe80::1', port: 3 },
      ],
    ],
    ['postgres:///x', [{ host: 'localhost', port: 5432 }]],
  ])('%s', (url, targets) => {
    expect(urlTargets(url)).toEqual(targets);
  });
});

test('Without a database the tables are there and a query fails', async () => {
  const { rows } = offlineDatabase();
  expect(rows.select().from(market).toSQL().sql).toContain('from "market"');
  await expect((async () => rows.select().from(market))()).rejects.toThrow();
});

async function timed<T>(work: () => PromiseLike<T>): Promise<{ result: T; ms: number }> {
  const begun = performance.now();
  const result = await work();
  return { result, ms: performance.now() - begun };
}

/** `done`, `away`, or the SQLSTATE. */
async function outcome(work: PromiseLike<unknown>): Promise<string | null> {
  try {
    await work;
    return 'done';
  } catch (error) {
    return isAway(error) ? 'away' : sqlState(error);
  }
}
