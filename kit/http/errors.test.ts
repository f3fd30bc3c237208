import { describe, expect, test } from 'bun:test';
import { Elysia, t, ValidationError } from 'elysia';
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
    const of = (part: string) => new ValidationError(part, t.Object({ a: t.Literal('b') }), { a: 'hush' });
    expect(answerTo({ code: 'VALIDATION', error: of('response') }).status).toBe(500);
    expect(answerTo({ code: 'VALIDATION', error: of('body') }).status).toBe(422);
  });

  test('a caller who left is no error', () => {
    logged.length = 0;
    answerTo({ error: new DOMException('closed', 'AbortError') }, '/', { signal: AbortSignal.abort() });
    expect(logged.filter((line) => line.includes('"error"'))).toEqual([]);
  });
});

describe('a request that does not follow its schema', () => {
  const name = t.String({ maxLength: 3, error: 'must be a short text' });
  const kind = t.UnionEnum(['a', 'b'], { default: undefined, error: 'must be a or b' });
  const body = t.Object(
    {
      name: t.Optional(name),
      names: t.Optional(t.Array(name)),
      subject: t.Optional(t.Union([t.Object({ kind, name }, { additionalProperties: false }), t.Null()])),
      limit: t.Optional(t.Union([name, t.Null()])),
    },
    { additionalProperties: false, error: 'must be an object' },
  );
  const query = t.Object({ limit: t.Optional(t.Integer({ minimum: 1, error: 'must be a number from 1' })) });
  const app = new Elysia({ normalize: false })
    .onError(rule)
    .post('/', () => 'ok', { body })
    .get('/', () => 'ok', { query: t.Object(query.properties, { additionalProperties: false }) })
    .get('/of/:id', () => 'ok', { params: t.Object({ id: t.Integer({ error: 'must be a number' }) }) });
  const ask = async (path: string, sent?: unknown) => {
    const headers = { 'content-type': 'application/json' };
    const init = sent === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(sent) };
    const answer = await app.handle(new Request(`http://localhost${path}`, init));
    const { detail, errors } = (await answer.json()) as { detail: string; errors: unknown };
    return { status: answer.status, detail, errors };
  };
  const fault = (path: string, detail: string) => ({
    status: 422,
    detail: `${path.slice(1)} ${detail}`,
    errors: [{ path, detail }],
  });

  test.each([
    ['a text', { name: 'long' }, fault('/name', 'must be a short text')],
    ['a value that cannot be made a text', { name: { toString: 1 } }, fault('/name', 'must be a short text')],
    ['the same in a list', { names: ['a', { toString: 'x' }] }, fault('/names/1', 'must be a short text')],
    ['a member of a choice', { subject: { kind: 'c', name: 'a' } }, fault('/subject/kind', 'must be a or b')],
    ['another member of it', { subject: { kind: 'a', name: 7 } }, fault('/subject/name', 'must be a short text')],
    ['a choice as a whole', { limit: 7 }, fault('/limit', 'must be a short text')],
    [
      'a member too many, without its name',
      { subject: { kind: 'a', name: 'b', hush: 'hush' } },
      fault('/subject', 'has a member that is not known'),
    ],
  ])('names %s', async (_name, sent, expected) => {
    expect(await ask('/', sent)).toEqual(expected);
  });

  test('says in which part of it', async () => {
    expect((await ask('/', 'text')).detail).toBe('The body must be an object');
    expect((await ask('/?hush=1')).detail).toBe('The query has a member that is not known');
    expect(await ask('/?limit=x')).toEqual(fault('/limit', 'must be a number from 1'));
    expect((await ask('/?limit=0')).detail).toBe('A parameter must be a number from 1');
    expect(await ask('/of/x')).toEqual(fault('/id', 'must be a number'));
  });
});
