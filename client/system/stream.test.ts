// Who follows the rates through a client before several servers: what reaches him while servers, tokens and the network come and go.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { findPostgres, START_TIMEOUT_MS } from '../../db/testing-postgres';
import { type Browser, openBrowser } from '../testing/browser';
import type { JoinedClient } from '../testing/joined';
import { type Replica, type Replicas, startReplicas } from '../testing/replicas';
import { createTruth } from '../testing/truth';
import { deadlineOf } from '../testing/world';

type Said = Awaited<ReturnType<JoinedClient['status']>>;

/** A token lives so long here, so that it is renewed several times. */
const LIFE_SECONDS = 40;

describe.skipIf(!findPostgres())('who follows the rates before two servers', () => {
  let replicas: Replicas;
  let client: JoinedClient;
  let browser: Browser;
  let gone: Map<string, number>;
  let unreachableSinceMs: number | null;
  /** States of the stream, as they were told. */
  let states: Set<string>;
  beforeEach(async () => {
    replicas = await startReplicas({ count: 2, settings: { accessTokenTtlSeconds: LIFE_SECONDS } });
    [gone, unreachableSinceMs, states] = [new Map(), null, new Set()];
    client = replicas.client({}, { deadline: deadlineOf(replicas.world) });
    await passTruly(isLive, 'the stream');
    browser = await openBrowser(client);
    states.clear();
  }, START_TIMEOUT_MS);
  afterEach(async () => {
    await browser.leave();
    await replicas.close();
  }, START_TIMEOUT_MS);

  const isLive = ({ stream }: Said): boolean => stream.state === 'live' && stream.transport === 'websocket';
  /** Lets time pass and the market move, asking the client how it is at every step, until something holds. */
  const passTruly = async (check: (said: Said) => boolean, what: string): Promise<void> => {
    const truth = createTruth(client, replicas.world.clock, 250);
    const holds = async (): Promise<boolean> => {
      await replicas.tick();
      const said = await truth.look({ unreachableSinceMs, gone });
      states.add(said.stream.state);
      return check(said);
    };
    await replicas.passUntil(holds, what, 250);
    expect(truth.lies).toEqual([]);
  };
  const passTicks = async (count: number): Promise<void> => {
    const from = browser.seq() ?? 0;
    await passTruly((said) => isLive(said) && (browser.seq() ?? 0) >= from + count, `${count} ticks`);
  };
  const kill = async (replica: Replica): Promise<void> => {
    await replica.kill();
    gone.set(replica.wire.url, replicas.world.clock.elapsed());
  };
  const revive = async (replica: Replica): Promise<void> => {
    await replica.revive();
    gone.delete(replica.wire.url);
  };
  /** Nothing was missed: what is held is what the server has. */
  const expectAll = async ({ server }: Replica): Promise<void> => {
    const { seq } = server.services.feed.snapshot();
    await passTruly(
      () => browser.seq() === seq || browser.seq() === server.services.feed.snapshot().seq,
      'the last tick',
    );
    expect([...browser.rates.values()]).toEqual([...server.services.feed.snapshot().rates]);
    expect(browser.gaps).toEqual([]);
  };

  test(
    'each of them is killed in turn: the stream goes on at the other one, without a gap',
    async () => {
      for (const replica of replicas.all) {
        await passTicks(2);
        await kill(replica);
        await passTicks(5);
        await revive(replica);
        await passTruly(({ servers }) => servers.every(({ state }) => state === 'ok'), 'all of them');
      }
      await expectAll(replicas.all[0]!);
      expect([...states].filter((state) => state !== 'live' && state !== 'reconnecting')).toEqual([]);
    },
    START_TIMEOUT_MS,
  );

  test(
    'the one that it comes from falls silent: that is noticed, and it goes on at the other one',
    async () => {
      await passTicks(2);
      for (const { wire } of replicas.all) {
        wire.silence();
        const since = browser.seq() ?? 0;
        await passTruly((said) => isLive(said) && (browser.seq() ?? 0) >= since + 7, 'seven ticks');
        wire.speak();
        await passTruly(({ servers }) => servers.every(({ state }) => state === 'ok'), 'all of them');
      }
      await expectAll(replicas.all[0]!);
    },
    START_TIMEOUT_MS,
  );

  test(
    'all are gone, and back: the age of the rates is told, then all rates are given anew',
    async () => {
      await passTicks(2);
      for (const replica of replicas.all) await kill(replica);
      unreachableSinceMs = replicas.world.clock.elapsed();
      await passTruly(({ stream }) => stream.state === 'stale', 'the rates to be old');
      await revive(replicas.all[1]!);
      unreachableSinceMs = null;
      await passTicks(2);
      await expectAll(replicas.all[1]!);
    },
    START_TIMEOUT_MS,
  );

  test(
    'the token is renewed again and again: the connection stays the same',
    async () => {
      const asked = replicas.tokenRequests();
      await passTruly(() => replicas.tokenRequests() >= asked + 2, 'two renewals');
      await passTicks(4);
      await expectAll(replicas.all[0]!);
      expect(client.logged.join('\n')).not.toContain('the stream has ended');
      expect([...states]).toEqual(['live']);
    },
    START_TIMEOUT_MS,
  );
});
