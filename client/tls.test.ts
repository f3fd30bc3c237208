// Both programs over https: the client believes the server by an authority of its own, and renews the certificate that it serves.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { freePort } from '../db/testing-postgres';
import { commandOf } from '../kit/testing';
import { CLIENT, hasOpenssl } from '../kit/testing-certificates';
import { type CertificateFolder, certificateFolder, makeAuthority, nameShown } from '../kit/tls/testing';
import { waitFor } from '../server/testing';
import { type ServerProcess, startServerProcess } from '../server/testing-process';
import type { StatusReport } from './status/report';
import { clientFolder } from './testing/joined';

const TIMEOUT_MS = 60_000;
const PASSWORD = 'correct-horse-battery';
const BASIC = { authorization: `Basic ${btoa(`any:${PASSWORD}`)}` };

setDefaultTimeout(TIMEOUT_MS);

describe.skipIf(!hasOpenssl())('crypto-client over https (openssl)', () => {
  const { ca, issue } = makeAuthority();
  const [first, second] = [issue('first'), issue('second')];
  const data = clientFolder();
  let folders: {
    readonly server: CertificateFolder;
    readonly client: CertificateFolder;
    readonly own: CertificateFolder;
    readonly ca: CertificateFolder;
  };
  let server: ServerProcess;
  let client: ReturnType<typeof run>;
  let env: Record<string, string>;
  let port: number;
  let log = '';

  const settingsOf = ({ files }: CertificateFolder) => ({ TLS_CERT_FILE: files.certFile, TLS_KEY_FILE: files.keyFile });
  const run = (args: readonly string[], more: Record<string, string> = {}) =>
    Bun.spawn([...commandOf('client'), ...args], {
      env: { ...env, ...more },
      cwd: data.path,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
  const outcome = async (child: ReturnType<typeof run>) => {
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { out, err, code };
  };
  const ask = (path: string, init: BunFetchRequestInit = {}): Promise<Response> =>
    fetch(`https://127.0.0.1:${port}${path}`, { headers: BASIC, ...init, tls: { ca: ca.cert } });

  beforeAll(async () => {
    folders = {
      server: certificateFolder(issue('server')),
      client: certificateFolder(first),
      own: certificateFolder(issue('own', CLIENT)),
      ca: certificateFolder(ca),
    };
    server = await startServerProcess({
      DATA_DIR: join(data.path, 'server'),
      ...settingsOf(folders.server),
      TLS_CLIENT_CA_FILE: folders.ca.files.certFile,
    });
    port = await freePort();
    env = {
      PORT: String(port),
      CRYPTO_SERVER_URL: `https://localhost:${server.port}`,
      DATA_DIR: join(data.path, 'client'),
      DASHBOARD_PASSWORD: PASSWORD,
      FETCH_SECONDS: '1',
      NODE_EXTRA_CA_CERTS: folders.ca.files.certFile,
      ...settingsOf(folders.client),
      SERVER_TLS_CERT_FILE: folders.own.files.certFile,
      SERVER_TLS_KEY_FILE: folders.own.files.keyFile,
    };
    client = run([]);
    const decoder = new TextDecoder();
    void client.stdout.pipeTo(new WritableStream());
    const write = (chunk: Uint8Array): void => {
      log += decoder.decode(chunk);
    };
    void client.stderr.pipeTo(new WritableStream({ write }));
    const hasRates = async () => (await ask('/api/currencies').catch(() => null))?.status === 200;
    await waitFor(hasRates, 'rates');
  });
  afterAll(async () => {
    client.kill('SIGTERM');
    server.signal('SIGTERM');
    expect([await client.exited, await server.exited]).toEqual([0, 0]);
    for (const { remove } of [...Object.values(folders), data]) remove();
  });

  test('reads rates and follows them over https, from a server whose authority it was given', async () => {
    const report = async () => (await (await ask('/api/status')).json()) as StatusReport;
    expect(await report()).toMatchObject({ server_url: `https://localhost:${server.port}`, authenticated: true });
    await waitFor(async () => JSON.stringify((await report()).stream).includes('"live"'), 'the stream');
    expect(log).toContain(`crypto-client listens on https://localhost:${port}`);
  });

  test('is not let in without a certificate of its own, by a server that asks for one', async () => {
    const { code, err } = await outcome(run(['rates'], { SERVER_TLS_CERT_FILE: '', SERVER_TLS_KEY_FILE: '' }));
    expect([code, err]).toEqual([1, expect.stringContaining('if it asks for a certificate, set SERVER_TLS_CERT_FILE')]);
    const examined = await outcome(run(['doctor']));
    expect(examined.out).toMatch(/ok {4}tls: the certificate is trusted[\s\S]*ok {4}health: the server is well/);
    const half = await outcome(run(['rates'], { SERVER_TLS_KEY_FILE: '' }));
    expect([half.code, half.err]).toEqual([1, expect.stringContaining('belong together')]);
  });

  test('believes no server whose authority it does not know', async () => {
    const { code, err } = await outcome(run(['rates'], { NODE_EXTRA_CA_CERTS: '' }));
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(`the certificate of ${env['CRYPTO_SERVER_URL']} is not good`),
    ]);
  });

  test('gives a cookie that goes over https alone, and says that nothing else will do', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await ask('/api/session', { method: 'POST', headers, body: JSON.stringify({ password: PASSWORD }) });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('set-cookie')).toContain('; Secure');
    expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000');
  });

  test('its commands ask it, and give the password to nobody who shows another certificate', async () => {
    expect(await outcome(run(['healthcheck']))).toMatchObject({ code: 0, out: 'ready\n' });
    expect(await outcome(run(['status']))).toMatchObject({ code: 0, err: '' });
    const other = certificateFolder(second);
    const refused = await outcome(run(['status'], settingsOf(other)));
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(refused.err).toContain('does not show the certificate in TLS_CERT_FILE');
    other.remove();
  });

  test('on SIGHUP new connections get the new certificate, and a page that listens goes on listening', async () => {
    const events = (await ask('/api/events')).body?.getReader();
    if (events === undefined) throw new Error('there are no events');
    await events.read();
    folders.client.put(second);
    client.kill('SIGHUP');
    await waitFor(async () => (await nameShown(port)) === 'second', 'the new certificate');
    expect((await ask('/health')).status).toBe(200);
    expect((await events.read()).done).toBe(false);
    await events.cancel();
    expect(log).toContain('the certificate is renewed');
    const metrics = await (await ask('/metrics')).text();
    const seconds = Number(/^crypto_client_certificate_expiry_seconds (\S+)$/m.exec(metrics)?.[1]);
    expect(Math.round(seconds / 86_400)).toBe(30);
  });
});
