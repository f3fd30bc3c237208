// A real Redis that is away in every way, and comes back.
import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { START_TIMEOUT_MS } from '../../db/testing-postgres';
import { captureLog } from '../../kit/testing';
import { hasOpenssl, makeCertificate } from '../../kit/testing-certificates';
import { waitFor } from '../testing';
import { ANSWER_MS, createRedis, type Redis, RedisAway } from './index';
import { hasRedis, startRedis, type TestRedis } from './testing-redis';

/** Far above what Redis takes on a machine that is busy: for tests of something else than that. */
const PATIENT_MS = 20_000;

const COUNT = "return redis.call('INCR', KEYS[1])";

describe.skipIf(!hasRedis())('Redis', () => {
  setDefaultTimeout(START_TIMEOUT_MS);
  const opened: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });
  const start = async (password?: string): Promise<TestRedis> => {
    const server = await startRedis(password === undefined ? {} : { password });
    opened.push(server);
    return server;
  };
  const open = async (url: string, answerMs = ANSWER_MS): Promise<{ redis: Redis; logged: string[] }> => {
    const { log, logged } = captureLog('crypto-server');
    const redis = createRedis({ url, log, answerMs });
    opened.push(redis);
    await redis.open();
    return { redis, logged };
  };
  const count = (redis: Redis): Promise<unknown> => redis.run(COUNT, ['n'], []);
  const outcome = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);
  /** Asks until it is answered: where the machine is busy, Redis may take longer than anybody waits. */
  const counted = async (redis: Redis): Promise<number> => {
    let answer: unknown = null;
    await waitFor(async () => {
      await waitFor(redis.up, 'Redis to be there');
      answer = await outcome(count(redis));
      return !(answer instanceof RedisAway);
    }, 'an answer');
    return Number(answer);
  };
  const levels = (logged: readonly string[]): string[] => logged.map((line) => JSON.parse(line)['log.level']);

  test('runs scripts, also after it was made to forget them', async () => {
    const server = await start();
    const { redis, logged } = await open(server.url, PATIENT_MS);
    expect([await count(redis), await count(redis)]).toEqual([1, 2]);
    await server.send('SCRIPT', 'FLUSH');
    expect(await Promise.all([count(redis), count(redis), count(redis)])).toEqual([3, 4, 5]);
    expect(logged).toEqual([]);
  });

  test('silent: whoever waits is told within the bound, the next ones at once, the log once', async () => {
    const server = await start();
    const { redis, logged } = await open(server.url);
    await counted(redis);
    const before = logged.length;
    server.pause();
    const begun = performance.now();
    const waited = await Promise.all(Array.from({ length: 50 }, () => outcome(count(redis))));
    // All but the first of ten parts is for a machine under load.
    expect(performance.now() - begun).toBeLessThan(10 * ANSWER_MS);
    expect(waited.every((error) => error instanceof RedisAway)).toBe(true);
    expect(redis.up()).toBe(false);
    expect(await outcome(count(redis))).toBeInstanceOf(RedisAway);
    server.resume();
    await waitFor(redis.up, 'Redis to be back');
    expect(levels(logged.slice(before))).toEqual(['warn', 'info']);
    expect(await counted(redis)).toBeGreaterThan(1);
  });

  test('killed and started again: away without being asked, then back', async () => {
    const server = await start();
    const { redis, logged } = await open(server.url, PATIENT_MS);
    await server.kill();
    await waitFor(() => !redis.up(), 'the broken connection to be noticed');
    await server.start();
    await waitFor(redis.up, 'Redis to be back');
    expect(await count(redis)).toBe(1);
    expect(levels(logged)).toEqual(['warn', 'info']);
  });

  test('a wrong password: away, said once without any password', async () => {
    const server = await start('the-right-password');
    const { redis, logged } = await open(server.url.replace('the-right', 'a-wrong'));
    expect(redis.up()).toBe(false);
    await redis.open();
    expect(levels(logged)).toEqual(['warn']);
    expect(logged[0]).toContain(`127.0.0.1:${server.port}`);
    expect(logged[0]).not.toContain('a-wrong');
    const right = await open(server.url);
    expect([right.redis.up(), right.logged]).toEqual([true, []]);
  });

  test('nobody there at the start: away, and found when it comes', async () => {
    const server = await start();
    await server.kill();
    const { redis } = await open(server.url);
    expect(redis.up()).toBe(false);
    await server.start();
    await waitFor(redis.up, 'Redis to be found');
  });

  test('one that may not be written to is away', async () => {
    const server = await start();
    const { redis, logged } = await open(server.url);
    await server.send('REPLICAOF', '127.0.0.1', '1');
    expect(await outcome(count(redis))).toBeInstanceOf(RedisAway);
    expect(logged.join()).toContain('READONLY');
    await redis.open();
    expect([redis.up(), levels(logged)]).toEqual([false, ['warn']]);
  });

  test.skipIf(!hasOpenssl())('rediss://: a certificate that this machine does not trust is none', async () => {
    const extensions = ['basicConstraints=critical,CA:TRUE', 'subjectAltName=DNS:localhost'];
    const tls = makeCertificate({ subject: '/CN=localhost', extensions });
    const server = await startRedis({ tls });
    opened.push(server);
    const { redis } = await open(server.tlsUrl ?? '');
    expect(redis.up()).toBe(false);
    // Trust is settled at the start of a process.
    const folder = mkdtempSync(join(tmpdir(), 'trusted-'));
    writeFileSync(join(folder, 'trusted.pem'), tls.cert);
    const program = `
      const { createRedis } = await import(${JSON.stringify(join(import.meta.dir, 'index.ts'))});
      const quiet = () => {};
      const redis = createRedis({ url: process.argv.at(-1), log: { warn: quiet, info: quiet } });
      await redis.open();
      console.log(redis.up());
      redis.close();`;
    const env = { NODE_EXTRA_CA_CERTS: join(folder, 'trusted.pem') };
    const there = Bun.spawn([process.execPath, '-e', program, server.tlsUrl ?? ''], { env, stdout: 'pipe' });
    expect((await new Response(there.stdout).text()).trim()).toBe('true');
    rmSync(folder, { recursive: true, force: true });
  });

  test('closed, it lets nobody wait and tries no more', async () => {
    const server = await start();
    const { redis, logged } = await open(server.url);
    server.pause();
    const waiting = outcome(count(redis));
    redis.close();
    expect(await waiting).toBeInstanceOf(RedisAway);
    expect([redis.up(), logged]).toEqual([false, []]);
  });
});
