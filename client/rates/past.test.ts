import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createTestClient, type TestClient } from '../testing/client';

let client: TestClient;
let asked: Request[];
let answer: () => Response;
beforeEach(() => {
  asked = [];
  answer = () => Response.json([{ open_time: '2026-01-01T00:00:00.000Z', open: 1 }]);
  client = createTestClient({
    fetch: async (request) => {
      if (!/\/(candles|history)$/.test(new URL(request.url).pathname)) return client.double.fetch(request);
      asked.push(request);
      return answer();
    },
  });
});
afterEach(() => client.end());

describe.each(['candles', 'history'])('GET /api/currencies/{symbol}/%s', (what) => {
  test('is the answer of the server, which is asked with the token and with what it knows', async () => {
    const query = 'interval=5m&from=2026-01-01T00:00:00Z&limit=10&access_token=x&credential=default';
    const response = await client.ask(`/api/currencies/btc/${what}?${query}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual([{ open_time: '2026-01-01T00:00:00.000Z', open: 1 }]);
    const { url, headers, redirect } = asked[0] as Request;
    expect(redirect).toBe('manual');
    expect(url).toBe(
      `http://localhost:8000/api/currency/btc/${what}?interval=5m&from=2026-01-01T00%3A00%3A00Z&limit=10`,
    );
    expect(headers.get('authorization')).toMatch(/^Bearer /);
  });

  test.each([
    ['404 in its words', 404, { detail: 'No such currency.' }, 404, 'No such currency.'],
    ['422 in its words', 422, { detail: 'to must be later than from' }, 422, 'to must be later than from'],
    ['a refusal of this client as 502', 403, { detail: 'You!' }, 502, 'status 403'],
    ['a redirect, which is not followed, as 502', 307, {}, 502, 'status 307'],
    ['its trouble as 503', 503, {}, 503, 'status 503'],
  ] as const)('passes on %s', async (_, status, body, expected, detail) => {
    answer = () => Response.json(body, { status });
    const response = await client.ask(`/api/currencies/BTC/${what}`);
    const problem = (await response.json()) as { detail: string };
    expect([response.status, response.headers.get('content-type')]).toEqual([expected, 'application/problem+json']);
    expect(problem.detail).toContain(detail);
  });

  test.each(['B%2FC', '..', 'a-b', 'x'.repeat(17)])('%p is no symbol, and not asked for', async (symbol) => {
    expect((await client.ask(`/api/currencies/${symbol}/${what}`)).status).toBe(404);
    expect(asked).toEqual([]);
  });

  test('without a server is 503', async () => {
    answer = () => {
      throw Object.assign(new TypeError('down'), { code: 'ECONNREFUSED' });
    };
    const response = await client.ask(`/api/currencies/BTC/${what}`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  });

  test('of a credential that there is not is 404', async () => {
    expect((await client.ask(`/api/currencies/BTC/${what}?credential=nobody`)).status).toBe(404);
  });
});
