// `jwks_uri`: keys fetched from a place that a stranger chose, and used for as long as is sound.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasOpenssl, type Made, makeCertificate } from '../../kit/testing-certificates';
import type { GivenJwk } from '../oauth/jwk';
import { createJwksFetch, type JwksFetching, type JwksFetchOptions, lookUp } from './jwks-fetch';
import { createJwksSource } from './jwks-source';

const SET = JSON.stringify({ keys: [{ kty: 'EC', kid: 'a' }] });
const JSON_TYPE = { 'content-type': 'application/json' };
const NAME = 'keys.example.test';

/** A fetch of which nothing is left once it has answered. */
function answering(keys: Promise<readonly GivenJwk[]>): JwksFetching {
  return { keys, over: keys.then(nothing, nothing) };
}
const nothing = (): void => undefined;

test('names are looked up beside the pool that hashes secrets, in the hosts file too', async () => {
  // `localhost` is known without asking, by a short way over the pool.
  const words = readFileSync('/etc/hosts', 'utf8').replace(/#.*/g, '').split(/\s+/);
  const name = words.find((word) => isIP(word) === 0 && word !== '' && word !== 'localhost') ?? 'nobody.invalid';
  const folder = mkdtempSync(join(tmpdir(), 'pool-'));
  // Whoever opens a pipe that nobody writes to holds a thread until somebody does.
  const pipes = Array.from({ length: 64 }, (_, at) => join(folder, String(at)));
  Bun.spawnSync(['mkfifo', ...pipes]);
  const opening = pipes.map((pipe) => open(pipe, 'r'));
  const patience = Promise.withResolvers<string>();
  const timer = setTimeout(patience.resolve, 4_000, 'waited for the pool');
  const found = lookUp(name).then(
    (addresses) => addresses.length > 0,
    () => name === 'nobody.invalid',
  );
  const outcome = await Promise.race([found, patience.promise]);
  clearTimeout(timer);
  const writers = pipes.map((pipe) => openSync(pipe, 'r+'));
  for (const opened of await Promise.all(opening)) await opened.close();
  writers.map(closeSync);
  rmSync(folder, { recursive: true });
  expect(outcome).toBe(true);
});

/** Answers that do not come to an end, by path. */
const SLOW: Readonly<Record<string, () => Response | Promise<Response>>> = {
  '/never': () => new Promise(() => {}),
  '/drips': () =>
    new Response(
      new ReadableStream({
        pull: async (controller) => {
          await Bun.sleep(100);
          controller.enqueue(new TextEncoder().encode(' '));
        },
      }),
      { headers: JSON_TYPE },
    ),
};

describe.skipIf(!hasOpenssl())('fetching (openssl)', () => {
  let made: Made;
  let place: Bun.Server<unknown>;
  let hosts: string[] = [];
  const paths: string[] = [];
  let answer: (request: Request) => Response | Promise<Response>;
  beforeAll(() => {
    made = makeCertificate({ subject: '/CN=keys', extensions: [`subjectAltName=DNS:${NAME},IP:127.0.0.1`] });
    place = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      tls: { cert: made.cert, key: made.key },
      fetch: (request) => {
        const { pathname } = new URL(request.url);
        hosts.push(request.headers.get('host') ?? '');
        paths.push(pathname);
        return (SLOW[pathname] ?? answer)(request);
      },
    });
  });
  afterAll(() => place.stop(true));

  const get = (uri: string, options: Partial<JwksFetchOptions> = {}): Promise<readonly GivenJwk[] | string> => {
    hosts = [];
    const resolve = () => Promise.resolve(['127.0.0.1']);
    const fetchKeys = createJwksFetch({ resolve, allowPrivate: true, authorities: made.cert, ...options });
    return fetchKeys(uri).keys.catch((error: Error) => error.message);
  };
  const good = (): Response => new Response(SET, { headers: JSON_TYPE });
  const url = (path = '/jwks'): string => `https://${NAME}:${place.port}${path}`;

  test('the keys are those of the set', async () => {
    answer = good;
    expect(await get(url())).toEqual([{ kty: 'EC', kid: 'a' }]);
    expect(hosts).toEqual([`${NAME}:${place.port}`]);
    answer = () => new Response(SET, { headers: { 'content-type': 'application/jwk-set+json; charset=utf-8' } });
    expect(await get(`https://127.0.0.1:${place.port}/jwks`)).toEqual([{ kty: 'EC', kid: 'a' }]);
  });

  test.each([
    ['127.0.0.1'],
    ['10.0.0.1'],
    ['169.254.169.254'],
    ['100.64.0.1'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['64:ff9b::7f00:1'],
    ['fd00::1'],
  ])('a name that leads to %s is not followed', async (address) => {
    answer = good;
    const resolve = () => Promise.resolve([address]);
    expect(await get(url(), { resolve, allowPrivate: false })).toContain('not public');
    expect(hosts).toEqual([]);
  });

  test.each(['https://127.0.0.1:PORT/', 'https://[::1]:PORT/', 'https://2130706433:PORT/', 'https://0x7f.1:PORT/'])(
    '%s is not followed',
    async (uri) => {
      answer = good;
      const resolve = () => Promise.reject(new Error('nothing to resolve'));
      const said = await get(uri.replace('PORT', String(place.port)), { resolve, allowPrivate: false });
      expect(said).toContain('not public');
      expect(hosts).toEqual([]);
    },
  );

  test('an address that does not answer is not the last word', async () => {
    answer = good;
    expect(await get(url(), { resolve: () => Promise.resolve(['127.0.0.2', '127.0.0.1']) })).toHaveLength(1);
  });

  test('one private address among public ones is one too many', async () => {
    const resolve = () => Promise.resolve(['1.1.1.1', '127.0.0.1']);
    expect(await get(url(), { resolve, allowPrivate: false })).toContain('not public');
  });

  test('a name is resolved once: what it leads to later does not matter', async () => {
    answer = good;
    // A documentation address that nobody answers at, and then this machine.
    const addresses = ['203.0.113.1', '127.0.0.1'];
    let resolved = 0;
    const resolve = () => Promise.resolve([addresses[resolved++] ?? '127.0.0.1']);
    expect(typeof (await get(url(), { resolve }))).toBe('string');
    expect(resolved).toBe(1);
    expect(hosts).toEqual([]);
  });

  test.each([
    ['http', 'http://keys.example.test/', 'https'],
    ['a file', 'file:///etc/passwd', 'https'],
    ['no URL', 'nonsense', 'https'],
    ['credentials', 'https://a:b@keys.example.test/', 'credentials'],
  ])('%s is not followed', async (_name, uri, said) => {
    expect(await get(uri)).toContain(said);
  });

  test('a certificate for another name, or of nobody we trust, ends it', async () => {
    answer = good;
    expect(typeof (await get(`https://other.example.test:${place.port}/`))).toBe('string');
    expect(typeof (await get(url(), { authorities: null }))).toBe('string');
    expect(hosts).toEqual([]);
  });

  const bad: [string, () => Response, string][] = [
    ['a redirect', () => Response.redirect(url('/elsewhere'), 302), 'answered 302'],
    ['an error', () => new Response(SET, { status: 500, headers: JSON_TYPE }), 'answered 500'],
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } }), 'else than JSON'],
    ['broken JSON', () => new Response('{', { headers: JSON_TYPE }), 'broken JSON'],
    ['JSON that is no set', () => new Response('[]', { headers: JSON_TYPE }), 'else than a JWK Set'],
    [
      'more than 64 KiB',
      () => new Response(`{"keys":[],"x":"${'x'.repeat(70_000)}"}`, { headers: JSON_TYPE }),
      '65536',
    ],
    [
      'more than 64 KiB without saying so',
      () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(16_384).fill(32)),
          }),
          { headers: JSON_TYPE },
        ),
      '65536',
    ],
  ];
  test.each(bad)('%s gives no keys', async (_name, make, said) => {
    answer = make;
    expect(await get(url())).toContain(said);
    expect(hosts).toHaveLength(1);
  });

  // Beside each other, each at a path of its own: all they do is wait.
  test.concurrent('an answer that does not come in 3 s is not waited for', async () => {
    const begun = performance.now();
    expect(await get(url('/never'))).toContain('within 3 s');
    expect(performance.now() - begun).toBeLessThan(4_500);
    expect(paths).toContain('/never');
  }, 10_000);

  test.concurrent('nor is a name whose servers are silent; but what is left of it is known, and nobody is asked any more', async () => {
    const silent = Promise.withResolvers<string[]>();
    const resolve = () => silent.promise;
    const { keys, over } = createJwksFetch({ resolve, allowPrivate: true, authorities: made.cert })(url('/silent'));
    expect(await keys.catch((error: Error) => error.message)).toContain('within 3 s');
    expect(Bun.peek.status(over)).toBe('pending');
    silent.resolve(['127.0.0.1']);
    await over;
    expect(paths).not.toContain('/silent');
  }, 10_000);

  test.concurrent('nor is one that drips', async () => {
    expect(await get(url('/drips'))).toContain('within 3 s');
    expect(paths).toContain('/drips');
  }, 10_000);
});

