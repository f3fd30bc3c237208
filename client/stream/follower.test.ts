import { afterEach, describe, expect, test } from 'bun:test';
import { createTestClient, type TestClient, type TestClientOptions } from '../testing/client';
import { settle } from '../testing/world';
import { PLAIN_MS } from './follower';
import { QUIET_MS } from './link';
import type { StreamStatus } from './model';
import { type TestSocket, testSockets } from './testing-sockets';

const AT = '2026-01-01T00:00:00.000Z';
const rate = (symbol: string, value: number, at = AT) => ({ symbol, name: symbol, rate: value, updated_at: at });
const BTC = rate('BTC', 45_000);
const ETH = rate('ETH', 3_200);
const snapshot = (seq: number, ...rates: object[]) => ({ type: 'snapshot', seq, rates });
const update = (from: number, seq: number, ...rates: object[]) => ({ type: 'update', from_seq: from, seq, rates });

let client: TestClient;
let sockets: TestSocket[];
const start = (options: TestClientOptions = {}): void => {
  const network = testSockets();
  sockets = network.sockets;
  client = createTestClient({ openSocket: network.openSocket, ...options });
  client.services.start();
};
afterEach(() => client.end());

/** The socket that was asked for last, once it was. */
const lastSocket = async (count: number): Promise<TestSocket> => {
  for (let turn = 0; turn < 50 && sockets.length < count; turn++) await settle();
  expect(sockets).toHaveLength(count);
  return sockets[count - 1] as TestSocket;
};
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await settle();
};
const status = async (): Promise<StreamStatus> =>
  ((await (await client.ask('/api/status')).json()) as { stream: StreamStatus }).stream;
const rates = async (): Promise<Record<string, number>> => {
  const all = (await (await client.ask('/api/currencies')).json()) as { symbol: string; rate: number }[];
  return Object.fromEntries(all.map(({ symbol, rate }) => [symbol, rate]));
};
const asked = (path: string): number => client.double.seen.filter((one) => one === `GET ${path}`).length;

describe('over WebSocket', () => {
  test('the token is in the header, and rates are taken as they come', async () => {
    start();
    const socket = await lastSocket(1);
    expect(socket.url).toBe('ws://localhost:8000/api/currency/stream');
    expect(socket.headers['authorization']).toMatch(/^Bearer \S+$/);
    socket.open(snapshot(7, BTC, ETH));
    await settled();
    expect(await status()).toMatchObject({ state: 'live', transport: 'websocket', seq: 7, last_error: null });
    socket.say(update(7, 9, rate('ETH', 3_300)));
    expect(await rates()).toEqual({ BTC: 45_000, ETH: 3_300 });
    expect((await status()).seq).toBe(9);
  });

  test('nothing is fetched while it lasts', async () => {
    start();
    (await lastSocket(1)).open(snapshot(7, BTC));
    await settled();
    const before = asked('/api/currency/');
    for (let seq = 7; seq < 20; seq++) {
      await client.world.pass(10_000);
      sockets[0]?.say({ type: 'heartbeat', seq: 7 });
      await rates();
    }
    expect(asked('/api/currency/')).toBe(before);
    expect(sockets).toHaveLength(1);
  });

  test.each([
    ['an update that follows something else', update(8, 9, BTC)],
    ['a heartbeat of another tick', { type: 'heartbeat', seq: 8 }],
  ])('%s: all rates are asked for anew', async (_, message) => {
    start();
    const socket = await lastSocket(1);
    socket.open(snapshot(7, BTC, ETH));
    await settled();
    socket.say(message);
    expect(socket.sent).toEqual([{ type: 'subscribe', id: 1 }]);
    socket.say({ type: 'subscribed', id: 1, symbols: [] }, snapshot(9, rate('BTC', 46_000)));
    expect(await rates()).toEqual({ BTC: 46_000 });
  });

  test('what is old is left: a repeated update, the snapshot of a replica that is behind', async () => {
    start();
    const socket = await lastSocket(1);
    socket.open(snapshot(7, BTC));
    await settled();
    socket.say(update(5, 6, rate('BTC', 1)), snapshot(6, rate('BTC', 1)), { type: 'heartbeat', seq: 6 });
    expect(await rates()).toEqual({ BTC: 45_000 });
    expect(socket.sent).toEqual([]);
  });

  test('a market that was made anew counts from the beginning', async () => {
    start();
    const socket = await lastSocket(1);
    socket.open(snapshot(700, BTC));
    await settled();
    socket.say(snapshot(1, rate('BTC', 45_001, '2026-01-02T00:00:00.000Z')));
    expect([await rates(), (await status()).seq]).toEqual([{ BTC: 45_001 }, 1]);
  });

  test.each([
    ['no JSON', 'nonsense'],
    ['another message', '{"type":"hello"}'],
    ['rates that are none', '{"type":"snapshot","seq":1,"rates":[{"symbol":1}]}'],
    ['a number that is none', '{"type":"update","from_seq":-1,"seq":2,"rates":[]}'],
  ])('%s ends it, and nothing of it is believed', async (_, text) => {
    start();
    const socket = await lastSocket(1);
    socket.open(snapshot(7, BTC));
    await settled();
    socket.events.message(text);
    expect(socket.left).toBe(true);
    expect((await rates())['BTC']).toBe(45_000);
    await client.world.pass(1_000);
    await lastSocket(2);
  });

  test('silence is a broken connection: another one is made, and meanwhile rates are fetched', async () => {
    start();
    const socket = await lastSocket(1);
    socket.open(snapshot(7, BTC));
    await settled();
    await client.world.pass(QUIET_MS - 1_001);
    expect((await status()).state).toBe('live');
    const before = asked('/api/currency/');
    await client.world.pass(2_001);
    expect(socket.left).toBe(true);
    await settled();
    expect(asked('/api/currency/')).toBeGreaterThan(before);
    expect((await status()).state).not.toBe('live');
    (await lastSocket(2)).open(snapshot(8, BTC));
    await settled();
    expect((await status()).state).toBe('live');
  });
});

