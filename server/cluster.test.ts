// Three servers behind HAProxy on one PostgreSQL and one Redis, under load, while one thing after another fails.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { asc, sql } from 'drizzle-orm';
import { connectPostgres, type Database } from '../db/connect';
import { clients, market, ticks } from '../db/schema';
import { findPostgres } from '../db/testing-postgres';
import { hasHaproxy } from './authentication/testing-proxy';
import { hasRedis } from './redis/testing-redis';
import { ADMIN_SECRET, form, json, type TestClient, waitFor } from './testing';
import { type Cluster, startCluster } from './testing-cluster';
import { type Load, startLoad } from './testing-load';
import { follow, type Reader } from './testing-readers';

setDefaultTimeout(180_000);

/** The server that can be cut off. */
const LAST = 2;

const BOTH_OTHERS = [0, 1] as const;

/** A revocation is known everywhere within this time. */
const NEWS_MS = 1_000;

/** How long PostgreSQL is silent: several times what any request, transaction or listener waits. */
const SILENCE_MS = 30_000;

/** A server that can reach the database again has noticed it by then: an attempt to connect may be under way, for 5 s at most. */
const NOTICED_MS = 8_000;

/** So many of what is kept are tried at each server, the oldest and the newest ones: after each fault, and at the end. */
const [SAMPLE, SAMPLE_AT_END] = [30, 200];

