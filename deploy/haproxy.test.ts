// deploy/haproxy before servers that are away, or well in part only. server/rolling.test.ts has the real ones behind it.
import { afterEach, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../db/testing-postgres';
import { IDLE_TIMEOUT_SECONDS } from '../kit/http/listen';
import { HAPROXY, hasHaproxy } from '../server/authentication/testing-proxy';
import { waitFor } from '../server/testing';

const CONFIGURATION = join(import.meta.dir, 'haproxy/haproxy.cfg');

type Answer = (path: string) => number;

describe.skipIf(!hasHaproxy())('HAProxy', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  /** A server that is always ready; `answer` gives the status of everything else. `asked` are the paths it was asked for, `heard` what came with them. */
  const serve = (answer: Answer) => {
    const asked: string[] = [];
    const heard: Headers[] = [];
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      reusePort: false,
      fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === '/health/ready') return new Response('ready');
        asked.push(pathname);
        heard.push(request.headers);
        return new Response(request.headers.get('x-forwarded-for'), { status: answer(pathname) });
      },
    });
    ends.push(() => server.stop(true));
    return { asked, heard, address: `127.0.0.1:${server.port}` };
  };

  /** URL of a balancer before these addresses, once it answers. */
  const balance = async (...addresses: string[]): Promise<string> => {
    const bind = `127.0.0.1:${await freePort()}`;
    const env = Object.fromEntries(addresses.map((address, at) => [`SERVER_${'ABC'[at]}`, address]));
    const options = { env: { BIND: bind, ...env }, stdout: 'ignore', stderr: 'ignore' } as const;
    const child = Bun.spawn([HAPROXY ?? '', '-db', '-f', CONFIGURATION], options);
    ends.push(() => {
      child.kill('SIGKILL');
      return child.exited;
    });
    const up = () =>
      fetch(`http://${bind}/health`).then(
        ({ status }) => status === 200,
        () => false,
      );
    await waitFor(up, 'HAProxy to answer');
    return `http://${bind}`;
  };

  const statuses = async (count: number, ask: () => Promise<Response>): Promise<Set<number>> => {
    const found = new Set<number>();
    for (let at = 0; at < count; at += 1) found.add((await ask()).status);
    return found;
  };

  test('asks another server where one cannot say: reads and tokens, and nothing that may do harm twice', async () => {
    const lost = serve((path) => (path === '/health' ? 200 : 503));
    const well = serve(() => 200);
    const url = await balance(lost.address, well.address);
    expect(await statuses(6, () => fetch(`${url}/api/currency/`))).toEqual(new Set([200]));
    expect(await statuses(6, () => fetch(`${url}/api/auth/token`, { method: 'POST' }))).toEqual(new Set([200]));
    expect(lost.asked).toContain('/api/auth/token');
    expect(await statuses(6, () => fetch(`${url}/api/clients`, { method: 'POST' }))).toEqual(new Set([200, 503]));
  });

  // Waiting for it would take more than a minute.
  test.each(['client', 'http-keep-alive', 'server'])(
    'keeps unused connections as long as the servers do: timeout %s',
    (side) => {
      const [, seconds] =
        new RegExp(`^ *timeout ${side} (\\d+)s$`, 'm').exec(readFileSync(CONFIGURATION, 'utf8')) ?? [];
      expect(Number(seconds)).toBe(IDLE_TIMEOUT_SECONDS);
    },
  );

  test('spreads over three where there are three', async () => {
    const servers = [serve(() => 200), serve(() => 200), serve(() => 200)];
    const url = await balance(...servers.map(({ address }) => address));
    await waitFor(async () => {
      await fetch(`${url}/api/currency/`);
      return servers.every(({ asked }) => asked.includes('/api/currency/'));
    }, 'each to be asked');
  });

  test('starts while the name of a server is not known, and says who the caller is', async () => {
    const url = await balance(serve(() => 200).address, 'nobody.invalid:8000');
    const answer = await fetch(`${url}/api/currency/`);
    expect([answer.status, await answer.text()]).toEqual([200, '127.0.0.1']);
  });

  test('hands on no certificate that a caller makes up', async () => {
    const server = serve(() => 200);
    const url = await balance(server.address, server.address);
    const forged = { 'client-cert': ':MIIB:', 'Client-Cert-Chain': ':MIIC:', 'x-kept': 'yes' };
    await fetch(`${url}/api/auth/token`, { method: 'POST', headers: forged });
    const headers = server.heard.at(-1);
    expect(['x-kept', ...Object.keys(forged)].map((name) => headers?.get(name) ?? null)).toEqual([
      'yes',
      null,
      null,
      'yes',
    ]);
  });

  test('says in the words of the servers (RFC 9457) that one went away before it answered, and that there is none', async () => {
    const rude = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: {
        data: (socket, bytes) => {
          if (bytes.includes('/health'))
            socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
          socket.end();
        },
      },
    });
    ends.push(() => rude.stop(true));
    const url = await balance(`127.0.0.1:${rude.port}`, 'nobody.invalid:8000');
    // On a connection of its own: HAProxy closes one that was used before without a word, as servers do, for the caller to retry.
    await expectProblem(await fetch(`${url}/api/clients`, { method: 'POST', keepalive: false }), 502);
    rude.stop(true);
    const none = async (): Promise<boolean> => (await fetch(`${url}/api/clients`, { method: 'POST' })).status === 503;
    await waitFor(none, 'HAProxy to notice');
    const answer = await fetch(`${url}/api/currency/`);
    expect(answer.headers.get('retry-after')).toBe('2');
    await expectProblem(answer, 503);
  });
});

async function expectProblem(answer: Response, status: number): Promise<void> {
  expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
  expect(await answer.json()).toMatchObject({ type: 'about:blank', status, title: expect.any(String) });
}
