import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Elysia } from 'elysia';
import type { Access } from '../access/access';
import { createTestClient, type TestClient } from '../testing/client';
import { settle } from '../testing/world';
import { READERS_MAX } from './fan-out';
import { streamRoutes } from './index';

const AT = '2026-01-01T00:00:00.000Z';
const ASK_FOR_EVENTS = 'GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n';

let client: TestClient;
beforeEach(() => {
  client = createTestClient();
});
afterEach(() => client.end());

interface Told {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

/** Follows the events; `next` gives those that have come since. */
async function follow(path = '/api/events', init?: RequestInit) {
  const answer = await client.ask(path, init);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  let isOver = false;
  const reading = (async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read())
      text += new TextDecoder().decode(next.value);
    isOver = true;
  })();
  return {
    async next(): Promise<Told[]> {
      for (let turn = 0; turn < 10; turn++) await settle();
      const parts = text.split('\n\n').slice(0, -1);
      text = '';
      return parts.flatMap((part) => {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1];
        const event = field('event');
        return event === undefined ? [] : [{ event, id: field('id'), data: JSON.parse(field('data') ?? '') }];
      });
    },
    isOver: () => isOver,
    async leave() {
      await reader.cancel();
      await reading;
    },
  };
}

const names = (told: readonly Told[]): string[] => told.map(({ event }) => event);
const take = (seq: number, rate: number) =>
  client.services.feed.sink.all(seq, [{ symbol: 'BTC', rate, updated_at: '2026-01-01T00:00:00.000Z' }]);

