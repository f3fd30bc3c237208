// Calls of the client as parts of a trace.
import { describe, expect, test } from 'bun:test';
import { captureLog } from '../kit/testing';
import { traced } from './traced';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

function open(answer: () => Promise<Response> = async () => new Response()) {
  const { log, logged } = captureLog('client');
  const sent: Request[] = [];
  let byte = 0;
  let elapsedMs = 0;
  const fetch = traced({
    fetch: (request) => {
      sent.push(request);
      elapsedMs += 5;
      return answer();
    },
    randomBytes: (length) => new Uint8Array(length).fill(++byte),
    clock: { elapsed: () => elapsedMs },
    log,
  });
  return { fetch, sent, records: () => logged.map((line) => JSON.parse(line)) };
}

describe('a call to a server', () => {
  test('begins a trace and has a request id; both are told, without the query', async () => {
    const { fetch, sent, records } = open();
    await fetch(new Request('https://a.example:8000/api/currency/?secret=hush'));
    expect(sent[0]?.headers.get('traceparent')).toBe(`00-${'01'.repeat(16)}-${'02'.repeat(8)}-00`);
    expect(sent[0]?.headers.get('x-request-id')).toBe('02'.repeat(8));
    expect(records()).toMatchObject([
      {
        message: 'called',
        'trace.id': '01'.repeat(16),
        'http.request.id': '02'.repeat(8),
        'url.domain': 'a.example:8000',
        'url.path': '/api/currency/',
        'http.response.status_code': 200,
        'event.duration': 5_000_000,
      },
    ]);
    expect(JSON.stringify(records())).not.toContain('hush');
  });

  test('goes on with the trace of a local program, as another span, and keeps its request id', async () => {
    const { fetch, sent } = open();
    const headers = { traceparent: `00-${TRACE}-b7ad6b7169203331-01`, 'x-request-id': 'the-program-s-own' };
    await fetch(new Request('https://a.example/', { headers }));
    expect(sent[0]?.headers.get('traceparent')).toBe(`00-${TRACE}-${'01'.repeat(8)}-01`);
    expect(sent[0]?.headers.get('x-request-id')).toBe('the-program-s-own');
  });

  test('begins another one where what was sent is none (W3C Trace Context §3.2.2.4)', async () => {
    const { fetch, sent } = open();
    await fetch(new Request('https://a.example/', { headers: { traceparent: 'nonsense' } }));
    expect(sent[0]?.headers.get('traceparent')).toMatch(/^00-0101/);
  });

  test('that has no answer is told too, and fails as it does', async () => {
    const { fetch, records } = open(() => Promise.reject(new Error('no way there')));
    await expect(fetch(new Request('https://a.example/'))).rejects.toThrow('no way there');
    expect(records()).toMatchObject([{ 'error.message': 'no way there', 'trace.id': '01'.repeat(16) }]);
  });
});
