// A PostgreSQL that is reached over TLS: as a server uses it, and what is said where it will not do.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { connectPostgres, type Database } from '../db/connect';
import { call } from '../db/rows';
import { freshDatabaseUrl } from '../db/testing';
import { findPostgres, startPostgres, type TestPostgres } from '../db/testing-postgres';
import { hasOpenssl } from '../kit/testing-certificates';
import { makeAuthority } from '../kit/tls/testing';
import { waitFor } from './testing';
import { runServer, startServerProcess, temporaryFolder } from './testing-process';

setDefaultTimeout(120_000);

describe.skipIf(!findPostgres() || !hasOpenssl())('PostgreSQL over TLS (openssl)', () => {
  const { ca, issue } = makeAuthority();
  const folder = temporaryFolder();
  const known = { NODE_EXTRA_CA_CERTS: join(folder.path, 'authority.pem') };
  let postgres: TestPostgres;
  let observer: Database;
  beforeAll(async () => {
    writeFileSync(known.NODE_EXTRA_CA_CERTS, ca.cert);
    postgres = await startPostgres({ fast: true, tls: issue('postgres', ['subjectAltName=DNS:localhost']) });
    observer = connectPostgres({ url: postgres.url, applicationName: 'tests' });
  });
  afterAll(async () => {
    await observer?.close();
    await postgres?.close();
    folder.remove();
  });
  const urlOf = (host: string, mode: string): string => `${postgres.url.replace('127.0.0.1', host)}?sslmode=${mode}`;
  /** How many connections of servers are encrypted, and how many are not. */
  const connections = () =>
    call(
      observer.rows,
      sql<string>`(select count(*) filter (where ssl) || ' ' || count(*) filter (where not ssl)
        from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'crypto-server')`,
    );

  test('every connection is encrypted, and made anew after a loss', async () => {
    const env = { ...known, DATABASE_URL: urlOf('localhost', 'verify-full'), DATA_DIR: folder.path };
    const server = await startServerProcess(env);
    try {
      expect(await connections()).toMatch(/^[1-9]\d* 0$/);
      await postgres.stop();
      await postgres.start();
      const isWell = async () => (await (await fetch(`${server.url}/health/ready`)).text()).includes('"database":"ok"');
      await waitFor(isWell, 'the server to be well again');
      await waitFor(async () => /^[1-9]\d* 0$/.test(await connections()), 'encrypted connections');
      server.signal('SIGTERM');
      expect(await server.exited).toBe(0);
    } finally {
      server.signal('SIGKILL');
    }
  });

  test.each([
    ['of an authority that nobody knows', 'localhost', {}],
    ['for another name', '127.0.0.1', known],
  ])('a certificate %s ends the start, with what to change', async (_, host, env) => {
    const { code, err } = await runServer([], { ...env, PORT: '0', DATABASE_URL: urlOf(host, 'verify-full') });
    expect([code, err]).toEqual([1, expect.stringMatching(/^crypto-server: PostgreSQL shows a certificate .*\n$/)]);
  });

  test('so does one that speaks no TLS, where the URL asks for it', async () => {
    const DATABASE_URL = `${await freshDatabaseUrl()}?sslmode=require`;
    const { code, err } = await runServer([], { PORT: '0', DATABASE_URL });
    expect([code, err]).toEqual([1, expect.stringContaining('crypto-server: PostgreSQL speaks no TLS')]);
    const { out } = await runServer(['doctor'], { DATABASE_URL });
    expect(out).toMatch(/fail {2}database: PostgreSQL speaks no TLS.*\n +→ docs\/tls\.md/);
  });
});
