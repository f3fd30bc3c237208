// Readers who do not read: what waits for them is bounded, they harm nobody, and in the end they are cut.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { embeddedDatabase } from '../../../db/testing';
import { startTestServer, type TestServer, waitFor } from '../../testing';
import { openRaw, type RawReader } from './testing-raw';

/** Large enough for a few messages to fill what the system keeps for a connection, which is some megabytes. */
const CURRENCIES = 6_000;

/** So many messages are more than that. */
const TICKS = 30;

embeddedDatabase('a reader who stops reading', (open) => {
  let server: TestServer;
  let token: string;
  beforeAll(async () => {
    server = await startTestServer(await open());
    token = await server.token();
  });
  afterAll(() => server.close());

  /** A tick of a large market, which is in no database. */
  const tick = async (): Promise<number> => {
    const { seq, catalogueVersion, rates } = server.services.feed.snapshot();
    const isLarge = rates.length === CURRENCIES;
    const currency = { name: 'Coin', rate: '1.5', anchorRate: '1.5', lastUpdated: new Date(server.now()) };
    const state = {
      seq: seq + 1,
      catalogueVersion: isLarge ? catalogueVersion : catalogueVersion + 1,
      tickedAt: new Date(server.now()),
      currencies: Array.from({ length: CURRENCIES }, (_, id) => ({ ...currency, id, symbol: `C${id}` })),
    };
    await server.services.feed.publish(() => Promise.resolve(state));
    return seq + 1;
  };
  const tickTimes = async (count: number): Promise<number> => {
    for (let left = count; left > 1; left--) {
      await tick();
      // What is sent is read between two ticks, by those who read.
      await Bun.sleep(1);
    }
    return tick();
  };
  const total = () => server.services.streams.counts().websocket + server.services.streams.counts().events;
  const until = (reader: RawReader, seq: number) => waitFor(() => reader.updates.at(-1)?.to === seq, `update ${seq}`);
  const expectNoGap = ({ updates }: RawReader) => {
    for (const [at, { from }] of updates.slice(1).entries()) expect(from).toBe(updates[at]!.to);
  };

  /** One of each kind. */
  const openBoth = () => Promise.all((['stream', 'events'] as const).map((path) => openRaw(server.port, path, token)));
  const leaveAll = async (readers: RawReader[]) => {
    for (const reader of readers) reader.leave();
    await waitFor(() => total() === 0, 'all to be gone');
  };

  test('gets one update for all that he missed, once he reads again', async () => {
    await tick();
    const [slow, steady] = [await openBoth(), await openBoth()];
    for (const reader of slow) reader.pause();
    const last = await tickTimes(TICKS);
    for (const reader of steady) {
      await until(reader, last);
      expectNoGap(reader);
    }
    for (const reader of slow) {
      reader.resume();
      await until(reader, last);
      expectNoGap(reader);
      expect(reader.updates.length).toBeLessThan(TICKS);
      expect(reader.updates.at(-1)!.from).toBeLessThan(last - 1);
    }
    const next = await tick();
    for (const reader of [...slow, ...steady]) {
      await until(reader, next);
      expect(reader.updates.at(-1)).toEqual({ from: next - 1, to: next });
    }
    await leaveAll([...slow, ...steady]);
  });

  test('is cut when he has not read for ten seconds, and counted; nobody else notices', async () => {
    const [stalled, steady] = [await openBoth(), await openBoth()];
    for (const reader of stalled) reader.pause();
    const last = await tickTimes(TICKS);
    for (const reader of steady) await until(reader, last);
    server.pass(9_999);
    server.services.streams.beat();
    expect(total()).toBe(4);
    server.pass(1);
    server.services.streams.beat();
    expect(total()).toBe(2);
    const metrics = await (await server.ask('/metrics')).text();
    expect(metrics).toContain('crypto_server_stream_cuts_total{reason="too_slow"} 2\n');
    const next = await tick();
    for (const reader of steady) {
      await until(reader, next);
      expectNoGap(reader);
    }
    const codes = stalled.map((reader) => {
      reader.resume();
      return reader.closed;
    });
    expect(await Promise.all(codes)).toEqual([4408, null]);
    for (const reader of stalled) expectNoGap(reader);
    await leaveAll(steady);
  });
});
