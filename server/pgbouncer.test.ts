// A real PgBouncer between the servers and PostgreSQL, set up as docs/pgbouncer.md says.
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { connectPostgres, type Database } from '../db/connect';
import { isAway, sqlState } from '../db/faults';
import { call } from '../db/rows';
import { PGBOUNCER, startPgbouncer } from '../db/testing-pgbouncer';
import { findPostgres, freePort, startPostgres, type TestPostgres } from '../db/testing-postgres';
import { form, startTestServer, waitFor } from './testing';
import { runServer, startServerProcess } from './testing-process';

setDefaultTimeout(120_000);

const PAGE = readFileSync(join(import.meta.dir, '../docs/pgbouncer.md'), 'utf8');
const [IGNORE = ''] = /^ignore_startup_parameters = .+$/m.exec(PAGE) ?? [];
const BOUNDS = [...PAGE.matchAll(/^ALTER ROLE crypto (SET .+);$/gm)].map(([, set]) => `ALTER ROLE postgres ${set}`);

/** That of every test server, for all who share the database here. */
const KEY_ENCRYPTION_KEY = 'the-key-encryption-key-of-all-tests';

describe.skipIf(!findPostgres() || PGBOUNCER === null)('behind PgBouncer', () => {
  let postgres: TestPostgres;
  let direct: Database;
  const ends: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    postgres = await startPostgres({ fast: true });
    direct = connectPostgres({ url: postgres.url });
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(async () => {
    await direct?.close();
    await postgres?.close();
  });

  const pool = async (mode: 'session' | 'transaction', ...lines: string[]): Promise<string> => {
    const pooler = await startPgbouncer({ port: postgres.port, mode, lines });
    ends.push(pooler.close);
    return pooler.url;
  };
  const open = (url: string): Database => {
    const database = connectPostgres({ url });
    ends.push(database.close);
    return database;
  };

  test.each([
    ['in transaction mode', 'transaction', [IGNORE], 'Use session mode, or no pooler'],
    ['that refuses what it is told of bounds', 'session', [], 'let it ignore them'],
  ] as const)('%s the server does not start, and says what to change', async (_, mode, lines, advice) => {
    const { code, err } = await runServer([], { PORT: '0', DATABASE_URL: await pool(mode, ...lines) });
    expect([code, err.trim().split('\n').at(-1)]).toEqual([1, expect.stringContaining(advice)]);
  });

  test('in session mode a server says that nothing ends what takes too long, until the role has the bounds', async () => {
    const url = await pool('session', IGNORE);
    const database = open(url);
    expect(await database.bounded()).toBe(false);
    const started = await startServerProcess({ DATABASE_URL: url, KEY_ENCRYPTION_KEY });
    started.signal('SIGTERM');
    expect(await started.exited).toBe(0);
    expect(started.err()).toContain('Set them for the role (docs/pgbouncer.md)');
    const { out } = await runServer(['doctor'], { DATABASE_URL: url, KEY_ENCRYPTION_KEY });
    expect(out).toMatch(/warn {2}bounds: .*\n +→ set them for the role/);
    expect(BOUNDS.length).toBe(2);
    for (const bound of BOUNDS) await direct.rows.execute(bound);
    // A session that PostgreSQL opened before keeps what it began with.
    const other = open(await pool('session', IGNORE));
    expect(await other.bounded()).toBe(true);
    await expect((async () => call(other.rows, sql`pg_sleep(6)::text`))()).rejects.toThrow();
  });

  test('a PostgreSQL that is away is away also when PgBouncer says so', async () => {
    const lines = [IGNORE, 'query_wait_timeout = 1'];
    const pooler = await startPgbouncer({ port: await freePort(), mode: 'session', lines });
    ends.push(pooler.close);
    const database = open(pooler.url);
    const error: unknown = await call(database.rows, sql`1`).catch((failure: unknown) => failure);
    expect([sqlState(error), isAway(error)]).toEqual(['08P01', true]);
  });

  test('in session mode two servers hear of each other, and one ticks for both', async () => {
    const url = await pool('session', IGNORE);
    const databases = [open(url), open(url)] as const;
    await databases[0].migrate();
    const here = await startTestServer(databases[0]);
    const there = await startTestServer(databases[1], { settings: { issuer: here.issuer } });
    const client = await here.register();
    const token = await here.token(client);
    const seen = (): Promise<number> => there.read('/api/currency/BTC', token).then(({ status }) => status);
    expect(await seen()).toBe(200);
    for (let count = 0; count < 3; count++) {
      here.pass(3_000);
      const seq = await here.services.ticker.tick();
      await waitFor(() => there.services.feed.snapshot().seq === seq, 'the other one to hear of the tick');
    }
    const asked = form({ token, client_id: client.id, client_secret: client.secret });
    expect((await here.ask('/api/auth/revoke', asked)).status).toBe(200);
    await waitFor(async () => (await seen()) === 401, 'the other one to hear of the revocation', 1_000);
    await Promise.all([here.close(), there.close()]);
  });
});
