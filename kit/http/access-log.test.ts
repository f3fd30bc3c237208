// Which requests are written to the log, and with what.
import { describe, expect, test } from 'bun:test';
import { captureLog } from '../testing';
import { type AccessLog, accessLogOf, createAccessLog } from './access-log';
import { setRequestId } from './request-id';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

function written(accessLog: AccessLog, answers: readonly (readonly [status: number, ms: number])[], headers = {}) {
  const { log, logged } = captureLog('access');
  const write = createAccessLog({ accessLog, log, sourceOf: ({ headers }) => headers.get('x-test-source') });
  for (const [status, ms] of answers) {
    const request = new Request('http://localhost/api/currency/?access_token=hush', { headers });
    setRequestId(request, 'the-request');
    write(request, status, ms);
  }
  return logged.map((line) => JSON.parse(line));
}

describe('the access log', () => {
  test('is whole at debug, a sample at info, and nothing above', () => {
    expect(accessLogOf('debug')).toBe('all');
    expect(accessLogOf('info')).toBe('sampled');
    for (const level of ['warn', 'error', 'silent'] as const) expect(accessLogOf(level)).toBe('none');
  });

  test('says in ECS names what was asked, how it went and how long it took, never the query', () => {
    const [record] = written('all', [[200, 1.5]], {
      traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
      'x-test-source': '192.0.2.7',
    });
    expect(record).toMatchObject({
      message: 'request',
      'log.level': 'debug',
      'http.request.id': 'the-request',
      'http.request.method': 'GET',
      'url.path': '/api/currency/',
      'http.response.status_code': 200,
      'event.duration': 1_500_000,
      'trace.id': TRACE,
      'source.ip': '192.0.2.7',
    });
    expect(JSON.stringify(record)).not.toContain('hush');
  });

  test('as a sample has every failure of ours and every slow request, and one in a thousand of the rest', () => {
    const records = written('sampled', [[500, 1], [503, 1], [200, 1_000], [401, 1], ...Array(2_500).fill([200, 1])]);
    expect(records.map((record) => [record['http.response.status_code'], record['labels.sample']])).toEqual([
      [500, undefined],
      [503, undefined],
      [200, undefined],
      [200, 1_000],
      [200, 1_000],
    ]);
  });

  test('has nothing where it is off', () => expect(written('none', [[500, 5_000]])).toEqual([]));

  test.each([
    ['another version, with more behind', `01-${TRACE}-b7ad6b7169203331-01-more`, TRACE],
    ['version ff', `ff-${TRACE}-b7ad6b7169203331-01`, undefined],
    ['a trace of zeros', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
    ['version 00 with something behind', `00-${TRACE}-b7ad6b7169203331-01-x`, undefined],
    ['capitals', `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`, undefined],
    ['something else', 'x', undefined],
  ])('takes a trace from traceparent: %s (W3C Trace Context §3.2)', (_, traceparent, expected) => {
    expect(written('all', [[200, 1]], { traceparent })[0]['trace.id']).toBe(expected);
  });
});
