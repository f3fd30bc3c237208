// `backup` and `restore` as an operator uses them: beside a server that is being written to, and after it is gone.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { json } from './testing';
import { runServer, type ServerProcess, startServerProcess, temporaryFolder } from './testing-process';

setDefaultTimeout(120_000);

const SECRET = 'correct-horse-battery';
const KEY_FILE = 'key-encryption-key';
const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder.path, ...path);
const file = at('backup');

const register = async ({ url }: ServerProcess, id: string): Promise<boolean> =>
  (await fetch(`${url}/api/auth/register`, json({ client_id: id, client_secret: SECRET, app_name: 'Tests' }))).ok;
const tokenOf = ({ url }: ServerProcess, id: string): Promise<Response> =>
  fetch(`${url}/api/auth/token`, json({ client_id: id, client_secret: SECRET }));
const read = ({ url }: ServerProcess, token: string): Promise<Response> =>
  fetch(`${url}/api/currency/btc/history?limit=1000`, { headers: { authorization: `Bearer ${token}` } });
const lastSeq = async (server: ServerProcess, token: string): Promise<number> =>
  ((await (await read(server, token)).json()) as { items: { seq: number }[] }).items.at(-1)?.seq ?? 0;

/** What the first server acknowledged before the backup was asked for. */
let acknowledged: string[];
let token: string;
let seq: number;
let made: Awaited<ReturnType<typeof runServer>>;
let issuer: string;

beforeAll(async () => {
  const own = { DATA_DIR: at('first'), TICK_SECONDS: '1' };
  const server = await startServerProcess(own);
  issuer = `http://localhost:${server.port}`;
  acknowledged = [];
  for (let n = 0; n < 5; n++) if (await register(server, `before-${n}`)) acknowledged.push(`before-${n}`);
  token = ((await (await tokenOf(server, 'before-0')).json()) as { access_token: string }).access_token;
  seq = await lastSeq(server, token);
  // Others go on registering until the backup is done.
  let going = true;
  const others = (async () => {
    for (let n = 0; going; n++) await register(server, `during-${n}`);
  })();
  made = await runServer(['backup', file], { ...own, PORT: String(server.port) });
  going = false;
  await others;
  server.signal('SIGTERM');
  await server.exited;
});
afterAll(folder.remove);

describe('crypto-server backup', () => {
  test('makes one file, of its owner alone, while the server is written to; the key is not in it', () => {
    expect([made.code, made.out]).toEqual([0, expect.stringContaining(`${file}: the database as of 20`)]);
    expect(made.err).toContain('key-encryption key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'latin1').split('\n', 1)[0]).toContain('"migrations":["0000_tables"');
    // Nothing of the making is left.
    expect(readdirSync(folder.path).sort()).toEqual(['backup', 'first']);
    expect(readdirSync(at('first', 'database')).filter((name) => name.startsWith('copy-'))).toEqual([]);
  });

  test('replaces no file unless told to, and reads the files itself where no server runs', async () => {
    const own = { DATA_DIR: at('first') };
    const before = readFileSync(file);
    const refused = await runServer(['backup', file], own);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('--force')]);
    expect(readFileSync(file).equals(before)).toBe(true);
    const other = at('backup-offline');
    expect((await runServer(['backup', other], own)).code).toBe(0);
    const again = await runServer(['backup', other, '--force', '--json'], own);
    expect(JSON.parse(again.out)).toMatchObject({ file: other, migrations: expect.arrayContaining(['0000_tables']) });
  });

  test.each([['backup'], ['restore']])(
    '%s leads to the tools of PostgreSQL where DATABASE_URL is set',
    async (name) => {
      const env = { DATA_DIR: at('none'), DATABASE_URL: 'postgres://127.0.0.1:1/x' };
      const { code, err } = await runServer([name, at('unmade')], env);
      expect([code, err]).toEqual([2, expect.stringMatching(/pg_(dump|restore).*docs\/backup\.md/)]);
      expect(existsSync(at('unmade'))).toBe(false);
    },
  );
});

describe('crypto-server restore', () => {
  test('brings back what was acknowledged before the backup; tokens, the trail and the market go on', async () => {
    const own = { DATA_DIR: at('second') };
    const { code, out, err } = await runServer(['restore', file], own);
    expect([code, out]).toEqual([0, expect.stringContaining('Restored: the database as of 20')]);
    expect(err).toContain(KEY_FILE);
    copyFileSync(at('first', KEY_FILE), at('second', KEY_FILE));
    chmodSync(at('second', KEY_FILE), 0o600);
    const server = await startServerProcess({ ...own, ISSUER: issuer, TICK_SECONDS: '1' });
    try {
      for (const id of acknowledged) expect((await tokenOf(server, id)).status).toBe(200);
      expect((await read(server, token)).status).toBe(200);
      expect(await lastSeq(server, token)).toBeGreaterThanOrEqual(seq);
      const verdict = await runServer(['audit', '--verify'], { ...own, PORT: String(server.port) });
      expect([verdict.code, verdict.err]).toEqual([0, '']);
      const taken = await runServer(['restore', file, '--force'], own);
      expect([taken.code, taken.err]).toEqual([1, expect.stringContaining('in use by another server')]);
    } finally {
      server.signal('SIGTERM');
      await server.exited;
    }
  });

  test('touches no database that is there, unless told to: then that one is moved aside', async () => {
    const own = { DATA_DIR: at('third') };
    expect((await runServer(['restore', file], own)).code).toBe(0);
    const kept = statSync(at('third', 'database', 'data')).ino;
    const refused = await runServer(['restore', file], own);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('--force')]);
    expect(statSync(at('third', 'database', 'data')).ino).toBe(kept);
    const { moved_to } = JSON.parse((await runServer(['restore', file, '--force', '--json'], own)).out);
    expect(statSync(moved_to).ino).toBe(kept);
  });

  const broken = (): [string, Buffer, RegExp][] => {
    const whole = readFileSync(file);
    const changed = Buffer.from(whole);
    changed[whole.length >> 1]! ^= 1;
    const newer = Buffer.from(
      whole.toString('latin1').replace('"0003_market_history"', '"9999_market_history"'),
      'latin1',
    );
    const digest = new Bun.CryptoHasher('sha256').update(newer.subarray(0, -65)).digest('hex');
    return [
      ['cut off', whole.subarray(0, -1_000), /cut off or was changed/],
      ['changed', changed, /cut off or was changed/],
      ['something else', Buffer.from('hello'), /no backup of crypto-server/],
      ['of a newer version', Buffer.concat([newer.subarray(0, -65), Buffer.from(`${digest}\n`)]), /newer version/],
    ];
  };
  test('a file that is broken, or of a newer version, is refused and leaves all as it was', async () => {
    mkdirSync(at('broken'));
    for (const [name, bytes, said] of broken()) {
      writeFileSync(at('broken', name), bytes);
      const { code, err } = await runServer(['restore', at('broken', name)], { DATA_DIR: at('fourth') });
      expect([name, code, err]).toEqual([name, 1, expect.stringMatching(said)]);
      expect(existsSync(at('fourth', 'database', 'data'))).toBe(false);
    }
  });
});