describe.skipIf(findPostgres() === null || !hasHaproxy() || !hasRedis())('three servers under load', () => {
  let cluster: Cluster;
  let database: Database;
  let load: Load;
  let readers: readonly Reader[];
  /** What every server but one that is at fault must have heard of in time, and has not. */
  const late: string[] = [];
  const checks = new Set<Promise<void>>();
  let listening: readonly number[] = [0, 1, 2];
  beforeAll(async () => {
    cluster = await startCluster();
    database = connectPostgres({ url: cluster.postgres.url, applicationName: 'tests' });
    const client = await register(cluster.url);
    load = startLoad(cluster.url, client);
    load.onRevoked((token) => void checks.add(expectNews(token, listening)));
    const authorization = `Bearer ${await tokenOf(cluster.url, client)}`;
    const everywhere = { urls: cluster.urls, authorization, gapless: false };
    readers = [
      follow({ urls: [cluster.url], authorization, gapless: false }),
      follow({ ...everywhere, stay: 3 }),
      follow({ ...everywhere, urls: cluster.urls.toReversed(), stay: 2 }),
    ];
  });
  afterAll(async () => {
    await load?.stop();
    await Promise.all(readers?.map((reader) => reader.leave()) ?? []);
    await database?.close();
    await cluster?.close();
  });

  const read = (at: number, token: string): Promise<number> =>
    fetch(`${cluster.urls[at]}/api/currency/BTC`, { headers: { authorization: `Bearer ${token}` } }).then(
      ({ status }) => status,
      () => 0,
    );
  /** A revoked token is refused in time by each of these servers. */
  const expectNews = async (token: string, servers: readonly number[]): Promise<void> => {
    const acknowledged = performance.now();
    const listen = async (at: number): Promise<void> => {
      for (;;) {
        // By when it was asked: on a busy machine an answer takes its time.
        const askedMs = performance.now() - acknowledged;
        if ((await read(at, token)) === 401 || !listening.includes(at)) return;
        if (askedMs > NEWS_MS) return void late.push(`server ${at}, asked after ${Math.round(askedMs)} ms`);
        await Bun.sleep(25);
      }
    };
    await Promise.all(servers.map(listen));
  };
  const untilWell = (): Promise<void> =>
    waitFor(
      async () => (await Promise.all(cluster.urls.map((_, at) => cluster.state(at)))).every((state) => state === 'ok'),
      'every server to be well',
    );
  /** What is true whenever nothing is at fault, and again after each fault, without anybody's doing. */
  const expectHealthy = async (): Promise<void> => {
    await untilWell();
    listening = [0, 1, 2];
    await load.untilServed();
    await untilTick();
    await expectTokens();
    expect({ wrong: load.wrong, late, faults: readers.flatMap(({ faults }) => faults) }).toEqual({
      wrong: [],
      late: [],
      faults: [],
    });
  };
  /** Good tokens are good at each server, revoked ones at none. */
  const expectTokens = async (count = SAMPLE): Promise<void> => {
    const judged: unknown[] = [];
    const sample = (['good', 'revoked'] as const).map((state) => {
      const all = load.tokens.filter((one) => one.state === state);
      return [state, endsOf(all, count)] as const;
    });
    // Those that are revoked by now are known everywhere when this is over.
    await Promise.all(checks);
    const tryAt = async (at: number): Promise<void> => {
      for (const [state, tokens] of sample)
        for (const { token } of tokens) {
          const status = await read(at, token);
          if (status !== (state === 'good' ? 200 : 401)) judged.push({ state, at, status });
        }
    };
    await Promise.all(cluster.urls.map((_, at) => tryAt(at)));
    await Promise.all(checks);
    expect(judged).toEqual([]);
  };
  const seqNow = async (): Promise<number> => (await database.rows.select().from(market))[0]?.seq ?? 0;
  const untilTick = async (): Promise<void> => {
    const before = await seqNow();
    await waitFor(async () => (await seqNow()) > before, 'a tick');
    await waitFor(() => readers.every(({ seqs }) => (seqs.at(-1) ?? 0) > before), 'every reader to hear of it');
  };

  test('all is well before anything fails', expectHealthy);

  test('the server that ticks is killed: another one ticks on, and the killed one comes back', async () => {
    const ticker = await whoTicks(cluster.urls);
    listening = listening.filter((at) => at !== ticker);
    await cluster.kill(ticker);
    await untilTick();
    await cluster.start(ticker);
    await expectHealthy();
  });

  test('Redis is killed and comes back empty', async () => {
    await cluster.redis.kill();
    await waitFor(async () => (await cluster.state(0)) === 'degraded', 'its loss to be noticed');
    await load.untilServed();
    await cluster.redis.start();
    await expectHealthy();
  });

  test('a server is cut off from PostgreSQL and Redis while the signing key is rotated', async () => {
    const [here = '', cutOff = ''] = [cluster.urls[0], cluster.urls[LAST]];
    const machine = await register(here);
    const [kept, revoked] = [await tokenOf(here, machine), await tokenOf(here, machine)];
    listening = BOTH_OTHERS;
    cluster.cut();
    expect((await revoke(here, machine, revoked)).status).toBe(200);
    await expectNews(revoked, BOTH_OTHERS);
    const keys = await fetch(`${here}/api/admin/keys/rotate`, { method: 'POST', headers: ADMINISTRATOR });
    const next = ((await keys.json()) as { items: { kid: string; state: string }[] }).items.find(
      ({ state }) => state === 'next',
    );
    await waitFor(async () => (await cluster.state(LAST)) === 'degraded', 'the loss to be noticed');
    // What a server that hears nothing does: it serves whom it knew to be good, and says nothing new of anybody.
    expect([await read(LAST, kept), await read(LAST, revoked)]).toEqual([200, 200]);
    expect((await ask(cutOff, machine)).status).toBe(503);
    expect((await revoke(cutOff, machine, kept)).status).toBe(503);
    // A tick or two that the others know and it does not.
    await untilTickAt(cluster.urls[0] ?? '', kept, 2);
    cluster.heal();
    const healed = performance.now();
    await waitFor(async () => (await cluster.state(LAST)) === 'ok', 'it to hear again');
    expect(performance.now() - healed).toBeLessThan(NOTICED_MS);
    expect([await read(LAST, kept), await read(LAST, revoked)]).toEqual([200, 401]);
    await waitFor(async () => (await kids(cutOff)).includes(next?.kid ?? ''), 'the new key', NEWS_MS);
    await expectHealthy();
  });

  test('PostgreSQL is silent for half a minute: rates are served, nothing is invented, all goes on by itself', async () => {
    const token = await tokenOf(cluster.url, load.clients[0] as TestClient);
    listening = [];
    const [begun, before] = [performance.now(), await seqNow()];
    cluster.postgres.pause();
    await waitFor(async () => (await cluster.state(0)) === 'degraded', 'the silence to be noticed');
    while (performance.now() - begun < SILENCE_MS) {
      for (const at of cluster.urls.keys()) expect(await read(at, token)).toBe(200);
      await Bun.sleep(250);
    }
    cluster.postgres.resume();
    const resumed = performance.now();
    await untilWell();
    expect(performance.now() - resumed).toBeLessThan(NOTICED_MS);
    await expectHealthy();
    expect(await seqNow()).toBeGreaterThan(before);
  });

  test('nothing that was acknowledged is lost, and each period had one tick', async () => {
    await load.stop();
    await expectTokens(SAMPLE_AT_END);
    const known = new Set((await database.rows.select({ id: clients.clientId }).from(clients)).map(({ id }) => id));
    expect(load.clients.filter(({ id }) => !known.has(id))).toEqual([]);
    const refused: unknown[] = [];
    const tryAt = async (url: string): Promise<void> => {
      for (const client of endsOf(load.clients, SAMPLE_AT_END)) {
        const { status } = await ask(url, client);
        if (status !== 200) refused.push({ url, status });
      }
    };
    await Promise.all(cluster.urls.map(tryAt));
    expect(refused).toEqual([]);
    // The first one is dated like the rates that the market began with.
    const made = (await rowsOfTicks(database)).slice(1);
    const faults = made.flatMap(({ seq, atMs }, index) => {
      const before = made[index - 1];
      if (before === undefined || (seq === before.seq + 1 && atMs - before.atMs >= PERIOD_MIN_MS)) return [];
      return [`${before.seq}, then ${seq} after ${atMs - before.atMs} ms`];
    });
    expect(faults).toEqual([]);
    expect(cluster.logs()).not.toMatch(/"log.level":"fatal"|unhandled/i);
    expect(load.asked).toBeGreaterThan(1_000);
  });
});

