import { describe, expect, test } from 'bun:test';
import { captureLog } from '../testing';
import { createErrorRule, type Failure } from './errors';
import { Problem } from './problem';

const { log, logged } = captureLog('kit');
const routes = [
  { method: 'GET', path: '/things/' },
  { method: 'GET', path: '/things/:name' },
  { method: 'DELETE', path: '/things/:name' },
  { method: 'GET', path: '/a.b' },
];
const rule = createErrorRule({ log, routes: () => routes, known: () => null });
const answerTo = (failure: Partial<Failure>, path = '/', init: RequestInit = {}): Response =>
  rule({ code: 'UNKNOWN', error: new Error('x'), request: new Request(`http://localhost${path}`, init), ...failure });

describe('the error rule', () => {
  test('a Problem is answered as it is, also when a parser of bodies threw it', async () => {
    const problem = new Problem(418, 'Teapot', 'Short and stout.', { 'x-more': 'yes' }, { errors: [] });
    for (const error of [problem, new Error('wrapped', { cause: problem })]) {
      const answer = answerTo({ error, code: 'PARSE' });
      expect([answer.status, answer.headers.get('x-more')]).toEqual([418, 'yes']);
      expect(await answer.json()).toEqual({
        type: 'about:blank',
        title: 'Teapot',
        status: 418,
        detail: 'Short and stout.',
        request_id: '',
        errors: [],
      });
    }
  });

  test.each([
    ['/things', 'POST', 405, 'GET, HEAD'],
    ['/things/', 'POST', 405, 'GET, HEAD'],
    ['/things/one', 'PUT', 405, 'DELETE, GET, HEAD'],
    ['/things/one/', 'PUT', 405, 'DELETE, GET, HEAD'],
    ['/things/one/two', 'GET', 404, null],
    ['/a.b', 'POST', 405, 'GET, HEAD'],
    ['/axb', 'POST', 404, null],
    ['/', 'GET', 404, null],
  ])('%s %s that no route takes is %d', (path, method, status, allow) => {
    const answer = answerTo({ code: 'NOT_FOUND' }, path, { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([status, allow]);
  });

  test('anything else is a plain 500 and one line in the log', async () => {
    for (const error of [new TypeError('hush'), 'hush', null, { message: 'hush' }]) {
      logged.length = 0;
      const answer = answerTo({ error });
      expect(answer.status).toBe(500);
      expect(await answer.text()).not.toContain('hush');
      expect(logged.length).toBe(1);
    }
  });

  test('an answer that fails its own schema is ours, not the fault of the caller', () => {
    const error = Object.assign(new Error('{"found":"hush"}'), { type: 'response', all: [] });
    expect(answerTo({ code: 'VALIDATION', error }).status).toBe(500);
    const ofCaller = Object.assign(new Error(''), { type: 'body', all: [{ path: '/a', message: 'hush' }] });
    expect(answerTo({ code: 'VALIDATION', error: ofCaller }).status).toBe(422);
  });

  test('a caller who left is no error', () => {
    logged.length = 0;
    answerTo({ error: new DOMException('closed', 'AbortError') }, '/', { signal: AbortSignal.abort() });
    expect(logged.filter((line) => line.includes('"error"'))).toEqual([]);
  });
});
