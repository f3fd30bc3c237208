// Several processes on one port, as an operator runs them.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { freshDatabaseUrl } from '../../db/testing';
import { findPostgres, freePort } from '../../db/testing-postgres';
import { commandOf } from '../../kit/testing';
import { ADMIN_SECRET, waitFor } from '../testing';
import { runServer, type ServerProcess, startServerProcess, temporaryFolder } from '../testing-process';
import { WORKER_VARIABLE } from './process';

setDefaultTimeout(60_000);

const WORKERS = 2;

describe.skipIf(findPostgres() === null)('two workers', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;
  let settings: Record<string, string>;
  beforeAll(async () => {
    settings = {
      PORT: String(await freePort()),
      DATABASE_URL: await freshDatabaseUrl(),
      DATA_DIR: folder.path,
      ADMIN_SECRET,
      PUBLIC_URLS: 'http://warned-of.example',
    };
    server = await startServerProcess({ ...settings, WORKERS: String(WORKERS), LOG_FORMAT: 'json' });
    await waitFor(() => server.err().includes('workers share the port'), 'all workers');
  });
  afterAll(() => {
    server?.signal('SIGKILL');
    folder.remove();
  });

  const url = (): string => `http://127.0.0.1:${settings['PORT']}`;
  /** Each on a connection of its own, so that any worker may get it. */
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(url() + path, { ...init, headers: { connection: 'close', 'x-admin-secret': ADMIN_SECRET, ...init.headers } });
  const json = (body: object): RequestInit => ({
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  const metric = async (line: RegExp): Promise<number> => {
    const found = line.exec(await (await ask('/metrics')).text());
    return Number(found?.[1] ?? Number.NaN);
  };

  test('say in the log which of them speaks', () => {
    const records = server
      .err()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const listening = records.filter(({ message }) => message.startsWith('crypto-server listens'));
    expect(listening.map((record) => record['process.worker']).sort()).toEqual([1, 2]);
    const warnings = records.filter(({ message }) => message.includes('warned-of.example'));
    expect(warnings.map((record) => record['process.worker'])).toEqual([undefined]);
  });

  /** A worker that the machine holds up for a second is left out of a page. */
  const allAnswer = async () => (await metric(/^crypto_server_workers (\d+)$/m)) === WORKERS;

  test('are told of on one page of metrics, whichever answers', async () => {
    await waitFor(async () => {
      for (let times = 0; times < 10; times++) if (!(await allAnswer())) return false;
      return true;
    }, 'all on each of ten pages');
    for (let times = 0; times < 40; times++) await ask('/health');
    const requests = /^crypto_server_http_requests_total\{route="\/health",method="GET",status="200"\} (\d+)$/m;
    await waitFor(async () => (await metric(requests)) >= 40, 'the requests to be told');
  });

  test('are one server: a token of one is good at the other, and revoked at both within a second', async () => {
    const pair = { client_id: 'machine', client_secret: 'correct-horse-battery', app_name: 'Machine' };
    expect((await ask('/api/auth/register', json(pair))).status).toBe(200);
    const { access_token: token } = (await (await ask('/api/auth/token', json(pair))).json()) as {
      access_token: string;
    };
    const read = () => ask('/api/currency/', { headers: { authorization: `Bearer ${token}` } });
    for (let times = 0; times < 20; times++) expect((await read()).status).toBe(200);
    expect((await ask('/api/admin/clients/machine/revoke-tokens', { method: 'POST' })).status).toBeLessThan(300);
    await waitFor(async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, read));
      return answers.every(({ status }) => status === 401);
    }, 'both to refuse it');
  });

  test('one that is killed is replaced, and meanwhile the other answers', async () => {
    const [pid] = await workersOf(server.pid);
    process.kill(pid ?? 0, 'SIGKILL');
    await waitFor(() => server.err().includes('another one takes its place'), 'the end to be noticed');
    expect((await ask('/health')).status).toBe(200);
    await waitFor(allAnswer, 'another one');
  });

  test('nobody else gets the port', async () => {
    const { code, err } = await runServer([], { ...settings, WORKERS: '2' });
    expect(code).not.toBe(0);
    expect(err).toContain(`Port ${settings['PORT']} on 127.0.0.1 is in use`);
  });

  test('stop together, with exit code 0, and leave nobody behind', async () => {
    const pids = await workersOf(server.pid);
    server.signal('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('end by themselves when nobody watches them any more', async () => {
    server = await startServerProcess({ ...settings, WORKERS: '2' });
    await waitFor(() => server.err().includes('workers share the port'), 'all workers');
    const pids = await workersOf(server.pid);
    expect(pids.length).toBe(WORKERS);
    server.signal('SIGKILL');
    await waitFor(() => !pids.some(isAlive), 'the workers to end');
  });
});

test.each([
  ['the embedded database', { WORKERS: '2' }, 'WORKERS: more than 1 needs DATABASE_URL'],
  ['a free port', { WORKERS: '2', DATABASE_URL: 'postgres://localhost/x', PORT: '0' }, 'PORT: 0 takes a free one'],
  ['none at all', { WORKERS: '0' }, 'WORKERS: expected'],
])('workers do not go with %s', async (_, env, fault) => {
  const { code, err } = await runServer([], env);
  expect([code, err]).toEqual([1, expect.stringContaining(fault)]);
});

test('a worker that fails before it serves ends, though the line to its supervisor is open', async () => {
  const worker = Bun.spawn(commandOf('server'), {
    env: { [WORKER_VARIABLE]: '2', PORT: 'none' },
    stdio: ['ignore', 'ignore', 'pipe'],
    serialization: 'json',
    ipc: () => {},
    timeout: 30_000,
  });
  expect([await worker.exited, await new Response(worker.stderr).text()]).toEqual([1, expect.stringContaining('PORT')]);
});

/** The children of this process. */
async function workersOf(parent: number): Promise<number[]> {
  const children = await Bun.file(`/proc/${parent}/task/${parent}/children`).text();
  return children.trim().split(' ').map(Number);
}

/** False for one that has ended, though nobody has asked for its exit code yet. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