describe('an end', () => {
  const ended = async (code: number): Promise<void> => {
    start();
    const socket = await lastSocket(1);
    socket.open(snapshot(7, BTC));
    await settled();
    socket.events.closed(code);
    await settled();
  };

  test('is told with when it is tried again', async () => {
    await ended(1006);
    const { state, next_attempt_at: next, last_error: error } = await status();
    expect([state, error]).toEqual(['reconnecting', 'The stream has ended (1006).']);
    expect(Date.parse(next ?? '')).toBeGreaterThan(client.world.clock.now());
  });

  test('by 4401 is answered at once', async () => {
    await ended(4401);
    await client.world.pass(500);
    await lastSocket(2);
  });

  test.each([4408, 4401])('by %p again and again is answered more and more slowly', async (code) => {
    await ended(code);
    const waits: number[] = [];
    for (let count = 2; count < 6; count++) {
      const before = client.world.clock.elapsed();
      while (sockets.length < count) await client.world.pass(100);
      waits.push(client.world.clock.elapsed() - before);
      const socket = sockets[count - 1] as TestSocket;
      socket.open(snapshot(7 + count, BTC));
      await settled();
      socket.events.closed(code);
      await settled();
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(4 * (waits[0] ?? 0));
  });

  test('that was announced is followed by the pause that was asked for', async () => {
    start();
    const socket = await lastSocket(1);
    socket.open(snapshot(7, BTC), { type: 'shutdown', reconnect_after_ms: 20_000 });
    await settled();
    socket.events.closed(1001);
    await client.world.pass(19_900);
    expect(sockets).toHaveLength(1);
    await client.world.pass(200);
    await lastSocket(2);
  });
});

test('the next token is shown on the same connection, before the one in use ends', async () => {
  start({ double: { lifeSeconds: 600 } });
  const socket = await lastSocket(1);
  socket.open(snapshot(7, BTC));
  await settled();
  for (let passed = 0; passed < 570; passed += 5) {
    await client.world.pass(5_000);
    socket.say({ type: 'heartbeat', seq: 7 });
  }
  const { value } = await client.services.credentials.get(null).tokens.token();
  expect(socket.sent).toEqual([{ type: 'authorize', id: 1, token: value }]);
  expect(socket.headers['authorization']).not.toBe(`Bearer ${value}`);
  expect(sockets).toHaveLength(1);
});

test('another credential that is used gets a stream of its own', async () => {
  start();
  const socket = await lastSocket(1);
  socket.open(snapshot(7, BTC));
  await settled();
  client.double.clients.set('other', 'the-secret-of-the-other');
  await client.post('/api/configure', { client_id: 'other', client_secret: 'the-secret-of-the-other' });
  await client.world.pass(0);
  expect(socket.left).toBe(true);
  const second = await lastSocket(2);
  expect(second.headers['authorization']).not.toBe(socket.headers['authorization']);
});

describe('a server without WebSockets', () => {
  /** Server-sent events that a test writes, at the double. */
  const withEvents = () => {
    const ids: (string | null)[] = [];
    const writers: ReadableStreamDefaultController<Uint8Array>[] = [];
    const fetch = async (request: Request): Promise<Response> => {
      const { pathname } = new URL(request.url);
      const check = await client.double.fetch(request);
      if (pathname !== '/api/currency/events') return check;
      ids.push(request.headers.get('last-event-id'));
      const body = new ReadableStream<Uint8Array>({ start: (writer) => void writers.push(writer) });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    };
    const say = (text: string): void => writers.at(-1)?.enqueue(new TextEncoder().encode(text));
    return { fetch, ids, writers, say };
  };
  const event = (message: { type: string; seq?: number }): string =>
    `id: ${message.seq}\nevent: ${message.type}\ndata: ${JSON.stringify(message)}\n\n`;
  const refused = async (): Promise<void> => {
    (await lastSocket(1)).events.closed(1002);
    await settled();
  };

  test('is followed by its events, whole or in pieces', async () => {
    const events = withEvents();
    start({ fetch: events.fetch });
    await refused();
    expect(events.ids).toEqual([null]);
    const text = `retry: 2000\n\n${event(snapshot(7, BTC, ETH))}: heartbeat\r\n\r\n${event(update(7, 8, rate('BTC', 45_500)))}`;
    for (const part of text.match(/[\s\S]{1,17}/g) ?? []) events.say(part);
    await settled();
    expect(await status()).toMatchObject({ state: 'live', transport: 'events', seq: 8 });
    expect(await rates()).toEqual({ BTC: 45_500, ETH: 3_200 });
  });

  test('whose event never ends is left, however short its lines are', async () => {
    const events = withEvents();
    start({ fetch: events.fetch });
    await refused();
    const line = `data: ${'x'.repeat(1_000_000)}\n`;
    for (let count = 0; count < 12; count++) events.say(line);
    await settled();
    expect(await status()).toMatchObject({ state: 'reconnecting', transport: null });
  });

  test('goes on from where it was after an end', async () => {
    const events = withEvents();
    start({ fetch: events.fetch });
    await refused();
    events.say(event(snapshot(7, BTC)));
    await settled();
    events.writers[0]?.close();
    await settled();
    await client.world.pass(2_000);
    await settled();
    expect(events.ids).toEqual([null, '7']);
    expect(sockets).toHaveLength(1);
  });

  test('and without events is asked every ten seconds, and for a stream now and then', async () => {
    start({ double: { modern: false } });
    await refused();
    expect(await status()).toMatchObject({ state: 'live', transport: 'polling', seq: null, next_attempt_at: null });
    const before = asked('/api/currency/');
    await client.world.pass(30_000);
    expect(asked('/api/currency/')).toBe(before + 3);
    expect(asked('/api/currency/events')).toBe(1);
    await client.world.pass(PLAIN_MS);
    await lastSocket(2);
  });
});

test('a server that is away: offline, then live again', async () => {
  start();
  client.double.down = true;
  await client.world.pass(5_000);
  expect((await status()).state).toBe('offline');
  client.double.down = false;
  for (let count = 0; count < 60 && sockets.length < 1; count++) await client.world.pass(1_000);
  (await lastSocket(1)).open(snapshot(7, BTC));
  await settled();
  expect(await status()).toMatchObject({ state: 'live', last_error: null });
});

test('a stop ends it, and leaves no timer', async () => {
  start();
  const socket = await lastSocket(1);
  socket.open(snapshot(7, BTC));
  await settled();
  client.services.close();
  expect(socket.left).toBe(true);
  expect(client.world.timers()).toEqual([]);
});
