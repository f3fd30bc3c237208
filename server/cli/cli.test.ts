// The commands that ask a running server, as the program itself, against a real server.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import type { Rows } from '../../db/rows';
import { auditEvents } from '../../db/schema';
import { freshEmbedded } from '../../db/testing';
import { freePort } from '../../db/testing-postgres';
import { hasOpenssl, makeCertificate } from '../../kit/testing-certificates';
import type { CreatedClient } from '../admin/contract';
import { ADMIN_SECRET, json, startTestServer, type TestServer } from '../testing';
import { type Outcome, runServer, temporaryFolder } from '../testing-process';

setDefaultTimeout(60_000);

let server: TestServer;
let closeDatabase: () => Promise<void>;
let rows: Rows;
const folder = temporaryFolder();
const run = (...args: string[]): Promise<Outcome> =>
  runServer(args, { PORT: String(server.port), ADMIN_SECRET, DATA_DIR: folder.path });
const printed = async <T>(...args: string[]): Promise<T> => {
  const { code, out, err } = await run(...args, '--json');
  expect([code, code === 0 ? '' : err]).toEqual([0, '']);
  return JSON.parse(out) as T;
};

const CREATE_TLS = ['clients', 'create', '--name', 'x', '--auth-method', 'tls_client_auth'];

beforeAll(async () => {
  const database = await freshEmbedded();
  server = await startTestServer(database, { settings: { behindProxy: true, mtlsAuthorities: '-----' } });
  closeDatabase = database.close;
  rows = database.rows;
});
afterAll(async () => {
  await server.close();
  await closeDatabase();
  folder.remove();
});

