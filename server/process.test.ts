// The program as a process: killed, stopped, left without its database.
import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connectPostgres } from '../db/connect';
import { clientSecrets } from '../db/schema';
import { freshDatabaseUrl } from '../db/testing';
import { findPostgres, startPostgres } from '../db/testing-postgres';
import { commandOf } from '../kit/testing';
import { json, waitFor } from './testing';
import { type ServerProcess, startServerProcess, temporaryFolder } from './testing-process';

const TIMEOUT_MS = 60_000;
const SECRET = 'correct-horse-battery-staple';
const register = (server: ServerProcess, id: string): Promise<Response> =>
  fetch(`${server.url}/api/auth/register`, json({ client_id: id, client_secret: SECRET, app_name: 'Tests' }));
const requestToken = (server: ServerProcess, id: string): Promise<Response> =>
  fetch(`${server.url}/api/auth/token`, json({ client_id: id, client_secret: SECRET }));
/** Number of the tick that is served, from the ETag. */
const servedSeq = async (server: ServerProcess, id: string): Promise<number> => {
  const { access_token } = (await (await requestToken(server, id)).json()) as { access_token: string };
  const answer = await fetch(`${server.url}/api/currency/`, { headers: { authorization: `Bearer ${access_token}` } });
  expect(answer.status).toBe(200);
  return Number(/^"(\d+)/.exec(answer.headers.get('etag') ?? '')?.[1]);
};

/** Registers one client after another on three connections until the server dies. @returns the ids it acknowledged. */
async function registerUntilDead(server: ServerProcess, round: number, acknowledged: string[]): Promise<void> {
  const stream = async (line: number): Promise<void> => {
    for (let count = 0; ; count++) {
      const id = `r${round}-${line}-${count}`;
      const status = await register(server, id).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 0) return;
      expect(status).toBe(200);
      acknowledged.push(id);
    }
  };
  await Promise.all([stream(0), stream(1), stream(2)]);
}

async function expectNothingLost(env: Record<string, string>): Promise<void> {
  const acknowledged: string[] = [];
  let seq = 0;
  let server = await startServerProcess(env);
  for (let round = 0; round < 2; round++) {
    const before = acknowledged.length;
    const streaming = registerUntilDead(server, round, acknowledged);
    await waitFor(() => acknowledged.length >= before + 6, 'registrations');
    const ticked = async (): Promise<boolean> => (await servedSeq(server, acknowledged[0]!)) > seq;
    await waitFor(ticked, 'a tick');
    seq = await servedSeq(server, acknowledged[0]!);
    server.signal('SIGKILL');
    await Promise.all([streaming, server.exited]);
    server = await startServerProcess(env);
    // One after another: after a restart each costs a slow hash, of which only so many may wait.
    for (const id of acknowledged) expect([id, (await requestToken(server, id)).status]).toEqual([id, 200]);
    const again = await servedSeq(server, acknowledged[0]!);
    expect(again).toBeGreaterThanOrEqual(seq);
    seq = again;
  }
  server.signal('SIGTERM');
  expect(await server.exited).toBe(0);
}

