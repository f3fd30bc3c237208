// `crypto-client credentials …`, the program itself, on a vault of its own.
import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf } from '../../kit/testing';
import { createDouble, type Double } from '../testing/double';
import { clientFolder } from '../testing/joined';

// A dozen processes one after the other, each of which may have to wait for its turn.
setDefaultTimeout(60_000);

let double: Double;
let server: Bun.Server<undefined>;
let folder: ReturnType<typeof clientFolder>;
let count = 0;
let env: Record<string, string>;

beforeAll(() => {
  folder = clientFolder();
  server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => double.fetch(request) });
  double = createDouble({ issuer: `http://127.0.0.1:${server.port}`, now: Date.now });
});
afterAll(async () => {
  await server.stop(true);
  folder.remove();
});
beforeEach(() => {
  env = environment(`vault-${++count}`);
});

const environment = (name: string): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  CRYPTO_SERVER_URL: `http://127.0.0.1:${server.port}`,
  DATA_DIR: join(folder.path, name),
});

interface Given {
  readonly input?: string;
  readonly env?: Record<string, string>;
}

async function run(args: string[], { input = '', env: more = {} }: Given = {}) {
  const child = Bun.spawn([...commandOf('client'), ...args], {
    env: { ...env, ...more },
    cwd: folder.path,
    stdin: Buffer.from(input),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}
const credentials = (args: string[], given?: Given) => run(['credentials', ...args], given);
const listed = async (given?: Given) =>
  JSON.parse((await credentials(['list', '--json'], given)).out) as Record<string, unknown>[];

const SECRET = 'a secret of the tests';
const add = (name: string, ...more: string[]) =>
  credentials(['add', name, '--id', `id-${name}`, ...more], { input: `${SECRET}\n` });

describe('list', () => {
  test('of a new vault is empty, and makes nothing', async () => {
    expect(await credentials(['list'])).toMatchObject({ code: 0, out: expect.stringContaining('no credentials yet') });
    expect(await listed()).toEqual([]);
    expect(double.clients.size).toBe(0);
  });

  test('shows what was added, in a table and as JSON, and no secret', async () => {
    await add('one');
    await add('two', '--use', '--scope', 'currency:read', '--dpop');
    const { out } = await credentials(['list']);
    expect(out).toMatch(/^ {3}NAME +CLIENT ID +METHOD +SERVERS/m);
    expect(out).toMatch(/^ {3}one +id-one +client_secret +http/m);
    expect(out).toMatch(/^\* {2}two +id-two +client_secret, DPoP/m);
    expect(await listed()).toMatchObject([
      { name: 'one', active: false, client_id: 'id-one', origin: 'configured', dpop: false, has_token: false },
      { name: 'two', active: true, scope: 'currency:read', dpop: true },
    ]);
    expect(out + JSON.stringify(await listed())).not.toContain(SECRET);
  });
});

describe('add', () => {
  test('takes the secret from a file, and never as an argument', async () => {
    writeFileSync(join(folder.path, 'secret'), `${SECRET}\n`);
    expect(await credentials(['add', 'filed', '--id', 'filed', '--secret-file', 'secret'])).toMatchObject({ code: 0 });
    const { code, err } = await credentials(['add', 'x', '--id', 'x', '--client-secret', SECRET]);
    expect([code, err]).toEqual([2, expect.stringContaining('set CLIENT_SECRET or CLIENT_SECRET_FILE')]);
    expect(err).not.toContain(SECRET);
    for (const name of readdirSync(env['DATA_DIR'] ?? ''))
      expect(readFileSync(join(env['DATA_DIR'] ?? '', name)).includes(SECRET)).toBe(false);
  });

  test('takes a key from standard input', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const input = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const { code, out } = await credentials(['add', 'key', '--id', 'k', '--key-file', '-', '--json'], { input });
    expect([code, JSON.parse(out)]).toMatchObject([0, { method: 'private_key_jwt', secret: null, client_id: 'k' }]);
  });

  test.each([
    [['add', 'Bad Name'], /^crypto-client: name must be 1 to 64 characters/],
    [['add', 'environment'], /name is the name of the credential of CLIENT_ID/],
    [['add', 'x', '--id', 'a b'], /client_id must be/],
    [['add', 'x', '--server', 'nowhere'], /servers\/0 must be a base URL/],
    [['add', 'x', '--id', 'x', '--key-file', 'missing'], /missing cannot be read/],
    [['add', 'x', '--key-file', '-'], /private_key must be a private key in PEM/],
    [['use', 'nobody'], /There is no credential of that name/],
    [['remove', 'nobody', '--yes'], /There is no credential of that name/],
    [['rotate', 'nobody'], /There is no credential of that name/],
  ])('%p is one line and exit code 1', async (args, said) => {
    const { code, out, err } = await credentials(args, { input: SECRET });
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(said);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).not.toContain(SECRET);
  });

  test('of a name that is taken changes nothing', async () => {
    await add('one');
    const { code, err } = await add('one');
    expect([code, err]).toEqual([1, expect.stringContaining('already')]);
    expect(await listed()).toHaveLength(1);
  });
});

