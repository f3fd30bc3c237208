// Two servers behind HAProxy, as deploy/haproxy says, are restarted one after the other under load.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { freshDatabaseUrl } from '../db/testing';
import { findPostgres, freePort } from '../db/testing-postgres';
import { HAPROXY, hasHaproxy } from './authentication/testing-proxy';
import { ADMIN_SECRET, waitFor } from './testing';
import { type ServerProcess, startServerProcess, temporaryFolder } from './testing-process';
import { follow } from './testing-readers';

setDefaultTimeout(120_000);

const CONFIGURATION = join(import.meta.dir, '../deploy/haproxy/haproxy.cfg');

const PAIR = { client_id: 'machine', client_secret: 'correct-horse-battery' };

/** Callers that ask without pause, each one thing after another. */
const CALLERS = 4;

describe.skipIf(findPostgres() === null || !hasHaproxy())('a rolling restart behind HAProxy', () => {
  const folder = temporaryFolder();
  let databaseUrl: string;
  let balancer: Bun.Subprocess;
  let url: string;
  let ports: number[];
  const servers: ServerProcess[] = [];
  const start = (at: number): Promise<ServerProcess> =>
    startServerProcess({
      PORT: String(ports[at]),
      ISSUER: url,
      DATABASE_URL: databaseUrl,
      DATA_DIR: join(folder.path, String(at)),
      ADMIN_SECRET,
      KEY_ENCRYPTION_KEY: 'the-key-that-both-servers-have-in-common',
      TICK_SECONDS: '1',
    });
  beforeAll(async () => {
    databaseUrl = await freshDatabaseUrl();
    const bind = await freePort();
    url = `http://localhost:${bind}`;
    ports = [await freePort(), await freePort()];
    servers.push(await start(0), await start(1));
    const [a, b] = ports.map((port) => `127.0.0.1:${port}`);
    const env = { BIND: `127.0.0.1:${bind}`, SERVER_A: a, SERVER_B: b };
    balancer = Bun.spawn([HAPROXY ?? '', '-db', '-f', CONFIGURATION], { env, stdout: 'ignore', stderr: 'ignore' });
    await waitFor(
      () =>
        fetch(`${url}/health`).then(
          ({ ok }) => ok,
          () => false,
        ),
      'HAProxy to answer',
    );
    const body = JSON.stringify({ ...PAIR, app_name: 'Machine' });
    const headers = { 'content-type': 'application/json', 'x-admin-secret': ADMIN_SECRET };
    expect((await fetch(`${url}/api/auth/register`, { method: 'POST', body, headers })).status).toBe(200);
  });
  afterAll(() => {
    for (const server of servers) server.signal('SIGKILL');
    balancer?.kill('SIGKILL');
    folder.remove();
  });

  const tokenOf = async (answer: Response): Promise<string> =>
    ((await answer.json()) as { access_token: string }).access_token;
  const obtain = () =>
    fetch(`${url}/api/auth/token`, {
      method: 'POST',
      body: JSON.stringify(PAIR),
      headers: { 'content-type': 'application/json' },
    });

  test('fails no request, and streams go on at the other server without a gap', async () => {
    const token = await tokenOf(await obtain());
    const authorization = `Bearer ${token}`;
    const wrong: string[] = [];
    let running = true;
    let count = 0;
    const call = async (): Promise<void> => {
      while (running) {
        for (const ask of [obtain, () => fetch(`${url}/api/currency/`, { headers: { authorization } })]) {
          const status = await ask().then(({ status }) => String(status), String);
          if (status !== '200') wrong.push(status);
          count += 1;
        }
      }
    };
    const calls = Array.from({ length: CALLERS }, call);
    const stream = follow({ urls: [url], authorization });
    try {
      await waitFor(() => stream.seqs.length > 1, 'the stream to begin');
      for (const at of [0, 1]) {
        servers[at]?.signal('SIGTERM');
        expect(await servers[at]?.exited).toBe(0);
        servers[at] = await start(at);
        await waitFor(
          async () => (await fetch(`http://127.0.0.1:${ports[at]}/health/ready`)).ok,
          'it to be ready again',
        );
        // Until the balancer has looked.
        await Bun.sleep(1_000);
      }
      const last = stream.seqs.at(-1) ?? 0;
      await waitFor(() => (stream.seqs.at(-1) ?? 0) > last + 1, 'the stream to go on');
    } finally {
      running = false;
      await Promise.all(calls);
      await stream.leave();
    }
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(100);
    expect(stream.shutdowns).toBeGreaterThanOrEqual(1);
    expect(stream.faults).toEqual([]);
  });
});