describe('kill -9 while registrations stream in: nothing acknowledged is lost, ticks never go back', () => {
  test(
    'embedded',
    async () => {
      const folder = temporaryFolder();
      await expectNothingLost({ DATA_DIR: folder.path, TICK_SECONDS: '1' });
      folder.remove();
    },
    TIMEOUT_MS,
  );

  test.skipIf(!findPostgres())(
    'PostgreSQL',
    async () => {
      const [folder, url] = [temporaryFolder(), await freshDatabaseUrl()];
      await expectNothingLost({ DATA_DIR: folder.path, DATABASE_URL: url, TICK_SECONDS: '1' });
      folder.remove();
      const database = connectPostgres({ url });
      const [stored] = await database.rows.select().from(clientSecrets);
      await database.close();
      // Elsewhere hashes are cheap, so that tests are quick; these are the program's.
      expect(stored?.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    },
    TIMEOUT_MS,
  );
});

describe('a stop', () => {
  test(
    'by SIGTERM loses nothing in flight and ends with 0',
    async () => {
      const folder = temporaryFolder();
      const server = await startServerProcess({ DATA_DIR: folder.path });
      let answered = 0;
      const inFlight = Array.from({ length: 24 }, async (_, at) => {
        const answer = await register(server, `flight-${at}`);
        answered += 1;
        return [answer.status, Object.keys((await answer.json()) as object)];
      });
      // Hashes take their turn: when the first ones are answered, the others wait inside.
      await waitFor(() => answered >= 2, 'the first answers');
      const startedMs = performance.now();
      server.signal('SIGTERM');
      expect(answered).toBeLessThan(24);
      for (const answer of await Promise.all(inFlight)) expect(answer).toEqual([200, ['message', 'id']]);
      expect(await server.exited).toBe(0);
      expect(performance.now() - startedMs).toBeLessThan(10_000);
      expect(await register(server, 'late').catch(() => 'refused')).toBe('refused');
      folder.remove();
    },
    TIMEOUT_MS,
  );

  /** A request that never ends: it announces more than it sends. The health asked for after it shows that it has arrived. */
  const hang = async ({ port, url }: ServerProcess): Promise<() => void> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await new Promise((resolve) =>
      socket.write('POST /api/auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc', resolve),
    );
    await fetch(`${url}/health`);
    return () => socket.destroy();
  };

  test(
    'outlasts no caller that hangs: within 10 s it is over',
    async () => {
      const folder = temporaryFolder();
      const server = await startServerProcess({ DATA_DIR: folder.path });
      const letGo = await hang(server);
      const startedMs = performance.now();
      server.signal('SIGINT');
      expect(await server.exited).toBe(0);
      expect(performance.now() - startedMs).toBeLessThan(10_000);
      letGo();
      folder.remove();
    },
    TIMEOUT_MS,
  );

  test(
    'is heard while an embedded database is still being opened',
    async () => {
      const folder = temporaryFolder();
      const env = { DATA_DIR: folder.path, PORT: '0' };
      const child = Bun.spawn(commandOf('server'), { env, cwd: folder.path, stdout: 'ignore', stderr: 'pipe' });
      await waitFor(() => existsSync(join(folder.path, 'database', 'lock')), 'the folder to be taken');
      child.kill('SIGTERM');
      const log = await new Response(child.stderr).text();
      expect(log).toContain('"message":"stopping"');
      // A busy machine may take longer for the start than a stop may take.
      expect(log.includes('ending at once') || (await child.exited) === 0).toBe(true);
      folder.remove();
    },
    TIMEOUT_MS,
  );

  test(
    'is forced by a second signal',
    async () => {
      const folder = temporaryFolder();
      const server = await startServerProcess({ DATA_DIR: folder.path });
      const letGo = await hang(server);
      server.signal('SIGTERM');
      await waitFor(() => server.err().includes('"message":"stopping"'), 'the stop to begin');
      const startedMs = performance.now();
      server.signal('SIGTERM');
      expect(await server.exited).toBe(143);
      expect(performance.now() - startedMs).toBeLessThan(2_000);
      letGo();
      folder.remove();
    },
    TIMEOUT_MS,
  );
});

test.skipIf(!findPostgres())(
  'a stop does not wait for a PostgreSQL that is silent until it is cut off',
  async () => {
    const [folder, postgres] = [temporaryFolder(), await startPostgres()];
    const server = await startServerProcess({ DATA_DIR: folder.path, DATABASE_URL: postgres.url });
    postgres.pause();
    server.signal('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(server.err()).toContain('"message":"stopped"');
    postgres.resume();
    await postgres.close();
    folder.remove();
  },
  TIMEOUT_MS,
);

describe.skipIf(!findPostgres())('its ticks', () => {
  test(
    'go on by themselves from where they were, once the database is back',
    async () => {
      const [folder, postgres] = [temporaryFolder(), await startPostgres()];
      const server = await startServerProcess({ DATA_DIR: folder.path, DATABASE_URL: postgres.url, TICK_SECONDS: '1' });
      await register(server, 'ticks');
      await waitFor(async () => (await servedSeq(server, 'ticks')) >= 2, 'two ticks');
      await postgres.stop('immediate');
      await waitFor(() => server.err().includes('ticks fail'), 'the ticks to fail');
      await postgres.start();
      await waitFor(() => server.err().includes('ticks are made again'), 'the ticks to be made again');
      await waitFor(async () => (await requestToken(server, 'ticks')).ok, 'tokens');
      const seq = await servedSeq(server, 'ticks');
      await waitFor(async () => (await servedSeq(server, 'ticks')) > seq, 'another tick');
      expect(server.err().match(/ticks fail/g)?.length).toBe(1);
      server.signal('SIGTERM');
      expect(await server.exited).toBe(0);
      await postgres.close();
      folder.remove();
    },
    TIMEOUT_MS,
  );
});
