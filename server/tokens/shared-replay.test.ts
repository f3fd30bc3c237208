// DPoP proofs at two servers on one database and one Redis, in real time: whatever becomes of Redis, none is good twice.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Database } from '../../db/connect';
import { embeddedDatabase } from '../../db/testing';
import { START_TIMEOUT_MS } from '../../db/testing-postgres';
import { hasRedis, startRedis, type TestRedis } from '../redis/testing-redis';
import { startTestServer, type TestClient, type TestServer, waitFor } from '../testing';
import { createRedisReplay } from './shared-replay';
import { askWith, athOf, createProver, type Prover, prove } from './testing-proofs';

const ISSUER = 'https://auth.example.com';
const TOKEN_URL = `${ISSUER}/api/auth/token`;
const seconds = (): number => Date.now() / 1_000;

describe.skipIf(!hasRedis())('DPoP proofs at replicas on one Redis', () => {
  setDefaultTimeout(START_TIMEOUT_MS);
  embeddedDatabase('are good once', (open) => {
    let redis: TestRedis;
    let database: Database;
    let first: TestServer;
    let second: TestServer;
    let client: TestClient;
    let prover: Prover;
    const start = (redisUrl: string): Promise<TestServer> =>
      startTestServer(database, {
        settings: { issuer: ISSUER, redisUrl, now: Date.now, elapsed: () => performance.now() },
      });
    beforeAll(async () => {
      [redis, database, prover] = await Promise.all([startRedis(), open(), createProver()]);
      first = await start(redis.url);
      second = await start(redis.url);
      client = await first.register();
    });
    beforeEach(() => bothFindIt());
    afterAll(async () => {
      await first.close();
      await second.close();
      await redis.close();
    });
    const bothFindIt = (): Promise<void> =>
      waitFor(() => [first, second].every(({ services }) => services.redis?.up()), 'Redis to be there for both');

    const proofWith = (nonce: string): Promise<string> =>
      prove(prover, { htm: 'POST', htu: TOKEN_URL, iat: seconds(), nonce });
    /** Status, and the error with the last reason that the server told. */
    const outcomeAt = async (server: TestServer, proof: string): Promise<unknown[]> => {
      const answer = await askWith(server, client, proof);
      const { error } = (await answer.json()) as { error?: string };
      return error === undefined ? [answer.status] : [answer.status, error];
    };
    const nonceAt = async (server: TestServer): Promise<string> =>
      (await askWith(server, client, await proofWith(''))).headers.get('dpop-nonce') ?? '';
    const REPLAYED = [400, 'invalid_dpop_proof'];
    const ASKED_ANEW = [400, 'use_dpop_nonce'];

    test('used at one it is refused at the other, at the token endpoint and at the resource', async () => {
      const proof = await proofWith(await nonceAt(first));
      const answer = await askWith(first, client, proof);
      const { access_token: token } = (await answer.json()) as { access_token: string };
      expect(await outcomeAt(second, proof)).toEqual(REPLAYED);
      expect(await outcomeAt(first, proof)).toEqual(REPLAYED);
      const nonce = await nonceAt(second);
      const claims = { htm: 'GET', htu: `${ISSUER}/api/currency/`, iat: seconds(), nonce, ath: athOf(token) };
      const headers = { authorization: `DPoP ${token}`, dpop: await prove(prover, claims) };
      const read = async (server: TestServer) => (await server.ask('/api/currency/', { headers })).status;
      expect([await read(second), await read(first), await read(second)]).toEqual([200, 401, 401]);
    });

    test('sent to both many times at once, one is answered', async () => {
      const proof = await proofWith(await nonceAt(first));
      const all = await Promise.all(Array.from({ length: 20 }, (_, at) => outcomeAt(at % 2 ? first : second, proof)));
      expect(all.filter(([status]) => status === 200).length).toBe(1);
      expect(all.filter(([, error]) => error === 'invalid_dpop_proof').length).toBe(19);
    });

    test('what is kept of them is a digest, and goes by itself', async () => {
      await outcomeAt(first, await proofWith(await nonceAt(first)));
      const keys = ((await redis.send('KEYS', '*')) as string[]).filter((key) =>
        key.startsWith('crypto-server:proof:'),
      );
      expect(keys.length).toBeGreaterThan(0);
      for (const key of keys) {
        expect(key).toMatch(/^crypto-server:proof:[\w-]{22}$/);
        const leftMs = Number(await redis.send('PTTL', key));
        // As long as a proof is good, and a minute for clocks that are apart.
        expect(leftMs).toBeGreaterThan(100_000);
        expect(leftMs).toBeLessThanOrEqual(130_000);
      }
    });

    test.each([
      ['silent', () => redis.pause(), () => redis.resume()],
      ['gone', () => redis.kill(), () => redis.start()],
    ] as const)(
      'while Redis is %s the database remembers: tokens are had, and no proof is good twice',
      async (_, stop, go) => {
        const used = await proofWith(await nonceAt(first));
        expect(await outcomeAt(first, used)).toEqual([200]);
        const unused = await proofWith(await nonceAt(first));
        await stop();
        const begun = performance.now();
        expect(await outcomeAt(first, unused)).toEqual(ASKED_ANEW);
        expect(performance.now() - begun).toBeLessThan(3_000);
        for (const server of [first, second]) expect(await outcomeAt(server, used)).toEqual(ASKED_ANEW);
        const proof = await proofWith(await nonceAt(first));
        expect(await outcomeAt(second, proof)).toEqual([200]);
        for (const server of [first, second]) expect(await outcomeAt(server, proof)).toEqual(REPLAYED);
        await go();
        await bothFindIt();
        // It belongs to the database, whoever else could be asked now.
        for (const server of [first, second]) expect(await outcomeAt(server, proof)).toEqual(REPLAYED);
        expect([REPLAYED, ASKED_ANEW]).toContainEqual((await outcomeAt(second, used)) as [number, string]);
        expect(await outcomeAt(first, await proofWith(await nonceAt(second)))).toEqual([200]);
      },
    );

    test('one that cannot reach Redis and one that can: what was used at either is used at both', async () => {
      const alone = await start('redis://127.0.0.1:1');
      const [here, there] = [await proofWith(await nonceAt(alone)), await proofWith(await nonceAt(first))];
      expect([await outcomeAt(alone, here), await outcomeAt(first, here)]).toEqual([[200], REPLAYED]);
      expect([await outcomeAt(first, there), await outcomeAt(alone, there)]).toEqual([[200], ASKED_ANEW]);
      const shared = await proofWith(await nonceAt(alone));
      expect([await outcomeAt(first, shared), await outcomeAt(alone, shared)]).toEqual([[200], REPLAYED]);
      await alone.close();
    });

    test('emptied, it has forgotten what was used: nonces of before are not good any more', async () => {
      const proof = await proofWith(await nonceAt(first));
      expect(await outcomeAt(first, proof)).toEqual([200]);
      await redis.send('FLUSHALL');
      for (const server of [second, first]) expect(await outcomeAt(server, proof)).toEqual(ASKED_ANEW);
      expect(await outcomeAt(second, await proofWith(await nonceAt(first)))).toEqual([200]);
    });

    test('started again from an older snapshot it has forgotten too', async () => {
      const proof = await proofWith(await nonceAt(first));
      await redis.send('SAVE');
      expect(await outcomeAt(first, proof)).toEqual([200]);
      await redis.kill();
      await waitFor(() => [first, second].every(({ services }) => services.redis?.up() === false), 'it to be missed');
      await redis.start();
      await bothFindIt();
      expect(await redis.send('GET', 'crypto-server:proofs')).toBeString();
      for (const server of [second, first]) expect(await outcomeAt(server, proof)).toEqual(ASKED_ANEW);
    });

    test('one that may drop keys when it is full is not trusted with proofs, and that is said', async () => {
      const small = await startRedis();
      await small.send('CONFIG', 'SET', 'maxmemory', '100mb');
      await small.send('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      const server = await start(small.url);
      const proof = await proofWith(await nonceAt(server));
      expect([await outcomeAt(server, proof), await outcomeAt(server, proof)]).toEqual([[200], REPLAYED]);
      expect(await small.send('KEYS', 'crypto-server:proof*')).toEqual([]);
      expect(server.services.redis?.up()).toBe(true);
      const told = server.logged.filter((line) => line.includes('allkeys-lru'));
      expect(told.map((line) => JSON.parse(line)['log.level'])).toEqual(['warn']);
      await server.close();
      await small.close();
    });
  });
});

test.each([
  ['maxmemory:0', []],
  ['maxmemory:0\r\nmaxmemory_policy:allkeys-lru', []],
  ['maxmemory:100\r\nmaxmemory_policy:noeviction', []],
  ['maxmemory_policy:noeviction', []],
  ['maxmemory:100', ['unknown']],
  ['used_memory:100', ['unknown']],
  ['maxmemory_policy:volatile-ttl', ['volatile-ttl']],
])(
  'one that says %j of its memory is trusted with proofs unless it may drop them, or does not say',
  async (room, told) => {
    const answers: Record<string, string> = { server: 'run_id:1', memory: room };
    const heard: string[] = [];
    let meet = Promise.resolve();
    const replay = createRedisReplay({
      memory: {
        up: () => true,
        run: async () => 1,
        greet: (greeting) => {
          meet = greeting(async (command, about) => (command === 'INFO' ? answers[about ?? ''] : 'an era'));
        },
      },
      randomBytes: Buffer.alloc,
      unfit: (policy) => void heard.push(policy),
    });
    await meet;
    expect([heard, replay.standing() === null]).toEqual([told, told.length > 0]);
  },
);
