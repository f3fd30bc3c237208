// `/api/currency` over HTTP: what is served, to whom, and when it is served anew (RFC 9110 §13, RFC 6750).
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import type { Database } from '../../db/connect';
import { clients, market, resources } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { challengeOf, START_MS, startTestServer, type TestServer, waitFor } from '../testing';
import type { Rate } from './model';

const START_RATES = {
  BTC: 45000,
  ETH: 3200,
  SOL: 144,
  XRP: 0.55,
  ADA: 0.5,
  DOT: 7.2,
  LINK: 14.5,
  LTC: 70,
  BCH: 250,
  XLM: 0.12,
  UNI: 6.5,
  DOGE: 0.08,
  AVAX: 35,
};

eachDatabase('the rates', (open) => {
  let database: Database;
  let server: TestServer;
  let token: string;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
    token = await server.token();
  });
  afterAll(() => server.close());
  const list = async (path = '/api/currency/'): Promise<Rate[]> => {
    const answer = await server.read(path, token);
    expect(answer.status).toBe(200);
    return (await answer.json()) as Rate[];
  };
  const tick = async (): Promise<void> => {
    server.pass(3_000);
    expect(await server.services.ticker.tick()).not.toBeNull();
  };

  test('the market starts with the thirteen currencies at their prices', async () => {
    const rates = await list();
    expect(Object.fromEntries(rates.map(({ symbol, rate }) => [symbol, rate]))).toEqual(START_RATES);
  });

  test('a rate has the members of the contract, and at most 15 significant digits', async () => {
    await tick();
    for (const rate of await list()) {
      expect(rate).toEqual({
        symbol: expect.stringMatching(/^[A-Z]{2,5}$/),
        name: expect.stringMatching(/./),
        rate: expect.any(Number),
        change_24h: expect.any(Number),
        high_24h: expect.any(Number),
        low_24h: expect.any(Number),
        updated_at: new Date(server.now()).toISOString(),
      });
      expect(rate.rate).toBe(Number(rate.rate.toPrecision(15)));
      expect(rate.low_24h).toBeLessThanOrEqual(rate.rate);
      expect(rate.high_24h).toBeGreaterThanOrEqual(rate.rate);
    }
  });

  test('with and without the last slash it is the same', async () => {
    const [one, two] = [await server.read('/api/currency/', token), await server.read('/api/currency', token)];
    expect(two.status).toBe(200);
    expect(await two.text()).toBe(await one.text());
    expect(two.headers.get('etag')).toBe(one.headers.get('etag'));
  });

  test('one currency is found in any letter case; an unknown one is 404', async () => {
    const [btc] = await list();
    for (const symbol of ['BTC', 'btc', 'bTc', 'BTC/']) {
      const answer = await server.read(`/api/currency/${symbol}`, token);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual(btc);
    }
    for (const symbol of ['NOPE', '%00', '%zz', '%ff', '%3Cb%3E', '..%2F', '__proto__', 'x'.repeat(2_000)]) {
      const answer = await server.read(`/api/currency/${symbol}`, token);
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(await answer.text()).not.toContain('<b>');
    }
  });

  test.each([
    ['?symbols=ETH,btc', ['ETH', 'BTC']],
    ['?symbols=BTC,BTC', ['BTC']],
    ['?symbols=DOGE', ['DOGE']],
    ['?symbols=BTC&other=1', ['BTC']],
    ['?symbols=eth%2Cbtc', ['ETH', 'BTC']],
    ['?other=1', Object.keys(START_RATES)],
    ['?symbols=', Object.keys(START_RATES)],
    ['?symbols=,+,', Object.keys(START_RATES)],
    ['?symbols=BTC,+ETH', ['BTC', 'ETH']],
    ['?symbols=,BTC,,ETH,', ['BTC', 'ETH']],
    [`?symbols=${'BTC,'.repeat(99)}ETH`, ['BTC', 'ETH']],
  ])('%.40s gives %j', async (query, symbols) => {
    expect((await list(`/api/currency/${query}`)).map(({ symbol }) => symbol)).toEqual(symbols);
    expect((await list(`/api/currency${query}`)).map(({ symbol }) => symbol)).toEqual(symbols);
  });

  test.each([
    ['an unknown one', '?symbols=BTC,NOPE', 404, 'There is no currency NOPE.'],
    ['a space within a name', '?symbols=BTC+ETH', 404, 'There is no currency.'],
    ['more than a hundred', `?symbols=${'BTC,'.repeat(100)}ETH`, 422, 'symbols names 101 currencies; 100 are the most'],
    ['given twice', '?symbols=BTC&symbols=ETH', 422, 'symbols is given more than once'],
    ['given twice, once without a value', '?symbols=&symbols=ETH', 422, 'symbols is given more than once'],
  ])('symbols, %s: refused', async (_what, query, status, detail) => {
    const answer = await server.read(`/api/currency/${query}`, token);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(((await answer.json()) as { detail: string }).detail).toStartWith(detail);
  });

  test('between two ticks what was chosen stays as it is, and after a tick or a change of the catalogue it does not', async () => {
    const chosen = () => list('/api/currency/?symbols=btc,ETH');
    const before = await chosen();
    expect(await chosen()).toEqual(before);
    await tick();
    const after = await chosen();
    expect(after.map(({ updated_at }) => updated_at)).not.toEqual(before.map(({ updated_at }) => updated_at));
    const by = { actor: 'admin', request: null };
    await server.services.currencies.retire('ETH', by);
    expect((await server.read('/api/currency/?symbols=btc,ETH', token)).status).toBe(404);
    expect((await server.read('/api/currency/ETH', token)).status).toBe(404);
    await server.services.currencies.add({ symbol: 'ETH', name: 'Ethereum', rate: START_RATES.ETH }, by);
    expect((await chosen()).map(({ symbol }) => symbol)).toEqual(['BTC', 'ETH']);
  });

  test('whoever takes it is sent it compressed: the same rates under a tag of their own', async () => {
    const plain = await server.read('/api/currency/', token, { 'accept-encoding': 'identity' });
    const text = await plain.text();
    const tags = new Set([plain.headers.get('etag')]);
    expect(plain.headers.get('vary')).toBe('accept-encoding');
    for (const coding of ['gzip', 'zstd']) {
      const headers = { authorization: `Bearer ${token}`, 'accept-encoding': coding };
      const answer = await fetch(`${server.url}/api/currency/`, { headers, decompress: false });
      expect(answer.headers.get('content-encoding')).toBe(coding);
      const bytes = await answer.arrayBuffer();
      expect(bytes.byteLength).toBeLessThan(text.length / 2);
      expect(Buffer.from(coding === 'gzip' ? Bun.gunzipSync(bytes) : Bun.zstdDecompressSync(bytes)).toString()).toBe(
        text,
      );
      tags.add(answer.headers.get('etag'));
      const head = await fetch(`${server.url}/api/currency/`, { headers, method: 'HEAD', decompress: false });
      expect(head.headers.get('content-length')).toBe(String(bytes.byteLength));
      expect(head.headers.get('content-encoding')).toBe(coding);
    }
    expect(tags.size).toBe(3);
    // One rate is smaller than what compression saves.
    expect((await server.read('/api/currency/BTC', token)).headers.get('content-encoding')).toBeNull();
    const nothing = await server.read('/api/currency/', token, { 'accept-encoding': '*;q=0' });
    expect([nothing.status, nothing.headers.get('content-type')]).toEqual([406, 'application/problem+json']);
  });

  test('If-None-Match with the ETag is 304 without a body, until the next tick', async () => {
    for (const path of ['/api/currency/', '/api/currency/BTC', '/api/currency/?symbols=ETH']) {
      const first = await server.read(path, token);
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"\d+-\d+-[0-9a-z]+-(?:identity|gzip|zstd)"$/);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, `${etag},"other"`, '*']) {
        const again = await server.read(path, token, { 'if-none-match': known });
        expect(again.status).toBe(304);
        expect(again.headers.get('etag')).toBe(etag);
        expect(again.headers.get('cache-control')).toBe('private, no-cache');
        expect(await again.text()).toBe('');
      }
      expect((await server.read(path, token, { 'if-none-match': '"other"' })).status).toBe(200);
      await tick();
      const changed = await server.read(path, token, { 'if-none-match': etag });
      expect(changed.status).toBe(200);
      expect(changed.headers.get('etag')).not.toBe(etag);
    }
  });

  test('the ETag of a market that begins anew is another one for the same number of the tick', async () => {
    const tags: (string | null)[] = [];
    const [before] = await database.rows.select().from(market);
    for (const tickedAt of [START_MS, START_MS + 1]) {
      const state = { seq: 10, catalogueVersion: 1, tickedAt: new Date(tickedAt) };
      await database.rows.update(market).set(state);
      const fresh = await startTestServer(database, { settings: { issuer: server.issuer } });
      tags.push((await fresh.read('/api/currency/', token)).headers.get('etag'));
      await fresh.close();
    }
    await database.rows.update(market).set(before!);
    expect(tags[0]).toStartWith('"10-1-');
    expect(tags[1]).toStartWith('"10-1-');
    expect(tags[0]).not.toBe(tags[1]);
  });

  test('HEAD answers as GET does, without the body', async () => {
    for (const path of ['/api/currency/', '/api/currency', '/api/currency/BTC', '/health']) {
      const headers = { authorization: `Bearer ${token}`, 'accept-encoding': 'identity' };
      const get = await server.ask(path, { headers });
      const head = await server.ask(path, { headers, method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(head.headers.get('etag')).toBe(get.headers.get('etag'));
      expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
      expect(head.headers.get('content-length')).toBe(String((await get.arrayBuffer()).byteLength));
      expect(await head.text()).toBe('');
      if (path === '/health') continue;
      // It has the length of what is there, or says none.
      const known = { ...headers, 'if-none-match': head.headers.get('etag')! };
      const same = await server.ask(path, { headers: known, method: 'HEAD' });
      expect([same.status, same.headers.get('content-length')]).toEqual([304, null]);
    }
    const bare = await server.ask('/api/currency/', { method: 'HEAD' });
    expect(bare.status).toBe(401);
    expect(challengeOf(bare)).toMatchObject({ scheme: 'Bearer' });
  });

  test('every route under /api/currency is 401 without a token, whatever else is wrong with the request', async () => {
    const routes = server.app.routes.filter(({ path }) => path.startsWith('/api/currency'));
    expect(routes.length).toBeGreaterThanOrEqual(2);
    for (const { method, path } of routes) {
      const there = path.replace(/:\w+/g, 'BTC');
      for (const query of ['', '?foo=bar', `?symbols=${'x'.repeat(2_000)}`, '?symbols=a&symbols=b']) {
        const answer = await server.ask(`${there}${query}`, { method });
        expect(answer.status).toBe(401);
        expect(challengeOf(answer)['error']).toBeUndefined();
      }
    }
  });

  test('a token with another scope of ours: 403', async () => {
    const client = await server.register();
    // As a later version may have it, where the resource has more scopes than one.
    await database.rows
      .update(resources)
      .set({ scopes: ['currency:read', 'other:read'] })
      .where(eq(resources.identifier, '/api/currency'));
    await waitFor(() => server.services.resources.find('/api/currency')?.scopes.length === 2, 'the new scope');
    await database.rows
      .update(clients)
      .set({ grants: { '/api/currency': ['other:read'] } })
      .where(eq(clients.clientId, client.id));
    const answer = await server.read('/api/currency/', await server.token(client));
    expect(answer.status).toBe(403);
    expect(challengeOf(answer)).toMatchObject({ error: 'insufficient_scope', scope: 'currency:read' });
  });
});
