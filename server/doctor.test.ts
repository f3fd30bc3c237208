// `crypto-server doctor` as an operator calls it: before, beside and after a server, and when the key is another one.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockFolder } from '../db/folder-lock';
import { freshDatabaseUrl } from '../db/testing';
import { findPostgres } from '../db/testing-postgres';
import { type Finding, reportOn } from '../kit/finding';
import { commandOf } from '../kit/testing';
import { AUTHORITY, hasOpenssl, makeCertificate } from '../kit/testing-certificates';
import { checkWay } from './doctor-database';
import { checkAuthorities } from './doctor-machine';
import { checkRedis } from './doctor-redis';
import { hasRedis, startRedis, type TestRedis } from './redis/testing-redis';
import { runServer, startServerProcess, temporaryFolder } from './testing-process';

setDefaultTimeout(120_000);

const folder = temporaryFolder();
afterAll(folder.remove);
const own = { DATA_DIR: join(folder.path, 'data') };

async function findings(env: Record<string, string> = {}): Promise<[number, string[]]> {
  const { code, out } = await runServer(['doctor', '--json'], { ...own, ...env });
  const told = JSON.parse(out) as { ok: boolean; findings: Finding[] };
  expect(told.ok).toBe(code === 0);
  return [code, told.findings.map(({ check, state, said }) => `${state} ${check}: ${said}`)];
}
const has = (text: string) => expect.arrayContaining([expect.stringContaining(text)]);

test('doctor says what is well and what is not, before, beside and after a server', async () => {
  expect(await findings()).toEqual([0, has('ok database: there is none yet')]);
  const server = await startServerProcess(own);
  expect(await findings({ PORT: String(server.port) })).toEqual([0, has('ok database: the running server has it')]);
  server.signal('SIGTERM');
  await server.exited;
  const [code, said] = await findings();
  expect([code, said]).toEqual([0, has('ok migrations: all of them are applied')]);
  expect(said).toEqual(has('ok clock: '));
  expect(said.join('\n')).toMatch(/ok keys: all \d+ open/);
  expect(said).toEqual(has('ok encryption key: it is in '));
  expect(said).toEqual(has('ok signing: a key for ES256 has signed for 0 days; the next takes over on 20'));
  expect(said).toEqual(has('ok open files: '));

  chmodSync(own.DATA_DIR, 0o755);
  expect(await findings()).toEqual([0, has('warn permissions: ')]);
  const other = await findings({ KEY_ENCRYPTION_KEY: 'another-key-that-opens-nothing-at-all-0' });
  expect(other).toEqual([1, has('fail keys: ')]);
});

test('doctor names what cannot be reached or read, without a secret', async () => {
  const away = await runServer(['doctor'], { ...own, DATABASE_URL: 'postgres://someone:hidden-word@127.0.0.1:1/x' });
  const said = /fail {2}database: PostgreSQL cannot be reached.*\n +→ pg_isready/;
  expect([away.code, away.out]).toEqual([1, expect.stringMatching(said)]);
  expect(away.out + away.err).not.toContain('hidden-word');
  expect(await findings({ PORT: 'x' })).toEqual([1, has('fail settings: ')]);
});

test('doctor finds fault with MTLS_CA_FILE where a start would', async () => {
  const file = join(folder.path, 'authorities.pem');
  expect(await findings({ MTLS_CA_FILE: file })).toEqual([
    1,
    has(`fail authorities: MTLS_CA_FILE cannot be read: ${file}`),
  ]);
  const saidOf = (text: string): string => {
    const said: Finding[] = [];
    writeFileSync(file, text);
    checkAuthorities(
      { mtlsCaFile: file },
      Date.now(),
      reportOn('certificate', (finding) => said.push(finding)),
    );
    return said.map(({ state, said }) => `${state}: ${said}`).join();
  };
  expect(saidOf('nothing')).toMatch(/^fail: MTLS_CA_FILE holds no certificate/);
  if (!hasOpenssl()) return;
  const authority = (days: number): string =>
    makeCertificate({ subject: '/O=Example/CN=Authority', extensions: AUTHORITY, days }).cert;
  expect(saidOf(authority(30))).toMatch(/^ok: /);
  expect(saidOf(authority(30) + authority(-1))).toMatch(/^warn: O=Example, CN=Authority in MTLS_CA_FILE ended at 20/);
});

