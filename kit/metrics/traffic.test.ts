// Requests in numbers.
import { describe, expect, test } from 'bun:test';
import { Registry } from 'prom-client';
import { createTraffic } from './traffic';

const ROUTES = ['/', '/api/currency/', '/api/currency/:symbol', '/api/currency/:symbol/history', '/proxy/:name/*'];
const asked = (path: string, method = 'GET') => new Request(`http://localhost${path}`, { method });

function open() {
  const registry = new Registry();
  const observe = createTraffic(registry, 'test_', () => ROUTES.map((path) => ({ path })));
  const lines = async () => (await registry.metrics()).split('\n').filter((line) => line.startsWith('test_'));
  return { observe, lines };
}

describe('requests are counted', () => {
  test.each([
    ['/', '/'],
    ['/?code=1', '/'],
    ['/api/currency', '/api/currency'],
    ['/api/currency/', '/api/currency'],
    ['/api/currency/BTC', '/api/currency/:symbol'],
    ['/api/currency/BTC?x=/', '/api/currency/:symbol'],
    ['/api/currency/BTC/history', '/api/currency/:symbol/history'],
    ['/proxy/default/api/any/thing', '/proxy/:name/*'],
    ['/api/currency/BTC/history/more', 'none'],
    ['/.env', 'none'],
  ])('%s as %s', async (path, route) => {
    const { observe, lines } = open();
    observe(asked(path), 200, 1);
    expect(await lines()).toContain(`test_http_requests_total{route="${route}",method="GET",status="200"} 1`);
  });

  test('by method and status; methods that nobody knows are one', async () => {
    const { observe, lines } = open();
    observe(asked('/', 'POST'), 201, 1);
    observe(asked('/', 'POST'), 422, 1);
    observe(asked('/', 'POST'), 422, 1);
    observe(asked('/', 'PROPFIND'), 405, 1);
    observe(asked('/', 'REPORT'), 405, 1);
    const counted = (await lines()).filter((line) => line.includes('requests_total'));
    expect(counted).toEqual([
      'test_http_requests_total{route="/",method="POST",status="201"} 1',
      'test_http_requests_total{route="/",method="POST",status="422"} 2',
      'test_http_requests_total{route="/",method="other",status="405"} 2',
    ]);
  });

  test('by how long they took, in seconds, each bound with all below it', async () => {
    const { observe, lines } = open();
    for (const ms of [0.125, 0.5, 0.75, 30, 20_000]) observe(asked('/'), 200, ms);
    const text = (await lines()).filter((line) => line.includes('duration'));
    const within = (bound: string) => text.find((line) => line.includes(`le="${bound}"`))?.split(' ')[1];
    expect(['0.0005', '0.001', '0.025', '0.05', '10', '+Inf'].map(within)).toEqual(['2', '3', '3', '4', '4', '5']);
    expect(text).toContain('test_http_request_duration_seconds_count{route="/",method="GET"} 5');
    expect(text.find((line) => line.includes('_sum'))).toBe(
      'test_http_request_duration_seconds_sum{route="/",method="GET"} 20.031375',
    );
  });

  test('in a bounded number of series, whatever is asked for', async () => {
    const { observe, lines } = open();
    for (let at = 0; at < 10_000; at++) observe(asked(`/api/currency/${at}?a=${at}`, `M${at % 300}`), 200, 1);
    for (let at = 0; at < 10_000; at++) observe(asked(`/${at}`), 404, 1);
    expect((await lines()).length).toBeLessThan(60);
  });
});