describe('use and remove', () => {
  test('the one in use stays while there are others', async () => {
    await add('one', '--use');
    await add('two');
    expect((await credentials(['remove', 'one', '--yes'])).err).toContain('choose another one first');
    expect((await credentials(['use', 'two'])).out).toBe('two is in use\n');
    expect(await credentials(['remove', 'one', '--yes'])).toMatchObject({ code: 0, out: 'one is gone\n' });
    expect((await listed()).map(({ name, active }) => [name, active])).toEqual([['two', true]]);
  });

  test('without a terminal --yes is asked for', async () => {
    await add('one');
    expect((await credentials(['remove', 'one'])).err).toContain('add --yes');
    expect(await listed()).toHaveLength(1);
  });

  const spoil = (kind: string, name: string): void => {
    const database = new Database(join(env['DATA_DIR'] ?? '', 'vault.sqlite'));
    database.run("UPDATE entries SET sealed = x'00' WHERE kind = ? AND name = ?", [kind, name]);
    database.close();
  };

  test('the one in use does not open: the others are shown, and it can be removed', async () => {
    await add('one', '--use');
    await add('two');
    spoil('credential', 'one');
    expect((await listed()).map(({ name, active }) => [name, active])).toEqual([['two', false]]);
    expect((await run(['token'])).err).toMatch(/The credential one in the vault .* credentials remove one/);
    expect((await credentials(['remove', 'one', '--yes'])).code).toBe(0);
    expect((await listed()).map(({ name, active }) => [name, active])).toEqual([['two', true]]);
  });

  test('a choice that does not open is told, and made anew', async () => {
    await add('one', '--use');
    spoil('setting', 'active-credential');
    expect((await run(['token'])).err).toMatch(/The setting active-credential in .* credentials use/);
    expect(await listed()).toMatchObject([{ name: 'one', active: false }]);
    expect((await credentials(['use', 'one'])).code).toBe(0);
    expect(await listed()).toMatchObject([{ name: 'one', active: true }]);
  });

  test('a row that does not open can be removed, and the others still work', async () => {
    await add('one', '--use');
    await add('two');
    spoil('credential', 'two');
    expect((await listed()).map(({ name }) => name)).toEqual(['one']);
    expect((await credentials(['use', 'two'])).err).toMatch(/The credential two in the vault .* does not open/);
    expect((await credentials(['remove', 'two', '--yes'])).code).toBe(0);
    expect((await add('two')).code).toBe(0);
  });
});

test('a credential that was added gives tokens, which are asked for once', async () => {
  double.clients.set('id-one', SECRET);
  await add('one');
  const before = double.tokenRequests.length;
  const tokens = [];
  for (const _ of [1, 2]) tokens.push((await run(['token', '--credential', 'one'])).out);
  expect(tokens[0]).toMatch(/^e30\./);
  expect(tokens[1]).toBe(tokens[0]);
  expect(double.tokenRequests.length - before).toBe(1);
});

