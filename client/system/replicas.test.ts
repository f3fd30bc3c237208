// A client before several servers on one PostgreSQL: what it loses when one of them dies, which is nothing.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { findPostgres, START_TIMEOUT_MS } from '../../db/testing-postgres';
import { ADMIN_SECRET } from '../../server/testing';
import { createDouble } from '../testing/double';
import type { JoinedClient } from '../testing/joined';
import { startLoad } from '../testing/load';
import { type Replica, type Replicas, startReplicas } from '../testing/replicas';
import { createTruth } from '../testing/truth';
import { deadlineOf } from '../testing/world';

describe.skipIf(!findPostgres())('before three servers', () => {
  let replicas: Replicas;
  let unreachableSinceMs: number | null;
  beforeEach(async () => {
    [replicas, unreachableSinceMs] = [await startReplicas({ count: 3 }), null];
  }, START_TIMEOUT_MS);
  afterEach(() => replicas.close(), START_TIMEOUT_MS);

  const shownTimes = (client: JoinedClient, times: number): Promise<void> =>
    replicas.passUntil(() => client.shown.length >= times, `${times} tables of rates`);
  /** Lets time pass, asking the client how it is at every step, until something holds. */
  const passTruly = async (
    client: JoinedClient,
    check: (said: Awaited<ReturnType<JoinedClient['status']>>) => boolean,
    what: string,
    stepMs?: number,
  ): Promise<void> => {
    const truth = createTruth(client, replicas.world.clock, stepMs);
    const holds = async (): Promise<boolean> => check(await truth.look({ unreachableSinceMs }));
    await replicas.passUntil(holds, what, stepMs);
    expect(truth.lies).toEqual([]);
  };
  const reads = ({ server }: Replica): number => server.logged.filter((line) => line.includes('/api/currency')).length;
  /** The one that the rates were read from. */
  const inUse = (): Replica => replicas.all.find((replica) => reads(replica) > 0)!;
  const killAll = async (): Promise<void> => {
    for (const replica of replicas.all) await replica.kill();
    unreachableSinceMs = replicas.world.clock.elapsed();
  };

  test(
    'one after the other is killed under load, and comes back: not one call is lost, and no table',
    async () => {
      const client = replicas.client();
      await shownTimes(client, 1);
      const load = startLoad(client, ['/api/currencies', '/proxy/default/api/currency/BTC', '/api/token'], 4);
      for (const replica of replicas.all) {
        const [asked, shown] = [load.count(), client.shown.length];
        await replica.kill();
        await passTruly(client, () => client.shown.length >= shown + 2 && load.count() > asked + 100, 'the others');
        await replica.revive();
        await passTruly(client, () => reads(replica) > 0, 'calls to it again', 1_000);
      }
      expect(await load.end()).toEqual([]);
      expect(client.logged.join('\n')).not.toContain('no rates');
      expect(replicas.tokenRequests()).toBe(1);
    },
    START_TIMEOUT_MS,
  );

  test(
    'all are killed, and one comes back: meanwhile the last rates with their age, after it neither a new token nor a new name',
    async () => {
      const client = replicas.client();
      await shownTimes(client, 1);
      const { client_id } = await client.status();
      const [tokens, shown] = [replicas.tokenRequests(), client.shown.length];
      await killAll();
      await passTruly(client, ({ server }) => server.state === 'away', 'the absence to be noticed');
      const stale = await client.ask('/api/currencies');
      expect([stale.status, stale.headers.get('warning')]).toEqual([200, '110 - "Response is Stale"']);
      await passTruly(client, ({ rates }) => Number(rates.age_seconds) > 300, 'the rates to be too old', 5_000);
      const none = await client.ask('/api/currencies');
      expect([none.status, Number(none.headers.get('retry-after')) > 0]).toEqual([503, true]);
      await replicas.all[1]!.revive();
      unreachableSinceMs = null;
      await passTruly(client, () => client.shown.length > shown, 'the rates');
      expect((await client.ask('/api/currencies')).headers.get('warning')).toBeNull();
      expect(await client.status()).toMatchObject({ client_id, authenticated: true, server: { state: 'ok' } });
      expect(replicas.tokenRequests()).toBe(tokens);
    },
    START_TIMEOUT_MS,
  );

  test(
    'one is silent from the start: the first rates come all the same, and soon',
    async () => {
      for (const { wire } of replicas.all.slice(0, 2)) wire.silence();
      const { world } = replicas;
      const began = world.clock.elapsed();
      const client = replicas.client({}, { deadline: deadlineOf(world) });
      await replicas.passUntil(() => client.shown.length > 0, 'the first rates', 50);
      expect(world.clock.elapsed() - began).toBeLessThanOrEqual(12_000);
    },
    START_TIMEOUT_MS,
  );

  test(
    'one falls silent: calls wait for their share of the time and are answered by another, and later ones do not wait',
    async () => {
      const { world } = replicas;
      const client = replicas.client({}, { deadline: deadlineOf(world) });
      await shownTimes(client, 1);
      const silent = inUse();
      silent.wire.silence();
      const began = world.clock.elapsed();
      const waits: number[] = [];
      for (let call = 0; call < 4; call++) {
        let answer: Response | null = null;
        const before = world.clock.elapsed();
        void client.ask('/api/currencies').then((given) => {
          answer = given;
        });
        await passTruly(client, () => answer !== null, 'the answer', 50);
        expect((answer as Response | null)?.status).toBe(200);
        waits.push(world.clock.elapsed() - before);
        // Callers within a second share one answer.
        await world.pass(1_000);
      }
      expect(Math.max(...waits)).toBeLessThan(3_000);
      expect(waits.at(-1)).toBeLessThanOrEqual(100);
      silent.wire.speak();
      await passTruly(client, ({ server }) => server.state === 'ok' && world.clock.elapsed() - began > 60_000, 'calm');
    },
    START_TIMEOUT_MS,
  );

  test(
    'answers are broken off in the middle: the rates are read from another server',
    async () => {
      const client = replicas.client();
      await shownTimes(client, 1);
      inUse().wire.breakAnswers();
      const shown = client.shown.length;
      await passTruly(client, () => client.shown.length >= shown + 4, 'the rates', 1_000);
      expect((await client.ask('/api/currencies')).headers.get('warning')).toBeNull();
      expect(client.logged.join('\n')).not.toContain('no rates');
    },
    START_TIMEOUT_MS,
  );

  test(
    'the token ends while nobody can be reached: it says so at once, and has another one when somebody can',
    async () => {
      const client = replicas.client();
      await shownTimes(client, 1);
      const shown = client.shown.length;
      await killAll();
      await passTruly(client, ({ has_token }) => !has_token, 'the end of the token', 60_000);
      expect((await client.ask('/api/token')).status).toBe(503);
      await replicas.all[2]!.revive();
      unreachableSinceMs = null;
      await passTruly(client, ({ has_token }) => has_token && client.shown.length > shown, 'the way back');
      expect(replicas.tokenRequests()).toBe(2);
      expect((await client.status()).renewal.last_error).toBeNull();
    },
    START_TIMEOUT_MS,
  );

  test(
    'one names another issuer: it is shown no secret and no token, and the others serve',
    async () => {
      const double = createDouble({ issuer: 'https://evil.test', now: replicas.world.clock.now });
      const sent: string[] = [];
      const evil = Bun.serve({
        port: 0,
        hostname: '127.0.0.1',
        async fetch(request) {
          sent.push(JSON.stringify([...request.headers]), await request.clone().text());
          return double.fetch(request);
        },
      });
      try {
        const urls = [`http://127.0.0.1:${evil.port}`, ...replicas.all.map(({ wire }) => wire.url)].join(',');
        const client = replicas.client({ CRYPTO_SERVER_URL: urls, ADMIN_SECRET });
        await shownTimes(client, 2);
        expect(new Set(double.seen)).toEqual(new Set(['GET /.well-known/oauth-authorization-server', 'GET /health']));
        expect(sent.join('\n')).not.toMatch(/authorization|admin|secret/i);
        expect(await client.status()).toMatchObject({ authenticated: true, server: { state: 'ok' } });
      } finally {
        await evil.stop(true);
      }
    },
    START_TIMEOUT_MS,
  );
});
