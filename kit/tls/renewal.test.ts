// A new certificate under the feet of those who are connected.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { hasOpenssl, makeCertificate } from '../testing-certificates';
import {
  LOCAL_NAMES,
  makeAuthority,
  nameShown,
  openTestDoor,
  openTls,
  type TestDoor,
  type TestDoorOptions,
} from './testing';

/** The next answer on a connection that is kept; the whole of it, as text. */
const askOn = (socket: TLSSocket, path = '/', headers = ''): Promise<string> =>
  new Promise((resolve, reject) => {
    socket.once('data', (data) => resolve(String(data)));
    socket.once('close', () => reject(new Error('the connection was closed')));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
  });
const closed = (socket: TLSSocket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

describe.skipIf(!hasOpenssl())('a renewed certificate', () => {
  const { ca, issue } = makeAuthority();
  const [first, second, third] = [issue('first'), issue('second'), issue('third')];
  let open: TestDoor;
  let url = '';
  let port = 0;
  const start = (options: TestDoorOptions = {}): void => {
    open = openTestDoor(first, options);
    port = open.door.port;
    url = `https://127.0.0.1:${port}`;
  };
  beforeEach(() => start());
  afterEach(() => open.end());
  const tls = { ca: ca.cert };
  const openSocket = async (): Promise<{ say(text: string): Promise<string>; socket: WebSocket }> => {
    const socket = new WebSocket(`${url.replace('https', 'wss')}/socket`, { tls });
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    const say = (text: string): Promise<string> =>
      new Promise((resolve) => {
        socket.addEventListener('message', ({ data }) => resolve(String(data)), { once: true });
        socket.send(text);
      });
    return { say, socket };
  };

  /** Every name that is shown to many new connections. */
  const names = async (): Promise<string[]> => {
    const shown = await Promise.all(Array.from({ length: 30 }, () => nameShown(port)));
    return [...new Set(shown)];
  };

  test('is shown to every new connection from then on', async () => {
    expect(await names()).toEqual(['first']);
    open.renewTo(second);
    expect(await names()).toEqual(['second']);
    open.renewTo(third);
    expect(await names()).toEqual(['third']);
  });

  test('breaks no request of many at once, on connections that are kept and on new ones', async () => {
    let running = true;
    let asked = 0;
    const failed: unknown[] = [];
    const caller = async (keepalive: boolean): Promise<void> => {
      while (running) {
        const answer = await fetch(url, { tls, keepalive }).catch((error: unknown) => error);
        const text = answer instanceof Response ? await answer.text() : '';
        if (text !== 'hello 127.0.0.1') failed.push(answer);
        asked += 1;
      }
    };
    const callers = [
      ...Array.from({ length: 12 }, () => caller(true)),
      ...Array.from({ length: 6 }, () => caller(false)),
    ];
    for (const pair of [second, third, first, second]) {
      const before = asked;
      open.renewTo(pair);
      while (asked < before + 150) await Bun.sleep(1);
    }
    running = false;
    await Promise.all(callers);
    expect(failed).toEqual([]);
    expect(await nameShown(port)).toBe('second');
  });

  test('ends a kept connection with its next answer, which it still gets', async () => {
    const [quiet, busy] = [await openTls(port), await openTls(port)];
    expect(await askOn(busy)).not.toMatch(/connection: close/i);
    open.renewTo(second);
    const ended = closed(busy);
    const last = await askOn(busy);
    expect(last).toMatch(/connection: close/i);
    expect(last).toEndWith('hello 127.0.0.1');
    await ended;
    // Who has asked nothing since is not cut either.
    expect(await askOn(quiet)).toEndWith('hello 127.0.0.1');
  });

  test('lets answers in flight, streams and WebSockets go on', async () => {
    const late = fetch(`${url}/late`, { tls });
    const stream = await fetch(`${url}/stream`, { tls });
    const { say, socket } = await openSocket();
    open.renewTo(second);
    open.renewTo(third);
    expect(await say('hello')).toBe('heard hello');
    open.finish();
    expect(await (await late).text()).toBe('late');
    expect(await stream.text()).toBe('begun and ended');
    expect(await say('again')).toBe('heard again');
    socket.close();
  });

  test('lets a connection from before still become a WebSocket, and new ones too', async () => {
    const before = await openTls(port);
    open.renewTo(second);
    const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n';
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    expect(await askOn(before, '/socket', upgrade + key)).toStartWith('HTTP/1.1 101 ');
    before.destroy();
    const { say, socket } = await openSocket();
    expect(await say('hello')).toBe('heard hello');
    socket.close();
  });

  test.each([
    [
      'cannot be read',
      () => writeFileSync(open.folder.files.certFile, 'nothing'),
      'TLS_CERT_FILE holds no certificate in PEM',
    ],
    [
      'has the key of another',
      () => open.folder.put({ cert: second.cert, key: third.key }),
      'TLS_KEY_FILE is not the key',
    ],
    [
      'has ended',
      () => open.folder.put(makeCertificate({ subject: '/CN=old', days: -1, extensions: LOCAL_NAMES })),
      'TLS_CERT_FILE holds a certificate that ended at',
    ],
  ])('that %s is not taken: the one before stays, and that is an error in the log', async (_name, spoil, said) => {
    const kept = await openTls(port);
    spoil();
    open.door.renew();
    expect(open.logged).toHaveLength(1);
    expect(JSON.parse(open.logged[0] ?? '')).toMatchObject({
      'log.level': 'error',
      message: expect.stringContaining(said),
    });
    expect(await nameShown(port)).toBe('first');
    expect(await askOn(kept)).not.toMatch(/connection: close/i);
    open.renewTo(second);
    expect(await nameShown(port)).toBe('second');
  });

  test('leaves nothing open at the stop', async () => {
    const { socket } = await openSocket();
    const gone = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
    const kept = await openTls(port);
    await askOn(kept);
    open.renewTo(second);
    const ended = closed(kept);
    const closing = open.door.close();
    await ended;
    socket.close();
    await gone;
    await closing;
    expect(await nameShown(port).catch(() => 'nobody')).toBe('nobody');
  });

  test('keeps nobody waiting at the stop who connected and has asked nothing, while an answer is waited for', async () => {
    const silent = await openTls(port);
    const ended = closed(silent);
    const late = fetch(`${url}/late`, { tls });
    await (await fetch(url, { tls })).text();
    const startedMs = performance.now();
    const closing = open.door.close();
    expect(await Promise.race([closing, Bun.sleep(1_000).then(() => 'waits')])).toBe('waits');
    open.finish();
    expect(await (await late).text()).toBe('late');
    await Promise.all([closing, ended]);
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  });

  test('is not served any more once the stop has begun', async () => {
    const late = fetch(`${url}/late`, { tls });
    await (await fetch(url, { tls })).text();
    const closing = open.door.close();
    open.renewTo(second);
    open.finish();
    expect(await (await late).text()).toBe('late');
    await closing;
    expect(await nameShown(port).catch(() => 'nobody')).toBe('nobody');
  });

  test('does not make the port anybody else’s: a second program is told that it is in use', () => {
    const said = `Port ${port} on 127.0.0.1 is in use: stop what listens there or set PORT.`;
    expect(() => openTestDoor(first, { port })).toThrow(said);
    open.renewTo(second);
    expect(() => openTestDoor(first, { port })).toThrow(said);
  });

  describe('after a while', () => {
    const restart = async (options: TestDoorOptions): Promise<void> => {
      await open.end();
      start(options);
    };

    test('closes connections from before that nobody uses, and no stream', async () => {
      await restart({ retirementMs: 20 });
      const kept = await openTls(port);
      await askOn(kept);
      const stream = await fetch(`${url}/stream`, { tls });
      const { say, socket } = await openSocket();
      const left = closed(kept);
      open.renewTo(second);
      await left;
      expect(await say('hello')).toBe('heard hello');
      open.finish();
      expect(await stream.text()).toBe('begun and ended');
      socket.close();
    });

    test('is shown as before while those before it leave one after another', async () => {
      await restart({ retirementMs: 30 });
      for (const [pair, name] of [
        [second, 'second'],
        [third, 'third'],
        [first, 'first'],
        [second, 'second'],
      ] as const) {
        const kept = await openTls(port);
        await askOn(kept);
        const left = closed(kept);
        open.renewTo(pair);
        expect(await names()).toEqual([name]);
        await left;
        expect(await names()).toEqual([name]);
      }
    });

    test('cuts a stream that outlasts five certificates', async () => {
      const { socket } = await openSocket();
      const code = new Promise<number>((resolve) => socket.addEventListener('close', (event) => resolve(event.code)));
      for (const pair of [second, third, second, third]) open.renewTo(pair);
      const { say, socket: later } = await openSocket();
      expect(socket.readyState).toBe(WebSocket.OPEN);
      open.renewTo(first);
      expect(await code).toBe(1001);
      expect(await say('hello')).toBe('heard hello');
      later.close();
    });

    test('is shown as before while a stream outlasts those that left, and when it is cut', async () => {
      await restart({ retirementMs: 150 });
      const { socket } = await openSocket();
      const cut = new Promise((resolve) => socket.addEventListener('close', resolve));
      const later: WebSocket[] = [];
      for (const pair of [second, third, second, third, second, third]) {
        const kept = await openTls(port);
        await askOn(kept);
        later.push((await openSocket()).socket);
        const left = closed(kept);
        open.renewTo(pair);
        const name = pair.x509.subject.replace('CN=', '');
        expect(await names()).toEqual([name]);
        await left;
        expect(await names()).toEqual([name]);
      }
      await cut;
      expect(await names()).toEqual(['third']);
      for (const one of later) one.close();
    });

    test('leaves the others their part of the connections where several processes share the port', async () => {
      await restart({ shared: true, retirementMs: 20 });
      const kept = await openTls(port);
      await askOn(kept);
      const left = closed(kept);
      open.renewTo(second);
      await left;
      const other = openTestDoor(third, { shared: true, port });
      expect((await names()).toSorted()).toEqual(['second', 'third']);
      await other.end();
    });

    test('is the only one where the kernel cannot be told, too', async () => {
      await restart({ steer: () => false, retirementMs: 20 });
      const kept = await openTls(port);
      await askOn(kept);
      const left = closed(kept);
      open.renewTo(second);
      await left;
      expect(await names()).toEqual(['second']);
    });
  });
});
