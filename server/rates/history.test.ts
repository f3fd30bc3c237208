// `/api/currency/{symbol}/history` and `/candles` over HTTP: what they give, in JSON and in CSV, and what they refuse.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eachDatabase } from '../../db/testing';
import { startTestServer, type TestServer } from '../testing';
import type { CandleView, TickPage, TickView } from './history-model';

const MINUTE_MS = 60_000;
const CSV = { accept: 'text/csv' };
const BY = { actor: 'admin', request: null };

eachDatabase('the history', (open) => {
  let server: TestServer;
  let token: string;
  /** Every rate of BTC and when it was current. */
  const seen: { seq: number; rate: number; at: string }[] = [];
  const bitcoin = (): number => server.services.feed.snapshot().rates[0]!.rate;
  const tick = async (afterMs: number): Promise<void> => {
    server.pass(afterMs);
    const before = bitcoin();
    const seq = (await server.services.ticker.tick())!;
    const at = new Date(server.now()).toISOString();
    if (seq === 1) seen.push({ seq: 0, rate: before, at });
    seen.push({ seq, rate: bitcoin(), at });
  };
  beforeAll(async () => {
    server = await startTestServer(await open());
    token = await server.token();
    // 00:00:03 to 00:00:57, then a gap, then 00:07:00 to 00:07:12.
    for (let count = 0; count < 19; count++) await tick(3_000);
    await tick(7 * MINUTE_MS - 57_000);
    for (let count = 0; count < 4; count++) await tick(3_000);
  });
  afterAll(() => server.close());
  const read = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    server.read(`/api/currency/${path}`, token, headers);
  const json = async <T>(path: string): Promise<T> => {
    const answer = await read(path);
    expect([path, answer.status]).toEqual([path, 200]);
    return (await answer.json()) as T;
  };
  const ticks = (query = ''): Promise<TickPage> => json(`BTC/history${query}`);
  const candles = (query = ''): Promise<CandleView[]> => json(`BTC/candles${query}`);
  const text = async (path: string): Promise<string[]> => (await (await read(path, CSV)).text()).split('\r\n');

  test('every tick is there, oldest first, and the rate that the currency started at before them', async () => {
    expect(await ticks()).toEqual({ items: seen, next_cursor: null });
    expect(await json<TickPage>('btc/history')).toEqual({ items: seen, next_cursor: null });
  });

  test.each([1, 4, 7, 24, 25, 1_000])(
    'pages of %d lead through all of it, without a gap or a repetition',
    async (limit) => {
      const found: TickView[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page: TickPage = await ticks(`?limit=${limit}&cursor=${cursor}`);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        expect(page.next_cursor === null || page.items.length === limit).toBe(true);
        found.push(...page.items);
        cursor = page.next_cursor;
      }
      expect(found).toEqual(seen);
    },
  );

  test('a page goes on where it ended, whatever came in the meantime', async () => {
    const { items, next_cursor } = await ticks('?limit=24');
    await tick(3_000);
    const after = await ticks(`?cursor=${next_cursor}`);
    expect([...items, ...after.items]).toEqual(seen);
  });

  test.each([
    ['?from=2026-01-01T00:07:00Z', (at: string) => at >= '2026-01-01T00:07:00.000Z'],
    ['?to=2026-01-01T00:07:00.000Z', (at: string) => at < '2026-01-01T00:07:00.000Z'],
    ['?to=2026-01-01t00:07:00.000z', (at: string) => at < '2026-01-01T00:07:00.000Z'],
    [
      '?from=2026-01-01T01:00:06%2B01:00&to=2025-12-31T14:00:15-10:00',
      (at: string) => at >= '2026-01-01T00:00:06.000Z' && at < '2026-01-01T00:00:15.000Z',
    ],
    ['?from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59.999999999-14:00', () => true],
    ['?from=&to=&limit=&cursor=&other=1', () => true],
  ])('history %s: from then on, and before then', async (query, within) => {
    expect((await ticks(query)).items).toEqual(seen.filter(({ at }) => within(at)));
  });

  test('candles of a minute, with no candle where there was no tick', async () => {
    const [first, second, ...more] = await candles();
    const fold = (part: typeof seen) => ({
      open: part[0]!.rate,
      high: Math.max(...part.map(({ rate }) => rate)),
      low: Math.min(...part.map(({ rate }) => rate)),
      close: part.at(-1)!.rate,
      ticks: part.length,
    });
    expect(first).toEqual({ open_time: '2026-01-01T00:00:00.000Z', ...fold(seen.slice(0, 20)), complete: true });
    expect(second).toEqual({ open_time: '2026-01-01T00:07:00.000Z', ...fold(seen.slice(20)), complete: false });
    expect(more).toEqual([]);
    expect(await candles('?interval=5m')).toMatchObject([fold(seen.slice(0, 20)), fold(seen.slice(20))]);
    for (const interval of ['15m', '1h', '4h', '1d'])
      expect(await candles(`?interval=${interval}`)).toEqual([
        { open_time: '2026-01-01T00:00:00.000Z', ...fold(seen), complete: false },
      ]);
  });

  test.each([
    ['?from=2026-01-01T00:00:00Z&to=2026-01-01T00:07:00Z', [0]],
    ['?from=2026-01-01T00:00:00.001Z', [7]],
    ['?from=2026-01-01T00:07:00Z&to=2026-01-01T00:07:00.001Z', [7]],
    ['?from=2026-01-01T00:00:00Z&limit=1', [0]],
    ['?limit=1', [7]],
    ['?to=2026-01-01T00:07:00Z&limit=1', [0]],
    ['?interval=5m&limit=1', [5]],
    ['?interval=5m&from=2026-01-01T00:00:00Z&limit=1', [0]],
    ['?to=2025-01-01T00:00:00Z', []],
  ])('candles %s open at the minutes %j', async (query, minutes) => {
    expect((await candles(query)).map(({ open_time }) => new Date(open_time).getUTCMinutes())).toEqual(minutes);
  });

  test.each([
    ['BTC/history?from=2026-01-01T00:00:00', ['/from']],
    ['BTC/history?from=yesterday&to=2026-02-30T00:00:00Z', ['/from', '/to']],
    ['BTC/candles?from=2025-02-29T00:00:00Z', ['/from']],
    ['BTC/candles?from=2026-01-01T24:00:00Z', ['/from']],
    ['BTC/history?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', ['/to']],
    ['BTC/candles?from=2026-01-01T00:00:01Z&to=2026-01-01T00:00:00Z', ['/to']],
    ['BTC/history?limit=0', ['/limit']],
    ['BTC/history?limit=1001', ['/limit']],
    ['BTC/candles?limit=-1', ['/limit']],
    ['BTC/candles?limit=1e2', ['/limit']],
    ['BTC/candles?limit=1&limit=2', ['/limit']],
    ['BTC/candles?interval=2m', ['/interval']],
    ['BTC/candles?interval=1M', ['/interval']],
    ['BTC/candles?interval=1m,5m', ['/interval']],
    ['BTC/history?cursor=next', ['/cursor']],
    ['BTC/history?cursor=1', ['/cursor']],
  ])('%s is 422, and says where', async (path, places) => {
    for (const headers of [{}, CSV]) {
      const answer = await read(path, headers);
      expect(answer.status).toBe(422);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      const { errors, detail } = (await answer.json()) as { errors: { path: string }[]; detail: string };
      expect(errors.map((error) => error.path)).toEqual(places);
      expect(detail).toMatch(/^(?:from|to|limit|interval|cursor) (?:must|is) /);
    }
  });

  test.each(['NOPE/history', 'NOPE/candles', '%00/candles', '%F0%9F%98%80/history', `${'X'.repeat(2_000)}/candles`])(
    '%.40s is 404',
    async (path) => {
      const answer = await read(path, { 'if-none-match': '*' });
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    },
  );

  test('a retired currency keeps its history; one that comes back goes on with it', async () => {
    const before = await json<TickPage>('DOGE/history');
    await server.services.currencies.retire('DOGE', BY);
    await tick(3_000);
    expect(await json<TickPage>('DOGE/history')).toEqual(before);
    expect((await json<CandleView[]>('DOGE/candles?interval=1d'))[0]!.ticks).toBe(before.items.length);
    await server.services.currencies.add({ symbol: 'DOGE', name: 'Dogecoin', rate: 0.09 }, BY);
    const { items } = await json<TickPage>('DOGE/history');
    expect(items.slice(0, -1)).toEqual(before.items);
    expect(items.at(-1)).toEqual({ seq: seen.at(-1)!.seq, rate: 0.09, at: new Date(server.now()).toISOString() });
  });

  test('CSV has a header row and the same values, in lines that end with CR LF', async () => {
    expect(await text('BTC/history')).toEqual([
      'seq,rate,at',
      ...seen.map(({ seq, rate, at }) => `${seq},${rate},${at}`),
      '',
    ]);
    const found = await candles('?interval=1m');
    expect(await text('BTC/candles?interval=1m')).toEqual([
      'open_time,open,high,low,close,ticks,complete',
      ...found.map((candle) => Object.values(candle).join(',')),
      '',
    ]);
    expect(await text('BTC/candles?limit=1')).toHaveLength(3);
    expect(await text('BTC/history?limit=2&from=2026-01-01T00:07:00Z')).toHaveLength(4);
    expect(await text('BTC/history?to=2020-01-01T00:00:00Z')).toEqual(['seq,rate,at', '']);
  });

  test.each([
    ['text/csv', 'text/csv; charset=utf-8; header=present'],
    ['application/json;q=0.5, text/csv', 'text/csv; charset=utf-8; header=present'],
    ['text/*, application/json;q=0.1', 'text/csv; charset=utf-8; header=present'],
    ['text/csv;header=absent;q=0.9, */*;q=0.1', 'text/csv; charset=utf-8; header=present'],
    ['text/csv;q=0.5, application/json', 'application/json'],
    ['text/csv, */*', 'application/json'],
    ['text/csv;q=0, */*', 'application/json'],
    ['image/png', 'application/json'],
    ['*/*', 'application/json'],
  ])('Accept: %s is answered with %s', async (accept, type) => {
    const answer = await read('BTC/candles', { accept });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.headers.get('vary')).toBe('accept, accept-encoding');
    await answer.text();
  });

  test('If-None-Match is 304 until the next tick, for each type by itself, and HEAD has the same headers', async () => {
    for (const path of ['BTC/history?limit=3', 'BTC/candles?interval=1h'])
      for (const headers of [{}, CSV] as Record<string, string>[]) {
        const first = await read(path, headers);
        const etag = first.headers.get('etag')!;
        expect(etag).toMatch(/^"[\x21\x23-\x7e]+"$/);
        const body = await first.text();
        const same = await read(path, { ...headers, 'if-none-match': `"other", W/${etag}` });
        expect(same.status).toBe(304);
        expect(await same.text()).toBe('');
        for (const name of ['etag', 'cache-control', 'vary'])
          expect(same.headers.get(name)).toBe(first.headers.get(name));
        expect(first.headers.get('cache-control')).toBe('private, no-cache');
        const head = await server.ask(`/api/currency/${path}`, {
          method: 'HEAD',
          headers: { ...headers, authorization: `Bearer ${token}` },
        });
        expect([head.status, head.headers.get('etag')]).toEqual([200, etag]);
        // How long CSV will be nobody knows before it is written.
        const length = headers === CSV ? null : String(Buffer.byteLength(body));
        expect(head.headers.get('content-length')).toBe(length);
        const any = await read(path, { ...headers, 'if-none-match': '*' });
        expect([any.status, any.headers.get('etag'), await any.text()]).toEqual([304, etag, '']);
        const other = await read(path, {
          accept: headers === CSV ? 'application/json' : 'text/csv',
          'if-none-match': etag,
        });
        expect(other.status).toBe(200);
        expect(await other.text()).not.toBe(body);
        await tick(3_000);
        expect((await read(path, { ...headers, 'if-none-match': etag })).status).toBe(200);
      }
  });

  test('what is large is compressed for who asks', async () => {
    const answer = await read('BTC/history', { 'accept-encoding': 'zstd' });
    expect(answer.headers.get('content-encoding')).toBe('zstd');
    expect(((await answer.json()) as TickPage).items).toEqual(seen);
  });
});
