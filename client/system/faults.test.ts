// What else goes wrong around several servers: their database, the network, the clocks.
import { afterEach, describe, expect, test } from 'bun:test';
import { connectPostgres } from '../../db/connect';
import { findPostgres, START_TIMEOUT_MS, startPostgres } from '../../db/testing-postgres';
import { waitFor } from '../../server/testing';
import type { JoinedClient } from '../testing/joined';
import { startLoad } from '../testing/load';
import { type Replica, type Replicas, type ReplicasOptions, startReplicas } from '../testing/replicas';
import { createTruth } from '../testing/truth';
import { START_MS } from '../testing/world';

describe.skipIf(!findPostgres())('before two servers', () => {
  let replicas: Replicas | null = null;
  afterEach(async () => {
    await replicas?.close();
    replicas = null;
  }, START_TIMEOUT_MS);

  const start = async (options: Partial<ReplicasOptions> = {}): Promise<Replicas> => {
    replicas = await startReplicas({ count: 2, ...options });
    return replicas;
  };
  const passTruly = async (
    { world, passUntil }: Replicas,
    client: JoinedClient,
    check: (said: Awaited<ReturnType<JoinedClient['status']>>) => boolean,
    what: string,
    stepMs?: number,
  ): Promise<void> => {
    const truth = createTruth(client, world.clock, stepMs);
    await passUntil(async () => check(await truth.look({ unreachableSinceMs: null })), what, stepMs);
    expect(truth.lies).toEqual([]);
  };
  const reads = ({ server }: Replica): number => server.logged.filter((line) => line.includes('/api/currency')).length;

  test(
    'their database is stopped: rates go on, the token lives to its end, and everything comes back with it',
    async () => {
      const postgres = await startPostgres({ fast: true });
      try {
        const database = connectPostgres({ url: postgres.url });
        await database.migrate();
        await database.close();
        const here = await start({ databaseUrl: postgres.url, settings: { accessTokenTtlSeconds: 60 } });
        const client = here.client();
        await passTruly(here, client, () => client.shown.length > 0, 'the first rates');
        await postgres.stop('immediate');
        const isDegraded = async ({ server }: Replica): Promise<boolean> =>
          ((await (await server.ask('/health/ready')).json()) as { status: string }).status === 'degraded';
        for (const replica of here.all) await waitFor(() => isDegraded(replica), 'the loss to be noticed');
        const { length } = client.shown;
        await passTruly(here, client, () => client.shown.length >= length + 2, 'rates without a database');
        await passTruly(here, client, ({ renewal }) => renewal.last_error !== null, 'a renewal in vain');
        expect(await client.status()).toMatchObject({ authenticated: true, server: { state: 'ok' } });
        await passTruly(here, client, ({ has_token }) => !has_token, 'the end of the token');
        await passTruly(here, client, ({ server }) => server.state === 'away', 'the lack of rates to be noticed');
        const stale = await client.ask('/api/currencies');
        expect([stale.status, stale.headers.get('warning')]).toEqual([200, '110 - "Response is Stale"']);
        await postgres.start();
        await passTruly(here, client, ({ server, has_token }) => server.state === 'ok' && has_token, 'the way back');
        expect((await client.status()).renewal.last_error).toBeNull();
        await here.close();
        replicas = null;
      } finally {
        await postgres.close();
      }
    },
    START_TIMEOUT_MS,
  );

  test(
    'the way to one of them is long: most calls take the other one',
    async () => {
      const here = await start();
      const [far, near] = here.all;
      far!.wire.delayMs = 150;
      const client = here.client();
      await passTruly(here, client, () => client.shown.length > 0, 'the first rates');
      const load = startLoad(client, ['/proxy/default/api/currency/ETH'], 2);
      await passTruly(here, client, () => load.count() > 200, 'the callers');
      expect(await load.end()).toEqual([]);
      expect(reads(near!)).toBeGreaterThan(4 * reads(far!));
    },
    START_TIMEOUT_MS,
  );

  test.each([
    ['an hour ahead', 3_600_000],
    ['an hour behind', -3_600_000],
  ])(
    "the servers' clock is %s of the client's: tokens live as long as they should",
    async (_, aheadMs) => {
      const settings = { accessTokenTtlSeconds: 60 };
      const here = await start({ settings, aheadMs });
      const client = here.client();
      await passTruly(here, client, () => client.shown.length > 0, 'the first rates');
      const load = startLoad(client, ['/api/currencies', '/api/token'], 1);
      await passTruly(here, client, () => here.tokenRequests() >= 4, 'three renewals');
      expect(await load.end()).toEqual([]);
      expect(here.world.clock.now() - START_MS).toBeGreaterThan(120_000);
      expect(here.all.flatMap(({ server }) => server.logged).join('\n')).not.toContain('token_expired');
    },
    START_TIMEOUT_MS,
  );

  test(
    "the client's clock is set forward and back: no call fails, and no dead token is kept",
    async () => {
      const here = await start({ steadyClock: true });
      const client = here.client();
      await passTruly(here, client, () => client.shown.length > 0, 'the first rates');
      const load = startLoad(client, ['/api/currencies', '/api/token'], 1);
      for (const stepMs of [600_000, -3_600_000, 10_800_000, -10_800_000, 3_000_000]) {
        here.world.stepWallClock(stepMs);
        const { length } = client.shown;
        await here.passUntil(() => client.shown.length >= length + 2, 'the rates', 2_500);
        expect(await client.status()).toMatchObject({ authenticated: true, server: { state: 'ok' } });
      }
      const { clock } = here.world;
      const isRenewed = async (): Promise<boolean> =>
        Date.parse((await client.status()).renewal.next_at ?? '') > clock.now();
      const endMs = clock.elapsed() + 2 * 7_200_000;
      const passed = async (): Promise<boolean> => {
        // A renewal takes some time of the real world, in which ours must not fly.
        await waitFor(isRenewed, 'the end of a renewal');
        return clock.elapsed() > endMs;
      };
      await here.passUntil(passed, 'the lives of two tokens', 170_001);
      expect(await load.end()).toEqual([]);
      expect(here.all.flatMap(({ server }) => server.logged).join('\n')).not.toContain('token_expired');
    },
    START_TIMEOUT_MS,
  );
});