test.each([
  ['postgres://u@db.example/x', 'warn: the way to PostgreSQL is not encrypted'],
  ['postgres://u@db.example/x?sslmode=require', 'warn: whoever stands on the way to PostgreSQL may answer'],
  ['postgres://u@db.example/x?sslmode=verify-full', 'ok: the way to PostgreSQL is encrypted, and its certificate'],
  ['postgres://u@[::1]:6432/x', 'ok: the way to PostgreSQL does not leave this machine'],
  ['postgres://u@localhost,db.example/x', 'warn: the way to PostgreSQL is not encrypted'],
])('doctor says who may read on the way to %s', (databaseUrl, expected) => {
  const said: Finding[] = [];
  checkWay(
    { databaseUrl },
    reportOn('database', (finding) => said.push(finding)),
  );
  expect(said.map(({ state, said }) => `${state}: ${said}`)).toEqual([expect.stringContaining(expected)]);
});

test('doctor looks at everything though much is wrong, and says what to do about each', async () => {
  const DATA_DIR = join(folder.path, 'broken');
  mkdirSync(join(DATA_DIR, 'database', 'data'), { recursive: true });
  writeFileSync(join(DATA_DIR, 'database', 'data', 'PG_VERSION'), 'no version\n');
  mkdirSync(join(DATA_DIR, 'key-encryption-key'));
  const env = { DATA_DIR, REDIS_URL: 'redis://:hidden-word@127.0.0.1:1' };
  // A process may open as many files as the second of its limits says.
  const words = ['sh', '-c', 'ulimit -n 1000; exec "$@"', 'sh', ...commandOf('server'), 'doctor'];
  const child = Bun.spawn(words, { env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect([await child.exited, err]).toEqual([1, 'crypto-server: 2 things are wrong.\n']);
  expect(out).toMatch(/warn {2}open files: 1000 files .*\n +→ ulimit/);
  expect(out).toMatch(/fail {2}encryption key: \S+key-encryption-key cannot be read.*\n +→ let this user read it/);
  expect(out).toMatch(/fail {2}database: its files cannot be opened\n +→ docs\/backup\.md/);
  expect(out).toMatch(/warn {2}redis: it cannot be reached.*\n +→ look at REDIS_URL/);
  expect(out).not.toContain('hidden-word');
});

test('doctor tells another server on the same files from one that it may ask', async () => {
  const release = lockFolder(join(own.DATA_DIR, 'database'));
  const { code, out } = await runServer(['doctor'], { ...own, PORT: '1' });
  expect([code, out]).toEqual([1, expect.stringMatching(/fail {2}database: .*in use.*\n +→ stop that server/)]);
  release();
});

test.skipIf(!findPostgres())(
  'doctor holds the connections that it needs against those that PostgreSQL gives',
  async () => {
    const DATABASE_URL = await freshDatabaseUrl();
    expect(await findings({ DATABASE_URL })).toEqual([
      0,
      has('ok connections: PostgreSQL lets 197 connections in, of which'),
    ]);
    expect(await findings({ DATABASE_URL, WORKERS: '17' })).toEqual([0, has('warn connections: ')]);
  },
);

describe.skipIf(!hasRedis())('of Redis doctor says', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.close());
  const saidOf = async (rules: string, database = ''): Promise<string> => {
    await redis.send('ACL', 'SETUSER', 'server', 'reset', 'on', '>hidden-word', ...rules.split(' '));
    const said: Finding[] = [];
    const redisUrl = `${redis.url.replace('redis://', 'redis://server:hidden-word@')}${database}`;
    await checkRedis(
      { redisUrl },
      { randomBytes },
      reportOn('redis', (finding) => said.push(finding)),
    );
    expect(JSON.stringify(said)).not.toContain('hidden-word');
    return said.map(({ state, said }) => `${state}: ${said}`).join();
  };
  const ENOUGH = '~crypto-server:* +get +set +eval +evalsha +time +info';

  test('that it is well where the user may do what the guide names', async () => {
    expect(await saidOf(ENOUGH)).toMatch(/^ok: it takes/);
  });

  test.each([['get'], ['set'], ['eval'], ['evalsha'], ['time'], ['info']])(
    'that it takes nothing where the user may not %s',
    async (command) => {
      expect(await saidOf(`${ENOUGH} -${command}`)).toMatch(/^warn: it cannot be reached, or takes nothing/);
    },
  );

  test('that it takes nothing in another database where the user may not select it', async () => {
    expect(await saidOf(ENOUGH, '/0')).toMatch(/^ok: it takes/);
    expect(await saidOf(ENOUGH, '/3')).toMatch(/^warn: it cannot be reached, or takes nothing/);
    expect(await saidOf(`${ENOUGH} +select`, '/3')).toMatch(/^ok: it takes/);
  });

  test('by which policy it may drop what it is to keep', async () => {
    await redis.send('CONFIG', 'SET', 'maxmemory', '100mb');
    await redis.send('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await saidOf(ENOUGH)).toMatch(/^warn: it may drop .*allkeys-lru/);
    expect(await saidOf(`${ENOUGH} -eval`)).toMatch(/^warn: it cannot be reached/);
  });
});
