// A client before a server of another make, over HTTP: no metadata, tokens for JSON alone and without their life, no streams.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { waitFor } from '../../server/testing';
import { createDouble, DOUBLE_RATES, type Double } from '../testing/double';
import { clientFolder, type JoinedClient, startJoinedClient } from '../testing/joined';
import { startLoad } from '../testing/load';
import { createTruth } from '../testing/truth';
import { layWire, type Wire } from '../testing/wire';
import { createWorld, type World } from '../testing/world';

const TIMEOUT_MS = 30_000;

/** All that such a server has; the rest is looked for, and not found. */
const PLAIN = ['GET /api/currency/', 'GET /health', 'POST /api/auth/register', 'POST /api/auth/token'];

describe('before a plain server at two addresses', () => {
  let world: World;
  let double: Double;
  let server: Bun.Server<undefined>;
  let wires: [Wire, Wire];
  let folder: ReturnType<typeof clientFolder>;
  let client: JoinedClient;
  let unreachableSinceMs: number | null;
  beforeEach(async () => {
    [world, folder, unreachableSinceMs] = [createWorld(), clientFolder(), null];
    double = createDouble({ modern: false, lifeSeconds: 600, now: world.clock.now });
    server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => double.fetch(request) });
    wires = [await layWire(Number(server.port)), await layWire(Number(server.port))];
    client = startJoinedClient(world, {
      CRYPTO_SERVER_URL: wires.map(({ url }) => url).join(','),
      DATA_DIR: join(folder.path, 'data'),
    });
    await passTruly(() => client.shown.length > 0, 'the first rates');
  });
  afterEach(async () => {
    await client.stop();
    for (const wire of wires) await wire.cut();
    await server.stop(true);
    folder.remove();
  });

  const passTruly = async (
    check: (said: Awaited<ReturnType<JoinedClient['status']>>) => boolean,
    what: string,
    stepMs = 500,
  ): Promise<void> => {
    const truth = createTruth(client, world.clock, stepMs);
    await waitFor(async () => {
      if (check(await truth.look({ unreachableSinceMs }))) return true;
      await world.pass(stepMs);
      return false;
    }, what);
    expect(truth.lies).toEqual([]);
  };

  test(
    'it registers, reads the life of its token in the token, and shows the rates again and again',
    async () => {
      expect(await client.status()).toMatchObject({ authenticated: true, token_expires_in: expect.any(Number) });
      expect((await client.status()).token_expires_in).toBeLessThanOrEqual(600);
      expect(await (await client.ask('/api/currencies')).json()).toEqual(DOUBLE_RATES);
      expect(await (await client.ask('/api/currencies/btc')).json()).toEqual(DOUBLE_RATES[0]!);
      await passTruly(() => client.shown.length >= 4, 'more tables');
      expect(double.tokenRequests.map(({ type }) => type)).toEqual(['application/json']);
    },
    TIMEOUT_MS,
  );

  test(
    'it asks for nothing but what there is, the metadata and the streams, and for these not again and again',
    async () => {
      await passTruly(() => client.shown.length >= 6, 'a minute of tables');
      const missing = double.seen.filter((one) => !PLAIN.includes(one));
      expect(missing.filter((one) => !/^GET \/(\.well-known\/|api\/currency\/(stream|events)$)/.test(one))).toEqual([]);
      // Each of them once at each address.
      expect(missing.length).toBeLessThanOrEqual(6);
    },
    TIMEOUT_MS,
  );

  test(
    'a token is renewed ahead of its end, and one that the server has forgotten when it is refused',
    async () => {
      await passTruly(() => double.tokenRequests.length >= 2, 'the renewal', 5_000);
      expect((await client.status()).authenticated).toBe(true);
      double.revokeAll();
      const [asked, shown] = [double.tokenRequests.length, client.shown.length];
      await passTruly(() => client.shown.length >= shown + 2, 'the rates');
      expect(double.tokenRequests.length).toBe(asked + 1);
    },
    TIMEOUT_MS,
  );

  test(
    'one address is gone under load: nothing is lost; both are: the last rates; one is back: all is well',
    async () => {
      const load = startLoad(client, ['/api/currencies', '/proxy/default/api/currency/', '/api/token'], 3);
      for (const wire of wires) {
        const [asked, shown] = [load.count(), client.shown.length];
        await wire.cut();
        await passTruly(() => client.shown.length >= shown + 2 && load.count() > asked + 100, 'the other address');
        await wire.mend();
        await passTruly(() => client.shown.length >= shown + 5, 'calm');
      }
      expect(await load.end()).toEqual([]);
      for (const wire of wires) await wire.cut();
      unreachableSinceMs = world.clock.elapsed();
      await passTruly(({ server }) => server.state === 'away', 'the absence to be noticed');
      const stale = await client.ask('/api/currencies');
      expect([stale.status, stale.headers.get('warning')]).toEqual([200, '110 - "Response is Stale"']);
      await wires[1].mend();
      unreachableSinceMs = null;
      await passTruly(({ server }) => server.state === 'ok', 'the way back');
    },
    TIMEOUT_MS,
  );
});
