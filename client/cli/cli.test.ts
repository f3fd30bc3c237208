import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandOf } from '../../kit/testing';
import { createDouble, DOUBLE_RATES, type Double } from '../testing/double';

let double: Double;
let server: Bun.Server<undefined>;
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'cli-'));
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request) => (double.down ? new Response(null, { status: 503 }) : double.fetch(request)),
  });
  double = createDouble({ issuer: `http://127.0.0.1:${server.port}`, now: Date.now });
});

afterAll(async () => {
  await server.stop(true);
  rmSync(root, { recursive: true, force: true });
});

const environment = (folder: string, changes: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  CRYPTO_SERVER_URL: `http://127.0.0.1:${server.port}`,
  DATA_DIR: join(root, folder),
  ...changes,
});

async function run(args: string[], env: Record<string, string>): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn([...commandOf('client'), ...args], { env, cwd: root, stdout: 'pipe', stderr: 'pipe' });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}

/** A client that serves, and the address it says it listens on. */
async function serve(env: Record<string, string>) {
  const child = Bun.spawn([...commandOf('client'), '--port', '0'], { env, cwd: root, stdout: 'pipe', stderr: 'pipe' });
  const seen = { err: '' };
  const decoder = new TextDecoder();
  const url = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (const chunk of child.stderr) {
      seen.err += decoder.decode(chunk);
      const found = /"url\.full":"([^"]+)"/.exec(seen.err)?.[1];
      if (found !== undefined) url.resolve(found);
    }
    url.reject(new Error(`it ended: ${seen.err}`));
  })();
  return { child, seen, reading, url: await url.promise };
}

/** Asks until the answer fits; the surrounding test has the deadline. */
async function until(url: string, fits: (body: string, status: number) => boolean): Promise<string> {
  for (;;) {
    const response = await fetch(url).catch(() => null);
    const body = (await response?.text()) ?? '';
    if (response !== null && fits(body, response.status)) return body;
    await Bun.sleep(20);
  }
}

describe('without a client that runs', () => {
  test('token prints the token and nothing else', async () => {
    const { code, out, err } = await run(['token'], environment('a'));
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^e30\.[\w-]+\.c2ln\n$/);
  });

  test('token --json', async () => {
    const { out } = await run(['token', '--json'], environment('a'));
    expect(JSON.parse(out)).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
    });
  });

  test('token --header is a line for curl; with --json it is one thing too many', async () => {
    const { code, out } = await run(['token', '--header'], environment('a'));
    expect([code, out]).toEqual([0, expect.stringMatching(/^Authorization: Bearer e30\.[\w-]+\.c2ln\n$/)]);
    expect(await run(['token', '--header', '--json'], environment('a'))).toMatchObject({ code: 2, out: '' });
  });

  test('token --credential takes the one of that name, and no other', async () => {
    expect((await run(['token', '--credential', 'default'], environment('a'))).out).toStartWith('e30.');
    const { code, out, err } = await run(['token', '--credential', 'nobody'], environment('a'));
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^crypto-client: .*credential.*\n$/);
  });

  test('rates prints a table', async () => {
    const { code, out } = await run(['rates'], environment('a'));
    expect(code).toBe(0);
    expect(out).toContain('45,000.00');
  });

  test('rates --json', async () => {
    const { out } = await run(['rates', '--json'], environment('a'));
    expect(JSON.parse(out)).toEqual(DOUBLE_RATES);
  });

  test('register says whether it was needed', async () => {
    expect((await run(['register'], environment('b'))).out).toContain('is registered');
    expect(JSON.parse((await run(['register', '--json'], environment('b'))).out)).toMatchObject({
      data: { existing: true },
    });
  });

  test('all of them use one credential', async () => {
    const clients = double.clients.size;
    await run(['token'], environment('a'));
    await run(['rates'], environment('a'));
    expect(double.clients.size).toBe(clients);
  });

  test('doctor looks at everything, and a first time makes nothing', async () => {
    const before = await run(['doctor', '--json', '--port', '0'], environment('doctor'));
    expect([before.code, JSON.parse(before.out).ok, existsSync(join(root, 'doctor'))]).toEqual([0, true, false]);
    const { out: token } = await run(['token'], environment('doctor'));
    const { code, out, err } = await run(['doctor', '--port', '0'], environment('doctor'));
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(
      /^credential default\n {2}ok {4}token: obtained, and ends in \d h \d+ min\n {2}ok {4}rates: 2 are read/m,
    );
    expect(out).not.toContain('e30.');
    expect(token).toStartWith('e30.');
  });

  test('doctor ends with 1 when something is wrong, and says what to do', async () => {
    const away = environment('doctor', { CRYPTO_SERVER_URL: 'http://127.0.0.1:1' });
    const { code, out, err } = await run(['doctor', '--port', '0'], away);
    expect([code, err]).toEqual([1, 'crypto-client: 1 thing is wrong.\n']);
    expect(out).toMatch(/^ {2}fail {2}tcp: no connection to port 1 \(ECONNREFUSED\)\n {8}→ start the server/m);
    const faulty = await run(
      ['doctor', '--json'],
      environment('doctor', { VAULT_KEY: 'my-short-key', FETCH_SECONDS: '0' }),
    );
    expect([faulty.code, JSON.parse(faulty.out).findings.length]).toEqual([1, 2]);
    expect(faulty.out).not.toContain('my-short-key');
  });

  test('config masks what is secret', async () => {
    const { out } = await run(['config'], environment('a', { ADMIN_SECRET: 'the-admin-secret' }));
    expect(out).not.toContain('the-admin-secret');
    expect(out).toMatch(/ADMIN_SECRET\s+•+\s+\(environment\)/);
    expect(out).toMatch(/VAULT_KEY\s+•+\s+\(generated, \S+\/a\/vault-key\)/);
  });

  test.each([['status'], ['healthcheck']])('%s says that nobody answers', async (command) => {
    const { code, out, err } = await run([command, '--port', '1'], environment('a'));
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^crypto-client: No answer from .*\n$/);
  });

  test('a server that is away is one line and exit code 1', async () => {
    const { code, out, err } = await run(['rates'], environment('a', { CRYPTO_SERVER_URL: 'http://127.0.0.1:1' }));
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(
      /^crypto-client: The server does not answer: .* Set CRYPTO_SERVER_URL or --crypto-server-url to where it is\.\n$/,
    );
  });

  test('another key is one line and exit code 1', async () => {
    const keys = { VAULT_KEY: 'ab'.repeat(32), VAULT_KEY_PREVIOUS: 'cd'.repeat(32) };
    const { code, err } = await run(['token'], environment('a', keys));
    expect(code).toBe(1);
    expect(err).toMatch(/^crypto-client: The vault .* does not open.*\n$/);
  });
});

