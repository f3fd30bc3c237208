// The command line of crypto-server, as a process with nothing in its environment but what a case says.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectPostgres } from '../db/connect';
import { freshDatabaseUrl } from '../db/testing';
import { findPostgres, freePort } from '../db/testing-postgres';
import { type Outcome, runServer, type ServerProcess, startServerProcess, temporaryFolder } from './testing-process';

const ADMIN = 'the-admin-secret-that-nobody-sees';
const TIMEOUT_MS = 30_000;

/** A failed start: exit code 1, nothing on stdout, and these lines on stderr. */
function expectRefusal({ code, out, err }: Outcome, ...lines: (string | RegExp)[]): void {
  const said = err.trimEnd().split('\n');
  expect([code, out]).toEqual([1, '']);
  expect(said).toEqual(lines.map((line) => expect.stringMatching(line)));
  expect(err).not.toMatch(/\bat .*:\d+:\d+|\.ts\b/);
}

describe('crypto-server', () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);
  const own = { DATA_DIR: folder.path };

  test.each([
    [['--help'], /migrate[\s\S]*healthcheck/],
    [['--version'], /^\d+\.\d+\.\d+/],
    [['completion', 'bash'], /complete/],
    [['completion', 'zsh'], /compdef/],
    [['completion', 'fish'], /complete -c/],
    [['migrate', '--help'], /--status/],
  ])('%j answers with a faulty configuration and no database', async (args, expected) => {
    const { code, out, err } = await runServer(args, { PORT: 'x', DATABASE_URL: 'nonsense' });
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(expected);
    expect(out).not.toMatch(/--admin-secret|--key-encryption-key|--database-url/);
  });

  test.each([
    [['serv'], 'serve'],
    [['migrate', '--statu'], '--status'],
    [['--prot', '1'], '--port'],
  ])('%j is a usage error with a suggestion', async (args, suggestion) => {
    const { code, out, err } = await runServer(args, own);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(suggestion);
  });

  test.each([['--admin-secret'], ['--key-encryption-key'], ['--database-url']])(
    'a secret is not taken as an argument: %s',
    async (flag) => {
      const { code, err } = await runServer(['config', flag, ADMIN], own);
      expect(code).toBe(2);
      expect(err).not.toContain(ADMIN);
    },
  );

  test(
    'an admin-secret file with what no header carries is named',
    async () => {
      const DATA_DIR = join(folder.path, 'own-secret');
      mkdirSync(DATA_DIR);
      writeFileSync(join(DATA_DIR, 'admin-secret'), 'a price of 100 €, as if\n');
      const line = /own-secret\/admin-secret must hold a secret of 16 to 1024 printable ASCII characters/;
      expectRefusal(await runServer([], { DATA_DIR, PORT: '0' }), line);
    },
    TIMEOUT_MS,
  );

  test('looking at the migrations of a database that was never made does not make it', async () => {
    const DATA_DIR = join(folder.path, 'never');
    const { code, out } = await runServer(['migrate', '--status'], { DATA_DIR });
    expect(code).toBe(0);
    expect(out).toMatch(/^(missing {2}\d{4}_\w+\n)+$/);
    expect(statSync(DATA_DIR, { throwIfNoEntry: false })).toBeUndefined();
  });

  test.each([['/proc/nowhere'], ['/dev/null/folder']])(
    'a DATA_DIR that cannot be made is named: %s',
    async (DATA_DIR) => {
      expectRefusal(await runServer([], { DATA_DIR, PORT: '0' }), /DATA_DIR cannot be used/);
    },
  );

  test('config prints every value with its origin, secrets masked', async () => {
    const env = {
      ...own,
      ADMIN_SECRET: ADMIN,
      DATABASE_URL: 'postgres://me:hidden-word@127.0.0.1/x',
      REDIS_URL: 'rediss://me:hidden-word@127.0.0.1/3',
      TICK_SECONDS: '5',
    };
    const { code, out } = await runServer(['config', '--port', '81'], env);
    expect(code).toBe(0);
    expect(out).not.toMatch(/hidden-word|the-admin-secret/);
    expect(out).toMatch(/^PORT +81 +\(flag\)$/m);
    expect(out).toMatch(/^TICK_SECONDS +5 +\(environment\)$/m);
    expect(out).toMatch(/^ACCESS_TOKEN_TTL_SECONDS +7200 +\(default\)$/m);
    expect(out).toMatch(/^ADMIN_SECRET +••••••••/m);
    const rows = JSON.parse((await runServer(['config', '--json'], env)).out) as { name: string; value: string }[];
    expect(rows.find(({ name }) => name === 'TICK_SECONDS')).toEqual(
      expect.objectContaining({ value: '5', origin: 'environment' }),
    );
    expect(JSON.stringify(rows)).not.toMatch(/hidden-word|the-admin-secret/);
  });

  test('config says which secrets were generated, which will be, and how the log is written', async () => {
    const DATA_DIR = join(folder.path, 'generated');
    mkdirSync(DATA_DIR);
    writeFileSync(join(DATA_DIR, 'admin-secret'), ADMIN);
    const { out } = await runServer(['config'], { DATA_DIR });
    expect(out).toContain(`••••••••  (generated, ${DATA_DIR}/admin-secret)\n`);
    expect(out).toMatch(
      new RegExp(`^KEY_ENCRYPTION_KEY +\\(unset\\) +\\(will be generated into ${DATA_DIR}/key-encryption-key\\)$`, 'm'),
    );
    expect(out).toMatch(/^LOG_FORMAT +json +\(default\)$/m);
    expect(out).not.toContain(ADMIN);
    const rows = JSON.parse((await runServer(['config', '--json'], { DATA_DIR })).out) as { name: string }[];
    expect(rows.find(({ name }) => name === 'KEY_ENCRYPTION_KEY')).toMatchObject({ value: null });
  });

  test('openapi prints the document, makes no folder and needs no database', async () => {
    const nowhere = join(folder.path, 'openapi');
    const { code, out } = await runServer(['openapi'], { DATA_DIR: nowhere, DATABASE_URL: 'postgres://127.0.0.1:1/x' });
    expect(code).toBe(0);
    expect((JSON.parse(out) as { openapi: string }).openapi).toStartWith('3.1');
    expect(() => statSync(nowhere)).toThrow();
  });

  test('all faults of the configuration come at once, one line each', async () => {
    const env = { ...own, PORT: '70000', TICK_SECONDS: 'often', REGISTRATION: 'maybe', ADMIN_SECRET: 'short' };
    const { code, out, err } = await runServer([], env);
    expect([code, out]).toEqual([1, '']);
    const lines = err.trimEnd().split('\n');
    expect(lines.length).toBe(4);
    for (const name of ['PORT', 'TICK_SECONDS', 'REGISTRATION', 'ADMIN_SECRET'])
      expect(lines.filter((line) => line.includes(name)).length).toBe(1);
    expect(err).not.toContain('short');
  });

  test('beyond loopback the issuer must be given', async () => {
    expectRefusal(await runServer([], { ...own, HOST: '0.0.0.0' }), /ISSUER is required/);
  });

  test('healthcheck without a server: exit code 1 and one line', async () => {
    expectRefusal(await runServer(['healthcheck'], { ...own, PORT: String(await freePort()) }), /No answer from http/);
  });

  test(
    'a database that is not there: exit code 1 and one line',
    async () => {
      const env = { ...own, DATABASE_URL: `postgres://nobody:hidden-word@127.0.0.1:${await freePort()}/x` };
      const outcome = await runServer([], env);
      expectRefusal(outcome, /PostgreSQL cannot be reached: check DATABASE_URL/);
      expect(outcome.err).not.toContain('hidden-word');
      expectRefusal(await runServer(['migrate', '--status'], env), /PostgreSQL cannot be reached/);
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(!findPostgres())('crypto-server and a PostgreSQL that refuses it', () => {
  test.each([
    ['a database that does not exist', (url: URL) => (url.pathname = '/nowhere'), /does not exist: create it/],
    ['a user that does not exist', (url: URL) => (url.username = 'nobody'), /refuses the user or the password/],
  ])('%s: exit code 1 and one line', async (_name, change, line) => {
    const folder = temporaryFolder();
    const url = new URL(await freshDatabaseUrl());
    change(url);
    expectRefusal(await runServer([], { DATA_DIR: folder.path, DATABASE_URL: url.href, PORT: '0' }), line);
    folder.remove();
  });
});

test.skipIf(!findPostgres())(
  'who waits in vain for another one that migrates is told so',
  async () => {
    const DATABASE_URL = await freshDatabaseUrl();
    const database = connectPostgres({ url: DATABASE_URL });
    await database.rows.execute('delete from drizzle.__drizzle_migrations');
    // As after the minute for which the lock is waited for.
    await database.rows.execute(`create function pg_advisory_lock(bigint) returns void language plpgsql
      as $$ begin raise sqlstate '55P03'; end $$`);
    const url = new URL(DATABASE_URL);
    url.searchParams.set('search_path', 'public,pg_catalog');
    const { code, err } = await runServer(['migrate'], { DATABASE_URL: url.href });
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^crypto-server: Another process has been migrating this database for 60 s: wait for it/),
    ]);
    await database.close();
  },
  TIMEOUT_MS,
);