describe('crypto-server clients', () => {
  test('create prints the secret once, on stdout, with a warning elsewhere; it works', async () => {
    const { code, out, err } = await run('clients', 'create', '--name', 'Price watcher', '--id', 'watcher');
    expect(code).toBe(0);
    expect(out).toMatch(/^client_id +watcher\nclient_secret +cs_\S+\n$/);
    expect(err).toMatch(/shown this once/);
    const secret = /cs_\S+/.exec(out)?.[0] ?? '';
    expect(err).not.toContain(secret);
    const token = await server.ask('/api/auth/token', json({ client_id: 'watcher', client_secret: secret }));
    expect(token.status).toBe(200);
    const shown = await run('clients', 'show', 'watcher');
    expect(shown.out).toMatch(/name +Price watcher/);
    expect(shown.out).toContain(`${server.issuer}/api/currency: currency:read`);
    expect(shown.out).not.toContain(secret);
  });

  test('create takes scopes, a resource and an end of the secret', async () => {
    const args = ['--name', 'Operator', '--scope', 'admin', '--resource', '/api/admin', '--expires-in', '90d'];
    const { client } = await printed<{ client: { grants: unknown; secrets: { expires_at: string }[] } }>(
      ...['clients', 'create', ...args],
    );
    expect(client.grants).toEqual({ [`${server.issuer}/api/admin`]: ['admin'] });
    expect(client.secrets[0]?.expires_at).toBe(new Date(server.now() + 90 * 86_400_000).toISOString());
  });

  test('create takes a certificate by name, and what its tokens are bound to', async () => {
    const args = ['--name', 'Bound', '--auth-method', 'tls_client_auth', '--tls-san-dns', 'machine.example'];
    const { client } = await printed<CreatedClient>('clients', 'create', ...args, '--certificate-bound', '--dpop');
    expect(client).toMatchObject({
      auth_method: 'tls_client_auth',
      tls_subject: { kind: 'tls_client_auth_san_dns', value: 'machine.example' },
      certificate_bound: true,
      dpop_bound: true,
    });
    const { out } = await run('clients', 'show', client.client_id);
    expect(out).toMatch(/certificate +tls_client_auth_san_dns machine\.example\n/);
  });

  test.skipIf(!hasOpenssl())(
    'create reads public keys, as a JSON Web Key Set and in PEM, and certificates',
    async () => {
      const { publicKey } = generateKeyPairSync('ed25519');
      const jwk = publicKey.export({ format: 'jwk' });
      const pem = publicKey.export({ type: 'spki', format: 'pem' });
      const { cert, x509 } = makeCertificate({ subject: '/CN=machine' });
      const keysOf = async (text: string | Buffer, method: string): Promise<unknown> => {
        const file = join(folder.path, 'keys');
        writeFileSync(file, text);
        const args = ['--name', 'Keys', '--auth-method', method, '--jwks-file', file];
        return (await printed<CreatedClient>('clients', 'create', ...args)).client.jwks?.keys;
      };
      const set = JSON.stringify({ keys: [jwk] });
      expect(await keysOf(set, 'private_key_jwt')).toEqual([expect.objectContaining(jwk)]);
      expect(await keysOf(pem, 'private_key_jwt')).toEqual([expect.objectContaining(jwk)]);
      expect(await keysOf(`${cert}${pem}`, 'self_signed_tls_client_auth')).toEqual([
        expect.objectContaining({ kty: 'EC', x5c: [x509.raw.toString('base64')] }),
        expect.objectContaining(jwk),
      ]);
    },
  );

  test('list finds by a part of the name, and what others wrote cannot reach the terminal', async () => {
    const app_name = 'Nasty \u202Etxt';
    await server.ask('/api/auth/register', json({ client_id: 'nasty', client_secret: 'x'.repeat(16), app_name }));
    const { out } = await run('clients', 'list', '--search', 'nasty');
    expect(out).toMatch(/^CLIENT ID +NAME +STATE/);
    expect(out).toMatch(/^nasty +Nasty \uFFFDtxt +active/m);
    expect(out.trimEnd().split('\n')).toHaveLength(2);
    expect(await printed<unknown[]>('clients', 'list', '--search', 'nasty')).toHaveLength(1);
  });

  test('disable, enable and delete do so, and delete asks first', async () => {
    await run('clients', 'create', '--name', 'Short', '--id', 'short-lived');
    expect((await run('clients', 'disable', 'short-lived')).out).toBe('short-lived is disabled\n');
    expect((await run('clients', 'show', 'short-lived')).out).toMatch(/state +disabled/);
    expect((await run('clients', 'enable', 'short-lived')).out).toBe('short-lived is enabled\n');
    const unsure = await run('clients', 'delete', 'short-lived');
    expect([unsure.code, unsure.out]).toEqual([1, '']);
    expect(unsure.err).toContain('--yes');
    const deleted = await printed<unknown>('clients', 'delete', 'short-lived', '--yes');
    expect(deleted).toEqual({ client_id: 'short-lived', deleted: true });
    const gone = await run('clients', 'show', 'short-lived');
    expect([gone.code, gone.err]).toEqual([1, 'crypto-server: There is no client with this client_id.\n']);
  });

  test('rotate-secret prints the new one; --overlap 0 ends the old one now', async () => {
    const first = /cs_\S+/.exec((await run('clients', 'create', '--name', 'Rotating', '--id', 'rotating')).out)?.[0];
    const { out } = await run('clients', 'rotate-secret', 'rotating', '--overlap', '0');
    const second = /cs_\S+/.exec(out)?.[0];
    const status = async (client_secret = ''): Promise<number> =>
      (await server.ask('/api/auth/token', json({ client_id: 'rotating', client_secret }))).status;
    expect([await status(first), await status(second)]).toEqual([401, 200]);
  });

  test.each([
    [['clients', 'lis'], /list/],
    [['clients', 'create'], /--name/],
    [['clients', 'create', '--name', 'x', '--expires-in', 'soon'], /--expires-in must be such as 90d/],
    [['clients', 'create', '--name', 'x', '--auth-method', 'none'], /client_secret_basic/],
    [['clients', 'create', '--name', 'x', '--resource', 'https://x.example'], /--resource needs --scope/],
    [['clients', 'create', '--name', 'x', '--secret', 'y'], /unknown option/],
    [['clients', 'create', '--name', 'x', '--expires-in', '5s'], /--expires-in must be from 60s to 3650d/],
    [['clients', 'rotate-secret', 'x', '--overlap', '91d'], /--overlap must be from 0 to 90d/],
    [CREATE_TLS, /tls_client_auth needs exactly one of --tls-subject-dn, .*--tls-san-email/],
    [[...CREATE_TLS, '--tls-san-ip', '192.0.2.1', '--tls-san-dns', 'x.example'], /exactly one of --tls-subject-dn/],
    [['clients', 'create', '--name', 'x', '--tls-san-dns', 'x'], /--tls-san-dns needs --auth-method tls_client_auth/],
    [['clients', 'create', '--name', 'x', '--auth-method', 'private_key_jwt'], /private_key_jwt needs --jwks-file/],
    [['clients', 'create', '--name', 'x', '--jwks-file', 'x', '--jwks-uri', 'https://x'], /exclude each other/],
    [['audit', '--verify', '--client', 'x'], /'--verify' cannot be used with option '--client <id>'/],
    [['audit', '--verify', '--limit', '5'], /'--verify' cannot be used with option '--limit <count>'/],
    [['audit', '--limit', '0'], /--limit must be/],
    [['audit', '--outcome', 'maybe'], /success, failure/],
  ])('%j is a usage error', async (args, words) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(words);
  });
});

describe('crypto-server keys', () => {
  test('list, rotate and revoke', async () => {
    const { out } = await run('keys', 'list');
    expect(out).toMatch(/^KID +ALG +STATE +CREATED +ACTIVE FROM +ACTIVE UNTIL +PUBLISHED UNTIL\n/);
    expect(out).toMatch(/ES256 +active/);
    const before = await printed<{ kid: string; state: string }[]>('keys', 'rotate');
    const kid = before.find(({ state }) => state === 'active')?.kid ?? '';
    expect((await run('keys', 'revoke', kid)).err).toContain('--yes');
    const after = await printed<{ kid: string; state: string }[]>('keys', 'revoke', kid, '--yes');
    expect(after.find((key) => key.kid === kid)?.state).toBe('revoked');
  });
});