describe('remembering', () => {
  const start = (fetching: (() => JwksFetching) | null = null) => {
    const state = { nowMs: 1_000_000, asked: 0, failures: 0, keys: [{ kid: 'a' }] as GivenJwk[] | null };
    const source = createJwksSource({
      fetchKeys: () => {
        state.asked += 1;
        if (fetching !== null) return fetching();
        return answering(state.keys === null ? Promise.reject(new Error('away')) : Promise.resolve(state.keys));
      },
      elapsed: () => state.nowMs,
      failed: () => {
        state.failures += 1;
      },
    });
    return { state, source };
  };
  const URI = 'https://keys.example.test/';
  const MINUTE = 60_000;

  test('keys are asked for once in five minutes', async () => {
    const { state, source } = start();
    await Promise.all(Array.from({ length: 10 }, () => source.keys('a', URI)));
    expect(state.asked).toBe(1);
    state.nowMs += 5 * MINUTE - 1;
    await source.keys('a', URI);
    expect(state.asked).toBe(1);
    state.nowMs += 1;
    await source.keys('a', URI);
    expect(state.asked).toBe(2);
  });

  test('newer keys are asked for at most once in 30 s', async () => {
    const { state, source } = start();
    const first = (await source.keys('a', URI)) ?? [];
    state.nowMs += 1_000;
    state.keys = [{ kid: 'a' }, { kid: 'b' }];
    const second = (await source.refetch('a', URI, first)) ?? [];
    expect(second).toHaveLength(2);
    state.keys = [{ kid: 'b' }];
    for (let at = 0; at < 29; at += 1) {
      expect(await source.refetch('a', URI, second)).toBeNull();
      state.nowMs += 1_000;
    }
    expect(state.asked).toBe(2);
    state.nowMs += 1_000;
    expect(await source.refetch('a', URI, second)).toHaveLength(1);
    expect(state.asked).toBe(3);
  });

  test('who has looked through old keys while another request fetched new ones gets those', async () => {
    const { state, source } = start();
    const old = (await source.keys('a', URI)) ?? [];
    state.nowMs += 1_000;
    state.keys = [{ kid: 'b' }];
    expect(await source.refetch('a', URI, old)).toEqual([{ kid: 'b' }]);
    expect(await source.refetch('a', URI, old)).toEqual([{ kid: 'b' }]);
    expect(state.asked).toBe(2);
  });

  test('while the place is away the keys are good for an hour, and it is asked every 10 s', async () => {
    const { state, source } = start();
    await source.keys('a', URI);
    state.keys = null;
    state.nowMs += 5 * MINUTE;
    expect(await source.keys('a', URI)).toEqual([{ kid: 'a' }]);
    expect(await source.keys('a', URI)).toEqual([{ kid: 'a' }]);
    expect([state.asked, state.failures]).toEqual([2, 1]);
    state.nowMs += 10_000;
    await source.keys('a', URI);
    expect(state.asked).toBe(3);
    state.nowMs += 55 * MINUTE;
    expect(await source.keys('a', URI)).toBeNull();
    state.keys = [{ kid: 'c' }];
    state.nowMs += 10_000;
    expect(await source.keys('a', URI)).toEqual([{ kid: 'c' }]);
  });

  test('a place that never answered gives none', async () => {
    const { state, source } = start();
    state.keys = null;
    expect(await source.keys('a', URI)).toBeNull();
    expect(await source.refetch('a', URI, [])).toBeNull();
    expect(state.asked).toBe(1);
  });

  test('places named once do not push out one that is in use', async () => {
    const { state, source } = start();
    for (let place = 0; place < 1_000; place += 1) {
      await source.keys('a', URI);
      await source.keys(`client-${place}`, URI);
    }
    expect(state.asked).toBe(1_001);
  });

  test('no more than 32 slow places are asked at a time; the others go on with what they have', async () => {
    const late = Promise.withResolvers<GivenJwk[]>();
    const asked: string[] = [];
    let [nowMs, failures] = [1_000_000, 0];
    const source = createJwksSource({
      fetchKeys: (uri) => {
        asked.push(uri);
        return answering(uri === URI ? Promise.resolve([{ kid: 'a' }]) : late.promise);
      },
      elapsed: () => nowMs,
      failed: () => {
        failures += 1;
      },
    });
    await source.keys('a', URI);
    nowMs += 5 * MINUTE;
    const slow = Array.from({ length: 32 }, (_, place) => source.keys(`client-${place}`, `${URI}${place}`));
    expect(await source.keys('more', `${URI}more`)).toBeNull();
    expect(await source.keys('a', URI)).toEqual([{ kid: 'a' }]);
    expect([asked.length, failures]).toEqual([33, 2]);
    late.resolve([{ kid: 'b' }]);
    expect(await Promise.all(slow)).toEqual(Array(32).fill([{ kid: 'b' }]));
    await source.keys('more', `${URI}more`);
    expect(asked.at(-1)).toBe(`${URI}more`);
  });

  test('a fetch counts as one until nothing of it is left', async () => {
    const left = Promise.withResolvers<void>();
    const { state, source } = start(() => ({ keys: Promise.reject(new Error('too late')), over: left.promise }));
    for (let place = 0; place < 40; place += 1)
      expect(await source.keys(`client-${place}`, `${URI}${place}`)).toBeNull();
    expect([state.asked, state.failures]).toEqual([32, 40]);
    left.resolve();
    await left.promise;
    await source.keys('a', URI);
    expect(state.asked).toBe(33);
  });

  test('a client that names one silent place after another holds two of the fetches, and its own last place is remembered', async () => {
    const { state, source } = start(() => ({
      keys: state.asked > 2 ? Promise.resolve([{ kid: 'a' }]) : Promise.reject(new Error('silent')),
      over: state.asked > 2 ? Promise.resolve() : new Promise(() => {}),
    }));
    for (let place = 0; place < 300; place += 1) expect(await source.keys('a', `${URI}${place}`)).toBeNull();
    expect([state.asked, state.failures]).toEqual([2, 300]);
    expect(await source.keys('b', URI)).toEqual([{ kid: 'a' }]);
    for (let place = 0; place < 300; place += 1) await source.keys('a', `${URI}${place}`);
    expect(await source.keys('b', URI)).toEqual([{ kid: 'a' }]);
    expect(state.asked).toBe(3);
  });
});
