// `/api/currency/events`: the rates as server-sent events (HTML §9.2), by contract §5.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Database } from '../../../db/connect';
import { market } from '../../../db/schema';
import { eachDatabase, embeddedDatabase } from '../../../db/testing';
import {
  ADMIN_SECRET,
  challengeOf,
  json,
  startTestServer,
  type TestClient,
  type TestServer,
  waitFor,
} from '../../testing';
import type { StreamMessage } from './model';
import { openEventStream, type TestEvents } from './testing';

eachDatabase('events of the rates', (open) => {
  let database: Database;
  let server: TestServer;
  let client: TestClient;
  let token: string;
  const streams: TestEvents[] = [];
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
    client = await server.register();
  });
  beforeEach(async () => {
    token = await server.token(client);
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) await stream.close();
    await waitFor(() => server.services.streams.counts().events === 0, 'the streams to be gone');
  });
  afterAll(() => server.close());

  const enter = async (query = '', headers: Record<string, string> = {}): Promise<TestEvents> => {
    const stream = await openEventStream(server, { authorization: `Bearer ${token}`, ...headers }, query);
    streams.push(stream);
    return stream;
  };
  const resume = (id: number | string, query = ''): Promise<TestEvents> =>
    enter(query, { 'last-event-id': String(id) });
  const tick = async (): Promise<number> => {
    server.pass(3_000);
    return (await server.services.ticker.tick())!;
  };
  const rates = () => [...server.services.feed.snapshot().rates];
  const seq = () => server.services.feed.snapshot().seq;
  const beat = () => server.services.streams.beat();
  const symbolsOf = (message: StreamMessage): string[] =>
    'rates' in message ? message.rates.map(({ symbol }) => symbol) : [];

  test('begin with a snapshot and go on with an update for each tick; the id is the seq', async () => {
    const stream = await enter();
    expect(await stream.next()).toMatchObject({ retry: '2000', data: null });
    const first = { id: String(seq()), event: 'snapshot', data: { type: 'snapshot', seq: seq(), rates: rates() } };
    expect(await stream.next()).toMatchObject(first);
    for (let count = 0; count < 3; count++) {
      const before = seq();
      await tick();
      const data = { type: 'update', from_seq: before, seq: seq(), rates: rates() };
      expect(await stream.next()).toMatchObject({ id: String(seq()), event: 'update', data });
    }
  });

  test('are kept by nobody, and gathered by no proxy', async () => {
    const { answer } = await enter();
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': expect.stringMatching(/./),
    });
    const head = await server.ask('/api/currency/events', {
      method: 'HEAD',
      headers: { authorization: `Bearer ${token}` },
    });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(head.headers.get('content-length')).toBeNull();
  });

  test('are of the currencies that were asked for; an unknown one is 404, and no token 401', async () => {
    const stream = await enter('?symbols=eth,BTC');
    expect(symbolsOf((await stream.nextMessage()).data)).toEqual(['BTC', 'ETH']);
    await tick();
    expect(symbolsOf((await stream.nextMessage()).data)).toEqual(['BTC', 'ETH']);
    expect((await server.read('/api/currency/events?symbols=NOPE', token)).status).toBe(404);
    const all = await server.read('/api/currency/events?symbols=', token, { 'last-event-id': 'x' });
    expect(all.status).toBe(200);
    await all.body?.cancel();
    expect(symbolsOf((await (await enter('?symbols=BTC,+ETH,')).nextMessage()).data)).toEqual(['BTC', 'ETH']);
    const bare = await server.ask('/api/currency/events');
    expect(bare.status).toBe(401);
    expect(challengeOf(bare)).toMatchObject({ scheme: 'Bearer' });
  });

  test('of a currency that is retired go on without it, for who comes in anew too, until it is listed again', async () => {
    const by = { actor: 'admin', request: null };
    const { currencies } = server.services;
    await currencies.add({ symbol: 'TON', name: 'Toncoin', rate: 5.25 }, by);
    await currencies.retire('TON', by);
    const stream = await enter('?symbols=BTC,TON');
    expect(symbolsOf((await stream.nextMessage()).data)).toEqual(['BTC']);
    const later = await startTestServer(database);
    const headers = { authorization: `Bearer ${await later.token()}` };
    const again = await openEventStream(later, headers, '?symbols=ton');
    expect(symbolsOf((await again.nextMessage()).data)).toEqual([]);
    await again.close();
    await later.close();
    await currencies.add({ symbol: 'TON', name: 'Toncoin', rate: 5.25 }, by);
    expect(symbolsOf((await stream.nextMessage()).data)).toEqual(['BTC', 'TON']);
  });

  test('a comment comes when nothing else has for ten seconds', async () => {
    const stream = await enter();
    await stream.nextMessage();
    server.pass(9_000);
    beat();
    server.pass(1_000);
    beat();
    expect(await stream.next()).toMatchObject({ comment: 'heartbeat', data: null, event: null });
  });

  test('end when their token does', async () => {
    const stream = await enter();
    await stream.nextMessage();
    server.pass(7_200_000);
    beat();
    await stream.ended;
    expect(stream.waiting()).toBe(0);
  });

  test('whoever leaves is forgotten', async () => {
    const stream = await enter();
    expect(server.services.streams.counts().events).toBe(1);
    await stream.close();
    await waitFor(() => server.services.streams.counts().events === 0, 'the stream to be gone');
  });

  describe('Last-Event-ID', () => {
    test('brings what was missed, tick by tick, and then what comes', async () => {
      await tick();
      const first = await enter('?symbols=BTC');
      const { data } = await first.nextMessage();
      const had = (data as { seq: number }).seq;
      await first.close();
      for (let count = 0; count < 3; count++) await tick();
      const second = await resume(had, '?symbols=BTC');
      for (let count = 0; count < 3; count++) {
        const data = { type: 'update', from_seq: had + count, seq: had + count + 1 };
        expect(await second.nextMessage()).toMatchObject({ id: String(had + count + 1), event: 'update', data });
      }
      await tick();
      expect((await second.nextMessage()).data).toMatchObject({ from_seq: had + 3, seq: had + 4 });
    });

    test('of the newest tick brings the next one', async () => {
      await tick();
      const stream = await resume(seq());
      await tick();
      expect((await stream.nextMessage()).data).toMatchObject({ type: 'update', from_seq: seq() - 1, seq: seq() });
    });

    test('of which only another replica knows yet brings the next one, and nothing older', async () => {
      const had = seq() + 1;
      await database.rows.update(market).set({ seq: had });
      const stream = await resume(had);
      await tick();
      expect((await stream.nextMessage()).data).toMatchObject({ type: 'update', from_seq: had, seq: had + 1 });
    });

    test.each<[string, () => number | string]>([
      ['that no replica has made', () => seq() + 1],
      ['from before this server', () => 0],
      ['that never was one', () => '-1'],
      ['of words', () => 'nonsense'],
    ])('%s brings a fresh snapshot', async (_, id) => {
      await tick();
      const stream = await resume(id());
      expect((await stream.nextMessage()).data).toMatchObject({ type: 'snapshot', seq: seq() });
    });

    test('from before a currency came brings a fresh snapshot', async () => {
      await tick();
      const had = seq();
      const headers = { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'application/json' };
      const body = { symbol: `C${had}`, name: 'Newcoin', rate: 1.5 };
      await server.ask('/api/admin/currencies', { ...json(body), headers });
      expect((await (await resume(had)).nextMessage()).data).toMatchObject({ type: 'snapshot', seq: had });
      await tick();
      await tick();
      expect((await (await resume(had)).nextMessage()).data).toMatchObject({ type: 'snapshot', seq: seq() });
      expect((await (await resume(seq() - 1)).nextMessage()).data).toMatchObject({ type: 'update', seq: seq() });
    });
  });
});