describe('crypto-server audit', () => {
  test('lists what happened, by filter and with a limit', async () => {
    await run('clients', 'create', '--name', 'Audited', '--id', 'audited');
    const { out } = await run('audit', '--client', 'audited');
    expect(out).toMatch(/^SEQ +TIME +EVENT/);
    expect(out).toMatch(/client_registered +success +admin +audited/);
    expect(await printed<unknown[]>('audit', '--limit', '2')).toHaveLength(2);
    expect((await run('audit', '--from', 'yesterday')).code).toBe(1);
  });

  test('tells by request id what the caller is not told: that the secret has ended, and when', async () => {
    const { client_secret } = await printed<CreatedClient>('clients', 'create', '--name', 'Late', '--id', 'late');
    await run('clients', 'rotate-secret', 'late', '--overlap', '0');
    const refused = await server.ask('/api/auth/token', json({ client_id: 'late', client_secret }));
    expect(await refused.text()).not.toContain('ended');
    await server.services.audit.flush();
    const { out } = await run('audit', '--request-id', refused.headers.get('x-request-id')!);
    expect(out).toMatch(/^reason +secret_ended$/m);
    // By the clock of every server: a minute before it was asked.
    expect(out).toMatch(/^ended_at +2025-12-31 23:59:00Z \(\d+ \w+ ago\)$/m);
    expect((await run('audit', '--client', 'late')).out).toMatch(/secret_ended .* ended \d+ \w+ ago, secret_id \d+$/m);
  });

  test('--verify prints the head, --head looks for one that was kept, and --acknowledge needs a finding', async () => {
    const [, head = ''] = /kept elsewhere: (\d+:[0-9a-f]{64})\n$/.exec((await run('audit', '--verify')).out) ?? [];
    await run('clients', 'create', '--name', 'Later');
    expect((await run('audit', '--verify', '--head', head)).code).toBe(0);
    const other = await run('audit', '--head', `${head.split(':')[0]}:${'0'.repeat(64)}`);
    expect([other.code, other.err]).toEqual([1, expect.stringMatching(/Event \d+ is not the one that was given/)]);
    expect((await run('audit', '--head', '7')).err).toContain('It must be <seq>:<hash>');
    expect((await run('audit', '--acknowledge', '1')).err).toContain('There is no such finding');
  });

  test('--verify says that the trail is intact, and exits with 1 once an event was changed', async () => {
    expect((await run('audit', '--verify')).out).toMatch(/^The audit trail is intact: \d+ events, from 1 to \d+\.\n/);
    await rows.update(auditEvents).set({ actor: 'nobody' }).where(eq(auditEvents.seq, 2));
    const { code, out, err } = await run('audit', '--verify');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('The audit trail was changed: Event 2 was changed');
  });
});

describe('where the admin secret and the server are', () => {
  test('the secret is taken from the file of the server', async () => {
    const own = temporaryFolder();
    writeFileSync(join(own.path, 'admin-secret'), `${ADMIN_SECRET}\n`);
    expect((await runServer(['keys', 'list'], { PORT: String(server.port), DATA_DIR: own.path })).code).toBe(0);
    own.remove();
  });

  test('or from a file that ADMIN_SECRET_FILE names', async () => {
    const own = temporaryFolder();
    mkdirSync(join(own.path, 'x'));
    const ADMIN_SECRET_FILE = join(own.path, 'x', 'secret');
    writeFileSync(ADMIN_SECRET_FILE, ADMIN_SECRET);
    const env = { PORT: String(server.port), DATA_DIR: own.path, ADMIN_SECRET_FILE };
    expect((await runServer(['keys', 'list'], env)).code).toBe(0);
    own.remove();
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['no secret', {}, /There is no admin secret: set ADMIN_SECRET/],
    ['another secret', { ADMIN_SECRET: 'another-secret-of-somebody' }, /does not accept this admin secret/],
    ['port 0', { ADMIN_SECRET, PORT: '0' }, /PORT is 0/],
    ['nobody there', { ADMIN_SECRET, PORT: 'FREE' }, /No answer from http:\/\/\S+\/api\/admin\/clients: is it running/],
  ])('%s is one line that says what to change', async (_name, env, words) => {
    const own = temporaryFolder();
    const port = env['PORT'] === 'FREE' ? String(await freePort()) : (env['PORT'] ?? String(server.port));
    const { code, out, err } = await runServer(['clients', 'list'], { DATA_DIR: own.path, ...env, PORT: port });
    expect([code, out, err.trimEnd().split('\n').length]).toEqual([1, '', 1]);
    expect(err).toMatch(words);
    expect(err).not.toMatch(/another-secret|the-admin-secret/);
    own.remove();
  });
});

test('completion and help know the commands', async () => {
  expect((await run('completion', 'bash')).out).toContain('rotate-secret');
  expect((await run('--help')).out).toMatch(/clients[\s\S]*keys[\s\S]*audit/);
  expect((await run('clients', '--help')).out).toMatch(/list[\s\S]*rotate-secret/);
});