describe('GET /api/events', () => {
  test('begins with the state and all rates, and goes on with what changes', async () => {
    take(7, 45_000);
    const events = await follow();
    const first = await events.next();
    expect(names(first)).toEqual(['status', 'snapshot']);
    expect(first[0]?.data).toMatchObject({
      credential_name: 'default',
      stream: { seq: 7 },
      servers: [{ state: 'unknown' }],
    });
    expect(first[1]).toMatchObject({
      id: '7',
      data: { type: 'snapshot', seq: 7, rates: [{ symbol: 'BTC', rate: 45_000 }] },
    });
    client.services.feed.sink.some(7, 8, [{ symbol: 'BTC', rate: 45_001 }]);
    const [update] = await events.next();
    expect(update).toMatchObject({
      event: 'update',
      id: '8',
      data: { from_seq: 7, seq: 8, rates: [{ rate: 45_001 }] },
    });
    await events.leave();
  });

  test('rates that were fetched have no number', async () => {
    const events = await follow();
    await client.ask('/api/currencies');
    const told = await events.next();
    expect(told.at(-1)).toMatchObject({ event: 'snapshot', data: { seq: null } });
    expect(told.at(-1)?.id).toBeUndefined();
    await events.leave();
  });

  test('tells the state every five seconds, and at once when it changes', async () => {
    const events = await follow();
    await events.next();
    await client.world.pass(4_000);
    expect(await events.next()).toEqual([]);
    await client.world.pass(1_000);
    expect(names(await events.next())).toEqual(['status']);
    await client.ask('/api/currencies');
    await client.world.pass(1_000);
    const told = await events.next();
    expect(told.find(({ event }) => event === 'status')?.data).toMatchObject({ has_token: true });
    await events.leave();
  });

  test('the next attempt that was told is over for a second at most', async () => {
    take(7, 45_000);
    client.double.down = true;
    client.services.feed.start();
    client.services.follower.start();
    const events = await follow();
    const attempts = new Set<string | null>();
    for (let second = 0; second < 60; second++) {
      await client.world.pass(1_000);
      for (const { data } of (await events.next()).filter(({ event }) => event === 'status'))
        attempts.add((data['stream'] as { next_attempt_at: string | null }).next_attempt_at);
      const last = [...attempts].at(-1) ?? '';
      expect(Date.parse(last)).toBeGreaterThan(client.world.clock.now() - 1_000);
    }
    expect(attempts.size).toBeGreaterThan(3);
    await events.leave();
  });

  test('holds no secret and no token', async () => {
    const events = await follow();
    const token = (await (await client.ask('/api/token')).json()) as { access_token: string };
    await client.world.pass(5_000);
    const told = JSON.stringify(await events.next());
    const secrets = [...client.double.clients.values(), token.access_token];
    for (const secret of secrets) expect(told).not.toContain(secret);
    await events.leave();
  });

  test('who does not read gets all rates anew in place of what he missed', async () => {
    take(1, 1);
    const answer = await client.ask('/api/events');
    for (let seq = 2; seq < 200; seq++) take(seq, seq);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    while (!text.includes('"seq":199')) text += new TextDecoder().decode((await reader.read()).value);
    expect(text.match(/event: /g)?.length).toBeLessThan(40);
    await reader.cancel();
  });

  test('who reads again never hears of older rates than those he has', async () => {
    take(1, 1);
    const answer = await client.ask('/api/events');
    for (let seq = 2; seq < 50; seq++) take(seq, seq);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const seqs: number[] = [];
    while (!seqs.includes(50)) {
      if (seqs.at(-1) === 49) take(50, 50);
      const { value } = await reader.read();
      const id = /^id: (\d+)$/m.exec(new TextDecoder().decode(value))?.[1];
      if (id !== undefined) seqs.push(Number(id));
    }
    expect(seqs).toEqual([49, 50]);
    await reader.cancel();
  });

  test('is given to so many, and to the next one when one has left', async () => {
    const all = await Promise.all(Array.from({ length: READERS_MAX }, () => follow()));
    const refused = await client.ask('/api/events');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
    await all[0]?.leave();
    const next = await follow();
    await Promise.all([...all.slice(1), next].map((one) => one.leave()));
    await client.world.pass(1_000);
    expect(client.world.timers()).toEqual([]);
  });

  test('whose reader has stopped reading gives up its place soon after it has ended', async () => {
    let signOut = (): void => {};
    const over = Promise.withResolvers<void>();
    const watch: Access['watch'] = (_, out) => {
      signOut = out;
      return over.resolve;
    };
    const app = new Elysia().use(streamRoutes({ fanOut: client.services.fanOut, access: { watch } }));
    app.listen({ port: 0, hostname: '127.0.0.1', idleTimeout: 200 });
    const socket = connect(app.server?.port ?? 0, '127.0.0.1', () => socket.write(ASK_FOR_EVENTS));
    try {
      await once(socket, 'data');
      socket.pause();
      // More than what the system keeps for a connection.
      const rates = Array.from({ length: 6_000 }, (_, at) => ({ symbol: `C${at}`, rate: 1, updated_at: AT }));
      for (let seq = 1; seq < 30; seq++) {
        client.services.feed.sink.all(seq, rates);
        await Bun.sleep(1);
      }
      signOut();
      await over.promise;
    } finally {
      socket.destroy();
      await app.stop(true);
    }
  }, 20_000);

  test('ends when the client stops', async () => {
    const events = await follow();
    client.services.fanOut.close();
    await events.next();
    expect(events.isOver()).toBe(true);
  });
});

async function signIn(): Promise<Record<string, string>> {
  client.end();
  client = createTestClient({ env: { DASHBOARD_PASSWORD: 'correct-horse-battery' } });
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ password: 'correct-horse-battery' });
  const answer = await client.ask('/api/session', { method: 'POST', body, headers });
  return { cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

const signOut = (session: Record<string, string>) =>
  client.ask('/api/session', { method: 'DELETE', headers: { ...session, 'sec-fetch-site': 'same-origin' } });

test('a session that ends is told, and its events end', async () => {
  const session = await signIn();
  expect((await client.ask('/api/events')).status).toBe(401);
  const events = await follow('/api/events', { headers: session });
  await events.next();
  await signOut(session);
  expect(names(await events.next())).toEqual(['signed_out']);
  expect(events.isOver()).toBe(true);
});

test('what comes after the end of a session is not told to one who reads late', async () => {
  const session = await signIn();
  const answer = await client.ask('/api/events', { headers: session });
  await signOut(session);
  take(1, 1);
  const text = await answer.text();
  expect(text.match(/^event: .*$/gm)).toEqual(['event: signed_out']);
});
