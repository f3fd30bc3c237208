// Ticks as CSV: written while they are sent, in the coding that was asked for, and only so many at a time.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import type { Database } from '../../db/connect';
import { eachDatabase } from '../../db/testing';
import { startTestServer, type TestServer, waitFor } from '../testing';
import type { Services } from '../wiring/services';
import { EXPORTS_MAX, EXPORTS_PER_CLIENT_MAX } from './exports';
import type { History } from './history';

const PATH = '/api/currency/BTC/history';
const CSV = { accept: 'text/csv', 'accept-encoding': 'identity' };

eachDatabase('ticks as CSV', (open) => {
  let database: Database;
  let server: TestServer;
  let token: string;
  /** Readings that have begun, pages that were read, readings that are over; what stands before the first page, and after each. */
  const pages = { begun: 0, read: 0, ended: 0, first: Promise.resolve(), gate: Promise.resolve() };
  const count = (services: Services): Services => {
    const ticks: History['ticks'] = async (...asked) => {
      const series = await services.history.ticks(...asked);
      return { ...series, pages: () => counted(series.pages()) };
    };
    return { ...services, history: { ...services.history, ticks } };
  };
  async function* counted<Page>(read: AsyncGenerator<Page>): AsyncGenerator<Page> {
    pages.begun += 1;
    try {
      await pages.first;
      for await (const page of read) {
        pages.read += 1;
        yield page;
        await pages.gate;
      }
    } finally {
      pages.ended += 1;
    }
  }
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database, { change: count });
    token = await server.token();
    for (let count = 0; count < 3; count++) {
      server.pass(3_000);
      await server.services.ticker.tick();
    }
  });
  afterAll(() => server.close());
  const read = (headers: Record<string, string>, bearer = token): Promise<Response> =>
    server.read(PATH, bearer, headers);

  test.each([
    ['gzip', 'gzip'],
    ['gzip, zstd', 'zstd'],
    ['gzip;q=0.5, zstd;q=0.1', 'gzip'],
    ['gzip, identity;q=0', 'gzip'],
    ['identity', null],
    ['br', null],
  ])('for who sends Accept-Encoding: %s they are sent in %p, under a tag of its own', async (accepted, coding) => {
    const headers = { ...CSV, 'accept-encoding': accepted };
    const answer = await read(headers);
    expect([answer.status, answer.headers.get('content-encoding')]).toEqual([200, coding]);
    expect(answer.headers.get('vary')).toBe('accept, accept-encoding');
    expect(await answer.text()).toBe(await (await read(CSV)).text());
    const etag = answer.headers.get('etag')!;
    expect(etag).toEndWith(`-csv-${coding ?? 'identity'}"`);
    expect((await read({ ...headers, 'if-none-match': etag })).status).toBe(304);
    expect((await read({ ...headers, 'if-none-match': etag.replace('csv', 'json') })).status).toBe(200);
    const head = await server.ask(PATH, {
      method: 'HEAD',
      headers: { ...headers, authorization: `Bearer ${token}` },
    });
    expect([head.headers.get('etag'), head.headers.get('content-encoding')]).toEqual([etag, coding]);
  });

  test.each(['identity;q=0', 'br, *;q=0'])('Accept-Encoding: %s is 406, in JSON as in CSV', async (accepted) => {
    for (const accept of ['application/json', 'text/csv']) {
      const answer = await read({ accept, 'accept-encoding': accepted });
      expect([accept, answer.status, answer.headers.get('vary')]).toEqual([accept, 406, 'accept-encoding']);
    }
  });

  test('of one client two run at a time (429), of all eight (503); all else is answered meanwhile', async () => {
    const tokens = await Promise.all(
      Array.from({ length: EXPORTS_MAX / EXPORTS_PER_CLIENT_MAX }, () => server.token()),
    );
    const late = await server.token();
    const [first] = tokens as [string];
    const gate = Promise.withResolvers<void>();
    pages.gate = gate.promise;
    const running: Response[] = [];
    const refused = async (bearer: string, status: number): Promise<void> => {
      const answer = await read(CSV, bearer);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    };
    for (const bearer of tokens) {
      for (let count = 0; count < EXPORTS_PER_CLIENT_MAX; count++) running.push(await read(CSV, bearer));
      await refused(first, 429);
    }
    await refused(late, 503);
    expect((await read({ accept: 'application/json' }, late)).status).toBe(200);
    const etag = running[0]!.headers.get('etag')!;
    expect((await read({ ...CSV, 'if-none-match': etag }, late)).status).toBe(304);
    gate.resolve();
    for (const answer of running)
      expect([answer.status, (await answer.text()).split('\r\n')[0]]).toEqual([200, 'seq,rate,at']);
    for (const bearer of [first, late]) expect(await (await read(CSV, bearer)).text()).toStartWith('seq,rate,at');
  });

  test.each(['identity', 'gzip', 'zstd'])('who leaves before the first page may ask again (%s)', async (coding) => {
    const bearer = await server.token();
    const headers = { authorization: `Bearer ${bearer}`, ...CSV, 'accept-encoding': coding };
    for (let count = 0; count <= EXPORTS_PER_CLIENT_MAX; count++) {
      const first = Promise.withResolvers<void>();
      pages.first = first.promise;
      const { begun, ended } = pages;
      const leaving = new AbortController();
      const left = server.ask(PATH, { headers, signal: leaving.signal }).catch((error: unknown) => String(error));
      await waitFor(() => pages.begun > begun, 'the reading to begin');
      leaving.abort();
      expect(await left).toContain('AbortError');
      first.resolve();
      await waitFor(() => pages.ended > ended, 'the reading to end');
    }
    pages.first = Promise.resolve();
    expect((await read(CSV, bearer)).status).toBe(200);
  });

  test.each(['identity', 'gzip', 'zstd'])('what breaks off is no whole answer, and logged (%s)', async (coding) => {
    pages.gate = Promise.reject(new Error('the database is gone'));
    pages.gate.catch(() => {});
    const { ended } = pages;
    const headers = { ...CSV, 'accept-encoding': coding, 'x-request-id': `broken-${coding}` };
    const body = read(headers).then((answer) => answer.text());
    expect(await body.catch((error: Error) => error.name)).not.toStartWith('seq');
    pages.gate = Promise.resolve();
    expect(pages.ended).toBeGreaterThan(ended);
    const told = server.logged.filter((line) => line.includes('an answer in CSV was cut off'));
    expect(JSON.parse(told.at(-1)!)).toMatchObject({
      'log.level': 'error',
      'error.message': 'the database is gone',
      'http.request.id': `broken-${coding}`,
    });
    expect((await read(CSV)).status).toBe(200);
  });

  test('those of any length are read page by page, and no more once the caller has left, who may then ask again', async () => {
    const rows = 300_000;
    await database.rows.execute(sql`insert into ticks
      select 2, 100 + n, timestamptz '2026-01-01 00:30Z' + n * interval '3 ms', 3000 + n from generate_series(1, ${rows}::integer) n`);
    const path = '/api/currency/ETH/history';
    const some = await server.read(`${path}?from=2026-01-01T00:30:00Z&to=2026-01-01T00:30:15.001Z`, token, CSV);
    const [head, ...lines] = (await some.text()).split('\r\n');
    expect(head).toBe('seq,rate,at');
    expect(lines.slice(0, -1).map((line) => line.split(',')[0])).toEqual(
      Array.from({ length: 5_000 }, (_, n) => `${101 + n}`),
    );
    for (const coding of ['identity', 'gzip', 'zstd']) {
      const leaving = new AbortController();
      const headers = { authorization: `Bearer ${token}`, ...CSV, 'accept-encoding': coding };
      const before = { ...pages };
      const answer = await server.ask(path, { headers, signal: leaving.signal });
      await answer.body!.getReader().read();
      leaving.abort();
      await waitFor(() => pages.ended > before.ended, 'the reading to end');
      expect(pages.read - before.read).toBeLessThan(rows / 1_000);
    }
  });
});