describe('a client that runs', () => {
  test('shows one line of JSON a fetch, answers status and healthcheck, and stops on SIGTERM', async () => {
    const env = environment('c');
    const { child, url } = await serve(env);
    await until(`${url}/health/ready`, (body) => body.includes('"ok","server":"ok"'));
    const { port } = new URL(url);
    expect(await run(['healthcheck', '--port', port], env)).toMatchObject({ code: 0, out: 'ready\n' });
    const status = await run(['status', '--port', port, '--json'], env);
    expect(JSON.parse(status.out)).toMatchObject({ authenticated: true, server: { state: 'ok' } });
    expect((await run(['status', '--port', port], env)).out).toContain('ends in');
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    const lines = (await new Response(child.stdout).text()).trim().split('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ rates: DOUBLE_RATES });
  }, 20_000);

  test('whose password guards it is asked with it, which is in its folder or in the environment', async () => {
    const env = environment('h', { HOST: '0.0.0.0' });
    const { child, url } = await serve(env);
    const { port } = new URL(url);
    const found = await run(['status', '--port', port, '--json'], env);
    expect([found.code, JSON.parse(found.out)]).toEqual([
      0,
      expect.objectContaining({ authenticated: expect.any(Boolean) }),
    ]);
    const other = await run(['status', '--port', port], environment('h', { DASHBOARD_PASSWORD: 'another-password' }));
    expect(other).toMatchObject({ code: 1, out: '' });
    expect(other.err).toMatch(/^crypto-client: The running client asks for another password: set DASHBOARD_PASSWORD/);
    expect(other.err).not.toContain('another-password');
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  }, 20_000);

  test('whose credential is refused says so in its status', async () => {
    const env = environment('g', { CLIENT_ID: 'nobody', CLIENT_SECRET: 'wrong' });
    const { child, url } = await serve(env);
    await until(`${url}/api/currencies`, (_, status) => status === 502);
    const { out } = await run(['status', '--port', new URL(url).port], env);
    expect(out).toMatch(/^server +\S+ \(refused\)$/m);
    expect(out).toMatch(/^trouble +The server refuses this client id and secret/m);
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  }, 20_000);

  test('that starts before its server answers at once and finds the server by itself', async () => {
    double.down = true;
    const { child, url } = await serve(environment('d', { FETCH_SECONDS: '1' }));
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await until(`${url}/api/currencies`, (_, status) => status === 503);
    double.down = false;
    await until(`${url}/api/currencies`, (_, status) => status === 200);
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  }, 20_000);

  test('whose port is taken ends with one line', async () => {
    const { code, err } = await run(['--port', String(server.port)], environment('e'));
    expect(code).toBe(1);
    expect(err.trim().split('\n').at(-1)).toMatch(/^crypto-client: Port \d+ on 127\.0\.0\.1 is in use/);
  });

  test('that is asked to stop while its server is silent stops all the same', async () => {
    const asked = Promise.withResolvers<void>();
    const silent = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => {
        asked.resolve();
        return new Promise<Response>(() => {});
      },
    });
    const { child } = await serve(environment('f', { CRYPTO_SERVER_URL: `http://127.0.0.1:${silent.port}` }));
    await asked.promise;
    const startedMs = performance.now();
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    await silent.stop(true);
  }, 20_000);
});