describe('export and import', () => {
  const PASSPHRASE = { VAULT_PASSPHRASE: 'twelve or more' };

  test('bring all credentials to another machine, sealed', async () => {
    await add('one', '--use');
    await add('two', '--dpop', '--scope', 'a b');
    const { out } = await credentials(['export'], { env: PASSPHRASE });
    const exported = await credentials(['export', '--out', 'all.json'], { input: 'twelve or more\n' });
    expect(exported).toMatchObject({ code: 0, out: 'The credentials are in all.json\n' });
    expect(statSync(join(folder.path, 'all.json')).mode & 0o777).toBe(0o600);
    expect(out).not.toContain('id-one');
    expect(JSON.parse(out)).toMatchObject({
      format: 'crypto-client export',
      version: 1,
      kdf: { name: 'scrypt', N: 131072, r: 8, p: 1 },
    });
    const before = await listed();
    env = environment(`other-${count}`);
    const imported = await credentials(['import', 'all.json'], { env: PASSPHRASE });
    expect(imported).toMatchObject({ code: 0, out: 'added: one, two\n' });
    const after = await listed();
    expect(after.map(({ active: _, ...view }) => view)).toEqual(before.map(({ active: _, ...view }) => view));
    double.clients.set('id-one', SECRET);
    expect((await run(['token', '--credential', 'one'])).out).toMatch(/^e30\./);
  });

  test('nothing is replaced unless it is said, and the same is left alone', async () => {
    await add('one');
    await credentials(['export', '--out', 'one.json'], { env: PASSPHRASE });
    const again = await credentials(['import', 'one.json', '--json'], { env: PASSPHRASE });
    expect(JSON.parse(again.out)).toEqual({ added: [], same: ['one'], replaced: [] });
    await credentials(['remove', 'one', '--yes']);
    await credentials(['add', 'one', '--id', 'another'], { input: SECRET });
    const refused = await credentials(['import', 'one.json'], { env: PASSPHRASE });
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(refused.err).toMatch(/Nothing was imported: .*: one\. With --replace/);
    expect(await listed()).toMatchObject([{ client_id: 'another' }]);
    const replaced = await credentials(['import', 'one.json', '--replace'], { env: PASSPHRASE });
    expect(replaced.out).toBe('replaced: one\n');
    expect(await listed()).toMatchObject([{ client_id: 'id-one' }]);
  });

  describe('what does not fit', () => {
    let exported: string;
    // The same for all: sealing is slow on purpose.
    beforeAll(async () => {
      env = environment('exported');
      await add('one');
      exported = (await credentials(['export'], { env: PASSPHRASE })).out;
    });

    test.each([
      [
        'another passphrase',
        (text: string) => text,
        { VAULT_PASSPHRASE: 'quite another one' },
        /passphrase is another one/,
      ],
      ['a changed byte', (text: string) => text.replace(/("sealed": "[\w-]{60})./, '$1_'), PASSPHRASE, /was changed/],
      ['another salt', (text: string) => text.replace(/("salt": ")..../, '$1AAAA'), PASSPHRASE, /was changed/],
      ['a cheaper cost', (text: string) => text.replace('131072', '2'), PASSPHRASE, /not as its version must be/],
      [
        'a newer version',
        (text: string) => text.replace('"version": 1', '"version": 2'),
        PASSPHRASE,
        /newer crypto-client/,
      ],
      ['something else', () => '{"a":1}', PASSPHRASE, /no export of crypto-client/],
      ['no JSON', () => 'hello', PASSPHRASE, /no export of crypto-client/],
      [
        'no passphrase',
        (text: string) => text,
        { VAULT_PASSPHRASE: '' },
        /A passphrase is needed: set VAULT_PASSPHRASE/,
      ],
    ])('with %s nothing is imported', async (_, change, passphrase, said) => {
      writeFileSync(join(folder.path, 'changed.json'), change(exported));
      const { code, err } = await credentials(['import', 'changed.json'], { env: passphrase });
      expect([code, err]).toEqual([1, expect.stringMatching(said)]);
      expect(await listed()).toEqual([]);
    });
  });

  test('a short passphrase is refused', async () => {
    await add('one');
    const { code, out, err } = await credentials(['export'], { env: { VAULT_PASSPHRASE: 'short' } });
    expect([code, out, err]).toEqual([1, '', expect.stringContaining('12 characters or more')]);
  });
});

test('help and suggestions are as for every command', async () => {
  const { out } = await credentials(['--help']);
  for (const name of ['list', 'add', 'use', 'rotate', 'remove', 'export', 'import'])
    expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
  expect(out).toContain('VAULT_PASSPHRASE');
  expect(out).not.toContain('--fetch-seconds');
  expect((await credentials(['lst'])).err).toContain('did you mean list?');
  expect((await credentials(['add', 'x', '--scop', 'y'])).err).toContain('did you mean --scope?');
  expect((await run(['completion', 'bash'])).out).toContain("' credentials')");
});