/** A second; timers are a little early or late, and a tick may be made half a second before its time. */
const PERIOD_MIN_MS = 500;

/** The first and the last ones. */
function endsOf<T>(all: readonly T[], count: number): readonly T[] {
  return all.length <= count ? all : [...all.slice(0, count / 2), ...all.slice(-count / 2)];
}

const ADMINISTRATOR = { 'x-admin-secret': ADMIN_SECRET };

async function register(url: string): Promise<TestClient> {
  const answer = await fetch(`${url}/api/clients`, json({ client_name: 'Machine' }));
  const { client_id: id = '', client_secret: secret = '' } = (await answer.json()) as Record<string, string>;
  return { id, secret };
}

function ask(url: string, { id, secret }: TestClient): Promise<Response> {
  return fetch(`${url}/api/auth/token`, json({ client_id: id, client_secret: secret }));
}

async function tokenOf(url: string, client: TestClient): Promise<string> {
  return ((await (await ask(url, client)).json()) as { access_token: string }).access_token;
}

function revoke(url: string, { id, secret }: TestClient, token: string): Promise<Response> {
  return fetch(`${url}/api/auth/revoke`, form({ token, client_id: id, client_secret: secret }));
}

async function kids(url: string): Promise<readonly string[]> {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

/** The ticks in the database, in the order of their numbers. */
async function rowsOfTicks({ rows }: Database): Promise<readonly { seq: number; atMs: number }[]> {
  const found = await rows
    .select({ seq: ticks.seq, at: ticks.at })
    .from(ticks)
    .where(FIRST_CURRENCY)
    .orderBy(asc(ticks.seq));
  return found.map(({ seq, at }) => ({ seq, atMs: at.getTime() }));
}

const FIRST_CURRENCY = sql`${ticks.currency} = (select min(currency) from ticks)`;

/** The next server that makes a tick. */
async function whoTicks(urls: readonly string[]): Promise<number> {
  const counts = () => Promise.all(urls.map(ticksOf));
  const before = await counts();
  let found = -1;
  await waitFor(async () => {
    const now = await counts();
    found = now.findIndex((count, at) => count > (before[at] ?? 0));
    return found >= 0;
  }, 'somebody to tick');
  return found;
}

async function ticksOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^crypto_server_ticks_total(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1]);
}

/** Waits until a server has served so many more ticks. */
async function untilTickAt(url: string, token: string, count: number): Promise<void> {
  const seen = new Set<string | null>();
  await waitFor(async () => {
    const answer = await fetch(`${url}/api/currency/BTC`, { headers: { authorization: `Bearer ${token}` } });
    seen.add(answer.headers.get('etag'));
    return seen.size > count;
  }, 'ticks');
}
