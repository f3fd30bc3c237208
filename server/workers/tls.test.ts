// Several processes on one port over https: a certificate that is renewed at all of them, under the feet of those who ask.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { findPostgres, freePort, startPostgres, type TestPostgres } from '../../db/testing-postgres';
import { hasOpenssl } from '../../kit/testing-certificates';
import { type CertificateFolder, certificateFolder, makeAuthority, nameShown } from '../../kit/tls/testing';
import { ADMIN_SECRET, waitFor } from '../testing';
import { type ServerProcess, startServerProcess, temporaryFolder } from '../testing-process';

setDefaultTimeout(90_000);

/** Connections whose certificates are looked at: one worker alone would get all of them once in a million times. */
const LOOKS = 20;

describe.skipIf(findPostgres() === null || !hasOpenssl())('two workers over https', () => {
  const { ca, issue } = makeAuthority();
  const data = temporaryFolder();
  let postgres: TestPostgres;
  let folder: CertificateFolder;
  let server: ServerProcess;
  beforeAll(async () => {
    postgres = await startPostgres({ fast: true });
    folder = certificateFolder(issue('first'));
    const tls = { TLS_CERT_FILE: folder.files.certFile, TLS_KEY_FILE: folder.files.keyFile };
    const shared = { PORT: String(await freePort()), DATABASE_URL: postgres.url, WORKERS: '2', LOG_FORMAT: 'json' };
    server = await startServerProcess({ DATA_DIR: data.path, ADMIN_SECRET, ...shared, ...tls });
    await waitFor(() => server.err().includes('workers share the port'), 'all workers');
  });
  afterAll(async () => {
    server?.signal('SIGKILL');
    await postgres?.close();
    for (const { remove } of [folder, data]) remove();
  });

  /** A connection that arrives as an old listener closes may have to be made again (docs/tls.md). */
  const twice = <T>(work: () => Promise<T>): Promise<T> => work().catch(work);
  const names = async (): Promise<string[]> => {
    const looks = Array.from({ length: LOOKS }, () => twice(() => nameShown(server.port)));
    return [...new Set(await Promise.all(looks))];
  };
  const ask = (keepalive: boolean): Promise<Response> =>
    fetch(`${server.url}/health`, { keepalive, tls: { ca: ca.cert } });

  test('SIGHUP renews the certificate of both, and nobody asks in vain', async () => {
    let running = true;
    let asked = 0;
    const failed: unknown[] = [];
    const asking = async (keepalive: boolean): Promise<void> => {
      while (running) {
        const answer = await twice(() => ask(keepalive)).catch((error: unknown) => error);
        if (!(answer instanceof Response && (await answer.text()).includes('crypto-server'))) failed.push(answer);
        asked += 1;
      }
    };
    const callers = [true, true, true, false, false].map(asking);
    folder.put(issue('second'));
    server.signal('SIGHUP');
    await waitFor(async () => (await names()).join() === 'second', 'the new certificate of both');
    const before = asked;
    await waitFor(() => asked > before + 100, 'requests');
    running = false;
    await Promise.all(callers);
    expect(failed).toEqual([]);
    expect(server.err().match(/the certificate is renewed/g)).toHaveLength(2);
  });

  test('SIGTERM ends them with exit code 0, though connections are kept', async () => {
    const kept = await Promise.all(Array.from({ length: 10 }, () => ask(true)));
    expect(kept.map(({ status }) => status)).toEqual(kept.map(() => 200));
    server.signal('SIGTERM');
    expect(await server.exited).toBe(0);
  });
});