embeddedDatabase('a hundred disconnects', (open) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(await open());
  });
  afterAll(() => server.close());

  /** Ticks while nobody listens, ticks while somebody does, and how many messages he reads at most before he leaves. */
  const spell = fc.record({ away: fc.nat(3), there: fc.nat(3), reads: fc.nat(6) });

  test('leave no gap and no duplicate', async () => {
    const headers = { authorization: `Bearer ${await server.token()}` };
    const rateOf = new Map<number, number>();
    const tick = async (rate: number): Promise<void> => {
      const { seq, catalogueVersion } = server.services.feed.snapshot();
      const tickedAt = new Date(server.now());
      const btc = { id: 1, symbol: 'BTC', name: 'Bitcoin', rate: String(rate), anchorRate: '1', lastUpdated: tickedAt };
      const state = { seq: seq + 1, catalogueVersion, tickedAt, currencies: [btc] };
      await server.services.feed.publish(() => Promise.resolve(state));
      rateOf.set(seq + 1, rate);
    };
    const tickTimes = async (count: number): Promise<void> => {
      for (let left = count; left > 0; left--) await tick(rateOf.size + 1);
    };
    await tickTimes(1);
    const newest = () => server.services.feed.snapshot().seq;
    const journey = fc.array(spell, { minLength: 100, maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(journey, async (spells) => {
        let had = newest();
        for (const { away, there, reads } of spells) {
          await tickTimes(away);
          const missed = newest();
          const stream = await openEventStream(server, { ...headers, 'last-event-id': String(had) });
          await tickTimes(there);
          for (let left = reads; left > 0 && had < newest(); left--) {
            const { id, data } = await stream.nextMessage();
            expect(data).toMatchObject({ type: 'update', from_seq: had, seq: Number(id), rates: [{ symbol: 'BTC' }] });
            // What was missed comes tick by tick; what is new may be folded.
            expect(Number(id) - had).toBeWithin(1, had < missed ? 2 : there + 1);
            had = Number(id);
            expect((data as { rates: { rate: number }[] }).rates[0]!.rate).toBe(rateOf.get(had)!);
          }
          await stream.close();
        }
      }),
      { numRuns: 1, endOnFailure: true },
    );
  });
});
