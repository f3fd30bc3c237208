// The program over https: its own commands, and a certificate that is renewed while it is asked from all sides.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../db/testing-postgres';
import { commandOf } from '../kit/testing';
import { hasOpenssl, makeCertificate } from '../kit/testing-certificates';
import {
  type CertificateFolder,
  certificateFolder,
  handshake,
  LOCAL_NAMES,
  makeAuthority,
  nameShown,
} from '../kit/tls/testing';
import { ADMIN_SECRET, waitFor } from './testing';
import { runServer, type ServerProcess, startServerProcess, temporaryFolder } from './testing-process';

const TIMEOUT_MS = 60_000;
const BOTH_PURPOSES = [...LOCAL_NAMES, 'extendedKeyUsage=serverAuth,clientAuth'];

setDefaultTimeout(TIMEOUT_MS);

describe.skipIf(!hasOpenssl())('crypto-server over https (openssl)', () => {
  const { ca, issue } = makeAuthority();
  const [first, second] = [issue('first', BOTH_PURPOSES), issue('second', BOTH_PURPOSES)];
  const caller = makeCertificate({ subject: '/CN=caller', issuer: ca, extensions: ['extendedKeyUsage=clientAuth'] });
  const data = temporaryFolder();
  let folder: CertificateFolder;
  let server: ServerProcess;
  let env: Record<string, string>;
  beforeAll(async () => {
    folder = certificateFolder(first, ca.cert);
    const { certFile, keyFile, clientCaFile } = folder.files;
    const tls = { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, TLS_CLIENT_CA_FILE: clientCaFile ?? '' };
    env = { DATA_DIR: data.path, ADMIN_SECRET, ...tls };
    server = await startServerProcess(env);
    env['PORT'] = String(server.port);
  });
  afterAll(async () => {
    server.signal('SIGTERM');
    expect(await server.exited).toBe(0);
    for (const { remove } of [folder, data]) remove();
  });
  const ask = (path: string, more: BunFetchRequestInit = {}): Promise<Response> =>
    fetch(`${server.url}${path}`, { ...more, tls: { ca: ca.cert, cert: caller.cert, key: caller.key } });

  test('says so in its metadata and with every answer, and lets nobody in without a certificate', async () => {
    const answer = await ask('/.well-known/oauth-authorization-server');
    expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000');
    expect(await answer.json()).toMatchObject({
      issuer: `https://localhost:${server.port}`,
      token_endpoint: `https://localhost:${server.port}/api/auth/token`,
    });
    const metrics = await (await ask('/metrics')).text();
    const seconds = Number(/^crypto_server_certificate_expiry_seconds (\S+)$/m.exec(metrics)?.[1]);
    expect(Math.round(seconds / 86_400)).toBe(30);
    expect(await handshake(server.port, ['-tls1_2'])).toContain('alert');
    const stranger = fetch(`${server.url}/health`, { tls: { ca: ca.cert } });
    expect(await stranger.catch(() => 'refused')).toBe('refused');
  });

  test('takes TLS 1.2 and 1.3 with suites that are forward secret and authenticated, and nothing else', async () => {
    const shown = certificateFolder(caller);
    const mine = ['-cert', shown.files.certFile, '-key', shown.files.keyFile];
    const suiteOf = async (...options: string[]): Promise<string> =>
      /Cipher is (\S+)/.exec(await handshake(server.port, [...mine, ...options]))?.[1] ?? '';
    expect(await suiteOf('-tls1_3')).toMatch(/^TLS_(?:AES_\d+_GCM|CHACHA20_POLY1305)_/);
    expect(await suiteOf('-tls1_2')).toMatch(/^ECDHE-ECDSA-.*GCM/);
    const weak = ['ECDHE+AES:!AESGCM:!AESCCM', 'kRSA', 'aNULL:@SECLEVEL=0'];
    for (const suites of weak) expect(await suiteOf('-tls1_2', '-cipher', suites)).toBe('(NONE)');
    expect(await suiteOf('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0')).toBe('(NONE)');
    shown.remove();
  });

  test('files that will not do are told at the start, before anything is made', async () => {
    const fresh = temporaryFolder();
    const files = { TLS_CERT_FILE: '/nowhere/cert.pem', TLS_KEY_FILE: folder.files.certFile };
    const { code, err } = await runServer(['serve'], { DATA_DIR: join(fresh.path, 'data'), PORT: '0', ...files });
    expect([code, err.trimEnd().split('\n')]).toEqual([
      1,
      [
        'crypto-server: TLS_CERT_FILE cannot be read (no such file): /nowhere/cert.pem',
        `crypto-server: TLS_KEY_FILE holds no private key in PEM: ${folder.files.certFile}`,
      ],
    ]);
    expect(existsSync(join(fresh.path, 'data'))).toBe(false);
    fresh.remove();
  });

  test('SIGHUP during a start that fails adds nothing to what is said of that', async () => {
    const connected = Promise.withResolvers<void>();
    const database = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { open: () => connected.resolve(), data: () => {} },
    });
    const { certFile, keyFile } = folder.files;
    const fresh = temporaryFolder();
    const child = Bun.spawn([...commandOf('server')], {
      env: {
        DATA_DIR: fresh.path,
        PORT: String(await freePort()),
        DATABASE_URL: `postgres://nobody@127.0.0.1:${database.port}/nothing`,
        TLS_CERT_FILE: certFile,
        TLS_KEY_FILE: keyFile,
      },
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'pipe',
    });
    await connected.promise;
    child.kill('SIGHUP');
    database.stop(true);
    const err = await new Response(child.stderr).text();
    expect([await child.exited, err]).toEqual([
      1,
      'crypto-server: PostgreSQL cannot be reached: check DATABASE_URL, and that it is running.\n',
    ]);
    fresh.remove();
  });

  test('its commands show its own certificate, and give the secret to nobody who shows another', async () => {
    expect(await runServer(['healthcheck'], env)).toMatchObject({ code: 0, out: 'ready\n' });
    expect(await runServer(['keys', 'list'], env)).toMatchObject({ code: 0, err: '' });
    const other = certificateFolder(second, ca.cert);
    const otherFiles = { TLS_CERT_FILE: other.files.certFile, TLS_KEY_FILE: other.files.keyFile };
    const refused = await runServer(['keys', 'list'], { ...env, ...otherFiles });
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(refused.err).toContain('does not show the certificate in TLS_CERT_FILE');
    // Whoever looks after the server must not kill it because its next certificate lies there already.
    expect(await runServer(['healthcheck'], { ...env, ...otherFiles })).toMatchObject({ code: 0 });
    const strange = certificateFolder(makeCertificate({ subject: '/CN=strange' }), ca.cert);
    const strangeFiles = { TLS_CERT_FILE: strange.files.certFile, TLS_KEY_FILE: strange.files.keyFile };
    const unknown = await runServer(['healthcheck'], { ...env, ...strangeFiles });
    expect([unknown.code, unknown.err]).toEqual([
      1,
      expect.stringContaining('asks for a certificate of TLS_CLIENT_CA_FILE'),
    ]);
    for (const { remove } of [other, strange]) remove();
  });

  test('on SIGHUP new connections get the new certificate, and no request fails', async () => {
    let running = true;
    let asked = 0;
    const failed: unknown[] = [];
    const asking = async (keepalive: boolean): Promise<void> => {
      while (running) {
        const answer = await ask('/health', { keepalive }).catch((error: unknown) => error);
        if (!(answer instanceof Response && (await answer.text()).includes('crypto-server'))) failed.push(answer);
        asked += 1;
      }
    };
    const callers = [true, true, true, true, true, true, false, false, false].map(asking);
    for (const [pair, name] of [
      [second, 'second'],
      [first, 'first'],
      [second, 'second'],
    ] as const) {
      folder.put(pair);
      server.signal('SIGHUP');
      await waitFor(async () => (await nameShown(server.port)) === name, `the certificate of ${name}`);
      const before = asked;
      await waitFor(() => asked > before + 100, 'requests');
    }
    running = false;
    await Promise.all(callers);
    expect(failed).toEqual([]);
  });

  test('files that will not do are an error in the log, and all goes on as before', async () => {
    writeFileSync(folder.files.keyFile, 'nothing');
    server.signal('SIGHUP');
    await waitFor(() => server.err().includes('"log.level":"error"'), 'the error');
    expect(server.err()).toContain('TLS_KEY_FILE holds no private key in PEM');
    expect((await ask('/health')).status).toBe(200);
  });
});
