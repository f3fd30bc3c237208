// Two servers on one database and one Redis, in real time.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Database } from '../../db/connect';
import { embeddedDatabase } from '../../db/testing';
import { START_TIMEOUT_MS } from '../../db/testing-postgres';
import { form, startTestServer, type TestClient, type TestServer, waitFor } from '../testing';
import { hasRedis, startRedis, type TestRedis } from './testing-redis';

/** Of the first two tokens of a client. */
const FIRST = [
  [200, 'r=3', false],
  [200, 'r=2', false],
];

/** So slow that nothing is given back while a test runs. */
const LIMITS = {
  api: { count: 6, periodMs: 3_600_000 },
  token: { count: 4, periodMs: 3_600_000 },
  failed: { count: 4, periodMs: 3_600_000 },
  register: { count: 1_000, periodMs: 3_600_000 },
};

describe.skipIf(!hasRedis())('limits of two replicas on one Redis', () => {
  setDefaultTimeout(START_TIMEOUT_MS);
  embeddedDatabase('share', (open) => {
    let redis: TestRedis;
    let database: Database;
    let servers: readonly [TestServer, TestServer];
    beforeAll(async () => {
      [redis, database] = await Promise.all([startRedis(), open()]);
      const issuer = 'https://auth.example.com';
      const settings = { issuer, redisUrl: redis.url, limits: LIMITS, now: Date.now, elapsed: () => performance.now() };
      servers = [await startTestServer(database, { settings }), await startTestServer(database, { settings })];
    });
    beforeEach(async () => {
      await waitFor(() => servers.every(({ services }) => services.redis?.up()), 'Redis to be there for both');
    });
    afterAll(async () => {
      for (const server of servers) await server.close();
      await redis.close();
    });
    const seen = async (times: number, ask: (server: TestServer) => Promise<Response>): Promise<unknown[]> => {
      const all: unknown[] = [];
      for (let at = 0; at < times; at++) {
        const { status, headers } = await ask(servers[at % 2] === servers[0] ? servers[0] : servers[1]);
        all.push([status, headers.get('ratelimit')?.split(';')[1], headers.has('retry-after')]);
      }
      return all;
    };
    const tokenOf = (server: TestServer, { id, secret }: TestClient, given = secret): Promise<Response> =>
      server.ask('/api/auth/token', form({ grant_type: 'client_credentials', client_id: id, client_secret: given }));

    test('tokens: as many from both together as from one, and each answer says what is left of all', async () => {
      const client = await servers[0].register();
      expect(await seen(6, (server) => tokenOf(server, client))).toEqual([
        [200, 'r=3', false],
        [200, 'r=2', false],
        [200, 'r=1', false],
        [200, 'r=0', false],
        [429, 'r=0', true],
        [429, 'r=0', true],
      ]);
    });

    test('the API: of many requests at once no more are answered than the limit', async () => {
      const token = await servers[0].token();
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, at) => servers[at % 2 === 0 ? 0 : 1].read('/api/currency/', token)),
      );
      const answered = all.filter(({ status }) => status === 200);
      expect([answered.length, all.filter(({ status }) => status === 429).length]).toEqual([6, 34]);
      const left = answered.map(({ headers }) => headers.get('ratelimit')?.split(';')[1]).sort();
      expect(left).toEqual(['r=0', 'r=1', 'r=2', 'r=3', 'r=4', 'r=5']);
    });

    test('guesses: who has guessed at one is refused at the other, with the right secret too', async () => {
      const [first, second] = [await servers[0].register(), await servers[0].register()];
      for (const client of [first, second])
        for (const _ of Array(4)) expect((await tokenOf(servers[0], client, 'a wrong guess')).status).toBe(401);
      const [right, wrong] = [await tokenOf(servers[1], first), await tokenOf(servers[1], second, 'a wrong guess')];
      for (const { status, headers } of [right, wrong])
        expect([status, headers.get('ratelimit')?.split(';t=')[0]]).toEqual([429, '"failed-authentication";r=0']);
    });

    test('guesses sent together to both: no more are answered than count', async () => {
      const client = await servers[0].register();
      const guesses = Array.from({ length: 24 }, (_, at) => tokenOf(servers[at % 2 === 0 ? 0 : 1], client, 'wrong'));
      const statuses = (await Promise.all(guesses)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 401).length).toBe(4);
      expect(statuses.filter((status) => status === 429).length).toBe(20);
    });

    test('what is kept names nobody, and goes by itself', async () => {
      const client = await servers[0].register();
      await tokenOf(servers[0], client);
      await tokenOf(servers[0], client, 'a wrong guess');
      const keys = ((await redis.send('KEYS', '*')) as string[]).filter((key) =>
        key.startsWith('crypto-server:limit:'),
      );
      expect(keys.length).toBeGreaterThan(3);
      for (const key of keys) {
        expect(key).toMatch(/^crypto-server:limit:[\w-]{22}$/);
        expect(await redis.send('PTTL', key)).toBeGreaterThan(0);
      }
    });

    test.each([
      ['silent', () => redis.pause(), () => redis.resume()],
      ['gone', () => redis.kill(), () => redis.start()],
    ] as const)(
      'while Redis is %s each limits by itself, within the bound; then they share again',
      async (_, stop, start) => {
        const client = await servers[0].register();
        // Both have heard of what was taken before.
        expect(await seen(2, (server) => tokenOf(server, client))).toEqual(FIRST);
        await stop();
        const begun = performance.now();
        const alone = await seen(6, (server) => tokenOf(server, client));
        // 100 ms for the first at each; the rest is for a machine under load.
        expect(performance.now() - begun).toBeLessThan(3_000);
        expect(alone.map((one) => (one as number[])[0])).toEqual([200, 200, 200, 200, 200, 429]);
        const metrics = await (await servers[0].ask('/metrics')).text();
        expect(metrics).toContain('crypto_server_redis_up 0');
        const ready = await servers[0].ask('/health/ready');
        expect([ready.status, await ready.json()]).toMatchObject([200, { status: 'degraded', redis: 'away' }]);
        await start();
        await waitFor(() => servers.every(({ services }) => services.redis?.up()), 'Redis to be back');
        const other = await servers[0].register();
        expect(await seen(2, (server) => tokenOf(server, other))).toEqual(FIRST);
        expect(await (await servers[0].ask('/health/ready')).json()).toMatchObject({ status: 'ok', redis: 'ok' });
        for (const { logged } of servers) {
          const told = logged.filter((line) => line.includes('Redis is'));
          // Each time that it was away, and that it was back.
          expect([told.length > 0, told.length % 2]).toEqual([true, 0]);
          expect(told.at(-1)).toContain('Redis is back');
        }
      },
    );
  });
});
