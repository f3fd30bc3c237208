// Traces at a collector: OTLP over HTTP, as JSON.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { captureLog } from '../../kit/testing';
import { waitFor } from '../testing';
import { startServerProcess, temporaryFolder } from '../testing-process';
import { openSpans } from './spans';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const AT = 1_767_225_600_000;

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly unknown[] };
    readonly scopeSpans: readonly { readonly spans: readonly Record<string, unknown>[] }[];
  }[];
}

let collected: Sent[];
let paths: string[];
let collector: Bun.Server<undefined>;
let hold: () => Promise<void>;
beforeEach(() => {
  [collected, paths, hold] = [[], [], async () => {}];
  collector = Bun.serve({
    port: 0,
    async fetch(request) {
      await hold();
      paths.push(`${request.method} ${new URL(request.url).pathname}`);
      collected.push((await request.json()) as Sent);
      return Response.json({});
    },
  });
});
afterEach(() => collector.stop(true));

const spans = () =>
  collected.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((one) => one.spans)),
  );
const asked = (headers = {}) => new Request('http://localhost/api/currency/BTC?access_token=hush', { headers });
const open = (endpoint = collector.url.origin) => {
  const { log, logged } = captureLog('spans');
  return { ...openSpans({ endpoint, version: '1.2.3', now: () => AT, log }), logged };
};

describe('a span', () => {
  test('has the route, the status and how long it took, and nothing of the query', async () => {
    const { answered, close } = open();
    answered(asked(), { route: '/api/currency/:symbol', status: 503, ms: 5 });
    await close();
    expect(paths).toEqual(['POST /v1/traces']);
    expect(spans()).toMatchObject([
      {
        name: 'GET /api/currency/:symbol',
        kind: 2,
        startTimeUnixNano: `${AT - 5}000000`,
        endTimeUnixNano: `${AT}000000`,
        status: { code: 2 },
      },
    ]);
    const said = JSON.stringify(collected);
    expect(said).toContain('{"key":"service.name","value":{"stringValue":"crypto-server"}}');
    expect(said).not.toContain('hush');
  });

  test('belongs to the span of the caller', async () => {
    const { answered, close } = open();
    answered(asked({ traceparent: `00-${TRACE}-b7ad6b7169203331-01` }), { route: '/', status: 200, ms: 1 });
    await close();
    expect(spans()).toMatchObject([{ traceId: TRACE, parentSpanId: 'b7ad6b7169203331' }]);
  });

  test('is not made where the caller records none', async () => {
    const { answered, close } = open();
    answered(asked({ traceparent: `00-${TRACE}-b7ad6b7169203331-00` }), { route: '/', status: 200, ms: 1 });
    await close();
    expect(spans()).toEqual([]);
  });

  test('that finds no place while the collector is slow is dropped, and the log says how many were', async () => {
    const held = Promise.withResolvers<void>();
    hold = () => held.promise;
    const { answered, close, logged } = open();
    const answer = () => answered(asked(), { route: '/', status: 200, ms: 1 });
    // One batch of 512 is under way, 2,048 wait.
    for (let count = 0; count < 512 + 2_048 + 7; count++) answer();
    held.resolve();
    await waitFor(() => collected.length > 1, 'the first batches to be taken');
    answer();
    await close();
    expect(logged.join()).toContain('Dropped 7 spans');
  });

  test('that cannot be sent is told once, and harms nobody', async () => {
    const { answered, close, logged } = open('http://127.0.0.1:1');
    answered(asked(), { route: '/', status: 200, ms: 1 });
    await close();
    expect(logged.filter((line) => line.includes('traces could not be sent'))).toHaveLength(1);
  });
});

test('a server sends them when it is told where to', async () => {
  const folder = temporaryFolder();
  const server = await startServerProcess({
    DATA_DIR: join(folder.path, 'data'),
    PORT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.href,
  });
  try {
    await fetch(`${server.url}/health`, { headers: { traceparent: `00-${TRACE}-b7ad6b7169203331-01` } });
    server.signal('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(spans()).toContainEqual(expect.objectContaining({ name: 'GET /health', traceId: TRACE }));
  } finally {
    server.signal('SIGKILL');
    folder.remove();
  }
});