describe('crypto-server beside one that runs', () => {
  const [folder, other] = [temporaryFolder(), temporaryFolder()];
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServerProcess({
      DATA_DIR: folder.path,
      REDIS_URL: 'redis://user:hidden-word@127.0.0.1:1',
      ADMIN_SECRET: ADMIN,
    });
  }, TIMEOUT_MS);
  afterAll(async () => {
    server.signal('SIGKILL');
    await server.exited;
    folder.remove();
    other.remove();
  });

  test('its log is one JSON object a line with ECS names, and holds no secret', () => {
    const lines = server
      .err()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
    for (const line of lines) {
      expect(Object.keys(line)).toContainValues(['@timestamp', 'log.level', 'message', 'ecs.version', 'service.name']);
      expect(line['@timestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    expect(server.err()).not.toContain(ADMIN);
  });

  test('without the Redis it is told of it starts all the same, and says so once', () => {
    const lines = server.err().split('\n');
    const told = lines.filter((line) => line.includes('Redis is away'));
    expect(told.length).toBe(1);
    expect(JSON.parse(told[0] ?? '')).toMatchObject({ 'log.level': 'warn', 'server.address': '127.0.0.1:1' });
    expect(server.err()).not.toContain('hidden-word');
  });

  test('what it keeps is for its own user alone', () => {
    const modeOf = (name: string): number => statSync(join(folder.path, name)).mode & 0o777;
    expect([modeOf('.'), modeOf('database'), modeOf('key-encryption-key')]).toEqual([0o700, 0o700, 0o600]);
  });

  test('healthcheck finds it, and what it does without', async () => {
    const env = { PORT: String(server.port), DATA_DIR: other.path };
    expect(await runServer(['healthcheck'], env)).toEqual({ code: 0, out: 'ready\n', err: '' });
    const { out } = await runServer(['healthcheck', '--json'], env);
    expect(JSON.parse(out)).toEqual({
      status: 'degraded',
      database: 'ok',
      redis: 'away',
      signing_keys: 'ok',
    });
  });

  test(
    'a busy port is refused',
    async () => {
      // A first start tells of the keys it made before it finds out.
      const outcome = await runServer([], { DATA_DIR: other.path, PORT: String(server.port), LOG_LEVEL: 'warn' });
      expectRefusal(outcome, new RegExp(`Port ${server.port} .*in use.*PORT`));
    },
    TIMEOUT_MS,
  );

  test(
    'a busy folder is refused',
    async () => {
      expectRefusal(await runServer([], { DATA_DIR: folder.path, PORT: '0' }), /DATA_DIR|in use|folder/);
      expectRefusal(await runServer(['migrate'], { DATA_DIR: folder.path }), /DATA_DIR|in use|folder/);
    },
    TIMEOUT_MS,
  );
});

describe('crypto-server and its keys', () => {
  test(
    'another KEY_ENCRYPTION_KEY, and none, are refused once there are keys',
    async () => {
      const folder = temporaryFolder();
      const env = { DATA_DIR: folder.path };
      const server = await startServerProcess(env);
      server.signal('SIGTERM');
      expect(await server.exited).toBe(0);
      const wrong = await runServer([], { ...env, PORT: '0', KEY_ENCRYPTION_KEY: 'x'.repeat(40) });
      expectRefusal(wrong, /KEY_ENCRYPTION_KEY does not open/);
      rmSync(join(folder.path, 'key-encryption-key'));
      expectRefusal(await runServer([], { ...env, PORT: '0' }), /holds signing keys, but neither KEY_ENCRYPTION_KEY/);
      folder.remove();
    },
    TIMEOUT_MS,
  );

  test(
    'the generated key gives way to a chosen one when it is given as the previous one',
    async () => {
      const folder = temporaryFolder();
      const runOnce = async (env: Record<string, string>): Promise<void> => {
        const server = await startServerProcess({ DATA_DIR: folder.path, ...env });
        server.signal('SIGTERM');
        expect(await server.exited).toBe(0);
      };
      await runOnce({});
      const KEY_ENCRYPTION_KEY = 'y'.repeat(40);
      const KEY_ENCRYPTION_KEY_PREVIOUS_FILE = join(folder.path, 'key-encryption-key');
      await runOnce({ KEY_ENCRYPTION_KEY, KEY_ENCRYPTION_KEY_PREVIOUS_FILE });
      await runOnce({ KEY_ENCRYPTION_KEY });
      const back = await runServer([], { DATA_DIR: folder.path, PORT: '0' });
      // No variable is set: what does not open is the file.
      expectRefusal(back, /key-encryption-key does not open .* as KEY_ENCRYPTION_KEY/);
      folder.remove();
    },
    TIMEOUT_MS,
  );

  test.skipIf(!findPostgres())(
    'of a PostgreSQL that another server filled, too',
    async () => {
      const [folder, other] = [temporaryFolder(), temporaryFolder()];
      const DATABASE_URL = await freshDatabaseUrl();
      const server = await startServerProcess({ DATA_DIR: folder.path, DATABASE_URL });
      server.signal('SIGTERM');
      await server.exited;
      const outcome = await runServer([], { DATA_DIR: other.path, DATABASE_URL, PORT: '0' });
      expectRefusal(outcome, /holds signing keys, but neither KEY_ENCRYPTION_KEY/);
      for (const remove of [folder.remove, other.remove]) remove();
    },
    TIMEOUT_MS,
  );
});

describe('crypto-server migrate', () => {
  test(
    'says what is missing, applies it, and says so',
    async () => {
      const folder = temporaryFolder();
      const env = { DATA_DIR: folder.path };
      const lines = async (args: string[]): Promise<string[]> => {
        const { code, out } = await runServer(['migrate', ...args], env);
        expect(code).toBe(0);
        return out.trimEnd().split('\n');
      };
      for (const line of await lines(['--status'])) expect(line).toMatch(/^(missing|applied) +\d{4}_\w+$/);
      for (const line of await lines([])) expect(line).toMatch(/^applied +\d{4}_\w+$/);
      const status = JSON.parse((await lines(['--status', '--json'])).join('')) as { applied: boolean }[];
      expect(status.length).toBeGreaterThan(1);
      expect(status.every(({ applied }) => applied)).toBe(true);
      folder.remove();
    },
    TIMEOUT_MS,
  );
});
