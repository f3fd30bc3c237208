// A server that stops: everybody is told when to come back, not all at once, and no stream holds it up.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { embeddedDatabase } from '../../../db/testing';
import { json, startTestServer, type TestServer } from '../../testing';
import { startServerProcess, temporaryFolder } from '../../testing-process';
import { openEventStream, openSocket, type TestSocket } from './testing';

/** Enough that two told the same would be no accident. */
const SOCKETS = 200;

embeddedDatabase('a server that stops', (open) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(await open());
  });
  afterAll(() => server.close());

  /** What a socket was told, once it is closed. */
  const goodbye = async (socket: TestSocket): Promise<number> => {
    expect((await socket.next()).type).toBe('snapshot');
    const message = await socket.next();
    if (message.type !== 'shutdown') throw new Error(`${message.type} instead of shutdown`);
    expect(await socket.closed).toEqual({ code: 1001, reason: 'going away' });
    return message.reconnect_after_ms;
  };

  test('tells everybody another time, over a span that grows with their number, and lets nobody in', async () => {
    const headers = { authorization: `Bearer ${await server.token()}` };
    const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => openSocket(server, headers)));
    const events = await openEventStream(server, headers);
    await events.nextMessage();
    server.services.streams.close();
    const times = await Promise.all(sockets.map(goodbye));
    // Half a second, and then a second and another one for every five hundred.
    const [soonest, latest] = [Math.min(...times), Math.max(...times)];
    expect(soonest).toBeGreaterThanOrEqual(500);
    expect(latest).toBeLessThan(500 + 1_000 + (SOCKETS + 1) * 2);
    expect(latest - soonest).toBeGreaterThan(1_200);
    expect(new Set(times).size).toBeGreaterThan(SOCKETS / 2);
    const { event, data, retry } = await events.nextMessage();
    expect([event, data.type]).toEqual(['shutdown', 'shutdown']);
    expect(retry).toBe(String('reconnect_after_ms' in data && data.reconnect_after_ms));
    await events.ended;
    const late = await server.ask('/api/currency/events', { headers });
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '1']);
    await expect(openSocket(server, headers)).rejects.toThrow();
    expect(server.services.streams.counts()).toEqual({ websocket: 0, events: 0 });
  });
});

test('SIGTERM ends the process at once, though streams are open', async () => {
  const folder = temporaryFolder();
  const server = await startServerProcess({ DATA_DIR: folder.path });
  const client = { client_id: 'streams', client_secret: 'correct-horse-battery-staple' };
  await fetch(`${server.url}/api/auth/register`, json({ ...client, app_name: 'Tests' }));
  const answer = await fetch(`${server.url}/api/auth/token`, json(client));
  const { access_token } = (await answer.json()) as { access_token: string };
  const headers = { authorization: `Bearer ${access_token}` };
  const socket = await openSocket(server, headers);
  const ask = (path: string, init?: RequestInit) => fetch(`${server.url}${path}`, init);
  const events = await openEventStream({ ask }, headers);
  await Promise.all([socket.next(), events.nextMessage()]);
  const startedMs = performance.now();
  server.signal('SIGTERM');
  expect(await socket.closed).toEqual({ code: 1001, reason: 'going away' });
  await events.ended;
  expect(await server.exited).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  folder.remove();
}, 60_000);
