// What may go wrong between a client and its servers goes wrong, with both programs as they are shipped; callers notice nothing
// while some server could answer, and the client says how it is.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { findPostgres } from '../../db/testing-postgres';
import { waitFor } from '../../server/testing';
import type { StatusReport } from '../status/report';
import { type Programs, startPrograms } from '../testing/programs';

/** Short enough to end several times while the tests run. */
const TOKEN_SECONDS = 12;

/** Callers that ask without pause, each one thing after another. */
const CALLERS = 4;

/** Oldest rates that a live stream has, in seconds: a sign of life comes every ten, and is waited for half as long again. */
const FRESH_S = 16;

const TIMEOUT_MS = 120_000;

/** What callers were answered that was not what they wanted. */
interface Load {
  readonly wrong: string[];
  count: number;
  stop(): Promise<void>;
}

/** Asks for the rates all the time; an answer that is no 200, or says that it is stale, is wrong. */
function startLoad({ ask }: Programs): Load {
  let running = true;
  const load: Load = { wrong: [], count: 0, stop: async () => {} };
  const call = async (): Promise<void> => {
    while (running) {
      const answer = await ask('/api/currencies');
      const body = await answer.text();
      load.count += 1;
      if (answer.status !== 200) load.wrong.push(`${answer.status} ${body}`);
      else if (answer.headers.has('warning')) load.wrong.push(`stale, ${answer.headers.get('age')} s old`);
      await Bun.sleep(10);
    }
  };
  const callers = Array.from({ length: CALLERS }, call);
  load.stop = async () => {
    running = false;
    await Promise.all(callers);
  };
  return load;
}

/** What contradicts itself in a report. */
function untruths(report: StatusReport): string[] {
  const found: string[] = [];
  const { stream, rates, token_expires_in: left, has_token: has } = report;
  if (has !== (left !== null)) found.push('has a token without an end');
  if (stream.state === 'live' && (stream.data_age_seconds ?? Number.POSITIVE_INFINITY) > FRESH_S)
    found.push(`live with ${stream.data_age_seconds} s`);
  if (stream.state === 'live' && rates.stale) found.push('live with stale rates');
  if (JSON.stringify(report).includes('eyJ')) found.push('a token');
  return found;
}

describe.skipIf(findPostgres() === null)('a client before three servers', () => {
  let programs: Programs;
  let reports: Promise<void>;
  let reporting = true;
  const lies: string[] = [];
  beforeAll(async () => {
    programs = await startPrograms(3, TOKEN_SECONDS);
    reports = (async () => {
      while (reporting) {
        lies.push(...untruths(await programs.status()));
        await Bun.sleep(50);
      }
    })();
  }, TIMEOUT_MS);
  afterAll(async () => {
    reporting = false;
    await reports;
    await programs.stop();
  }, TIMEOUT_MS);

  const stateOf = async (index: number): Promise<string | undefined> => (await programs.status()).servers[index]?.state;
  const isLive = async (): Promise<boolean> => (await programs.status()).stream.state === 'live';
  const replica = (index: number) => {
    const found = programs.replicas[index];
    if (found === undefined) throw new Error(`no replica ${index}`);
    return found;
  };
  /** Runs `harm` under load. @returns what callers were answered that they did not want. */
  const under = async (harm: () => Promise<unknown>): Promise<string[]> => {
    await waitFor(isLive, 'a live stream');
    const load = startLoad(programs);
    await harm().finally(load.stop);
    expect(load.count).toBeGreaterThan(CALLERS);
    return load.wrong;
  };

  test(
    'one is killed, and comes back: nobody notices, and it is shown',
    async () => {
      const wrong = await under(async () => {
        await replica(0).kill();
        await waitFor(async () => (await stateOf(0)) === 'away', 'the first one to be away');
        await waitFor(isLive, 'a live stream from another one');
        await replica(0).restart();
        await waitFor(async () => (await stateOf(0)) === 'ok', 'the first one to be back');
      });
      expect(wrong).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'the cable of one is pulled: nobody notices, and it is shown',
    async () => {
      const wrong = await under(async () => {
        replica(1).wire.silence();
        await waitFor(async () => (await stateOf(1)) === 'away', 'the second one to be away', 40_000);
        await waitFor(isLive, 'a live stream from another one', 40_000);
        replica(1).wire.speak();
        await waitFor(async () => (await stateOf(1)) === 'ok', 'the second one to be back', 40_000);
      });
      expect(wrong).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'every connection is broken off, one server after the other: nobody notices',
    async () => {
      const wrong = await under(async () => {
        const { since } = (await programs.status()).stream;
        for (const { wire } of programs.replicas) {
          await wire.cut();
          await wire.mend();
        }
        await waitFor(async () => (await programs.status()).stream.since !== since, 'the break to be seen');
        await waitFor(isLive, 'a live stream again');
      });
      expect(wrong).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'the signing key and the secret are rotated, and all tokens revoked: nobody notices',
    async () => {
      const wrong = await under(async () => {
        const { client_id: id, credential_name: name } = await programs.status();
        expect((await replica(0).admin('/api/admin/keys/rotate', { method: 'POST', body: '{}' })).status).toBeLessThan(
          300,
        );
        expect((await programs.ask(`/api/credentials/${name}/rotate`, { method: 'POST' })).status).toBe(200);
        const revoked = await replica(1).admin(`/api/admin/clients/${id}/revoke-tokens`, { method: 'POST' });
        expect(revoked.status).toBeLessThan(300);
        const before = (await programs.status()).renewal.last_at;
        await waitFor(async () => (await programs.status()).renewal.last_at !== before, 'another token');
        await waitFor(isLive, 'a live stream with it');
      });
      expect(wrong).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'the database is stopped: rates are served while a token lives, and by themselves again when it is back',
    async () => {
      const wrong = await under(async () => {
        await programs.postgres.stop('immediate');
        await Bun.sleep(1_000);
      });
      expect(wrong).toEqual([]);
      await programs.postgres.start();
      await waitFor(isLive, 'a live stream again', 60_000);
      expect((await programs.ask('/api/currencies')).headers.has('warning')).toBe(false);
    },
    TIMEOUT_MS,
  );

  test(
    'all of them are gone: the last rates with a warning, then all is well again',
    async () => {
      await waitFor(isLive, 'a live stream');
      await Promise.all(programs.replicas.map(({ kill }) => kill()));
      await waitFor(
        async () => {
          const { stream, servers } = await programs.status();
          return stream.state !== 'live' && servers.every(({ state }) => state === 'away');
        },
        'the client to say so',
        40_000,
      );
      const stale = await programs.ask('/api/currencies');
      expect([stale.status, stale.headers.get('warning')]).toEqual([200, '110 - "Response is Stale"']);
      for (const { restart } of programs.replicas) await restart();
      await waitFor(isLive, 'a live stream again', 60_000);
      expect((await programs.ask('/api/currencies')).headers.has('warning')).toBe(false);
    },
    TIMEOUT_MS,
  );

  test('and tokens have ended and been renewed meanwhile, several times', () => {
    expect(programs.log().match(/"message":"token obtained"/g)?.length).toBeGreaterThan(3);
  });

  test('and all the time the client said nothing of itself that was not so, and no secret', () => {
    expect([...new Set(lies)]).toEqual([]);
    expect(programs.log()).not.toContain('eyJ');
  });
});
