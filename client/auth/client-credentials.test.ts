import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { countingBytes, noDeadline, START_MS, thrown } from '../testing/world';
import { createAssertions } from './assertion';
import { basic, tokenRequest } from './authentication';
import {
  ASSUMED_LIFE_MS,
  type ClientCredentialsDeps,
  clientCredentials,
  judgeTokenAnswer,
  LIFE_MAX_MS,
} from './client-credentials';
import { makeSigningKey } from './keys';
import { createServerTime } from './server-time';
import { TokenError } from './token';

const URL_OF_TOKENS = 'http://localhost:1/token';
const CREDENTIAL = { kind: 'secret', clientId: 'my-machine', clientSecret: 'p:ss w%rd+ü&=' } as const;
const ALL = { scope: null, resource: null };

const request = (style: 'basic' | 'post' | 'json') =>
  tokenRequest({ url: URL_OF_TOKENS, style, registration: null }, CREDENTIAL, ALL, noDeadline());

describe('the request', () => {
  test('client_secret_basic: a form with the grant type alone, the pair in the header', async () => {
    const sent = request('basic');
    expect(sent.method).toBe('POST');
    expect(sent.headers.get('content-type')).toBe('application/x-www-form-urlencoded');
    expect(await sent.text()).toBe('grant_type=client_credentials');
    expect(sent.headers.get('authorization')).toBe(`Basic ${btoa('my-machine:p%3Ass+w%25rd%2B%C3%BC%26%3D')}`);
  });

  test('client_secret_post: the pair in the form, no header', async () => {
    const sent = request('post');
    expect(sent.headers.has('authorization')).toBe(false);
    expect(Object.fromEntries(new URLSearchParams(await sent.text()))).toEqual({
      grant_type: 'client_credentials',
      client_id: CREDENTIAL.clientId,
      client_secret: CREDENTIAL.clientSecret,
    });
  });

  test('without metadata: the short JSON form', async () => {
    const sent = request('json');
    expect(sent.headers.get('content-type')).toBe('application/json');
    expect(await sent.json()).toEqual({ client_id: CREDENTIAL.clientId, client_secret: CREDENTIAL.clientSecret });
  });

  test('an assertion: in the form, whatever the endpoint does with secrets', async () => {
    const who = { kind: 'assertion', clientId: 'me', assertion: 'a.b.c' } as const;
    for (const style of ['basic', 'post', 'keys'] as const) {
      const sent = tokenRequest({ url: URL_OF_TOKENS, style, registration: null }, who, ALL, noDeadline());
      expect(sent.headers.has('authorization')).toBe(false);
      expect(Object.fromEntries(new URLSearchParams(await sent.text()))).toEqual({
        grant_type: 'client_credentials',
        client_id: 'me',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: 'a.b.c',
      });
    }
  });

  test.each([
    ['a secret', 'where keys alone are taken', CREDENTIAL, 'keys'],
    ['an assertion', 'without metadata', { kind: 'assertion', clientId: 'me', assertion: 'a.b.c' }, 'json'],
  ] as const)('%s is not sent %s', (_, __, who, style) => {
    expect(() => tokenRequest({ url: URL_OF_TOKENS, style, registration: null }, who, ALL, noDeadline())).toThrow(
      TokenError,
    );
  });

  test.each(['basic', 'post', 'json'] as const)('scope and resource go along (%p)', async (style) => {
    const asked = { scope: 'a b', resource: 'https://r.example' };
    const text = await tokenRequest(
      { url: URL_OF_TOKENS, style, registration: null },
      CREDENTIAL,
      asked,
      noDeadline(),
    ).text();
    const sent = style === 'json' ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
    expect(sent).toMatchObject(asked);
  });

  test('a redirect is not followed: it would carry the secret elsewhere', () => {
    expect(request('post').redirect).toBe('manual');
  });

  test('whatever id and secret are, splitting at the first colon and form-decoding gives them back', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(text, text, (clientId, clientSecret) => {
        const pair = Buffer.from(basic({ clientId, clientSecret }).slice('Basic '.length), 'base64').toString('utf8');
        const colon = pair.indexOf(':');
        const decode = (part: string) => decodeURIComponent(part.replaceAll('+', ' '));
        expect(decode(pair.slice(0, colon))).toBe(clientId);
        expect(decode(pair.slice(colon + 1))).toBe(clientSecret);
      }),
    );
  });
});

const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
const NOW_S = START_MS / 1000;
const judge = (body: unknown, init?: ResponseInit) =>
  judgeTokenAnswer(typeof body === 'string' ? new Response(body, init) : Response.json(body, init), START_MS);

describe('a grant', () => {
  const lifeOf = async (body: object) => {
    const outcome = await judge(body);
    if (outcome.kind !== 'granted') throw new Error(outcome.kind);
    return outcome.token.expiresAtMs - outcome.token.obtainedAtMs;
  };

  test.each([
    ['expires_in in seconds', { access_token: 'a', token_type: 'Bearer', expires_in: 7200 }, 7_200_000],
    ['token_type in lower case', { access_token: 'a', token_type: 'bearer', expires_in: 60 }, 60_000],
    ['token_type in upper case', { access_token: 'a', token_type: 'BEARER', expires_in: 60 }, 60_000],
    ['expires_in as text', { access_token: 'a', token_type: 'Bearer', expires_in: '60' }, 60_000],
    ['no expires_in: exp of the token', { access_token: jwt({ exp: NOW_S + 90 }), token_type: 'bearer' }, 90_000],
    [
      'exp against iat, when the clocks differ',
      { access_token: jwt({ iat: NOW_S - 5000, exp: NOW_S - 5000 + 90 }), token_type: 'bearer' },
      90_000,
    ],
    [
      'expires_in that makes no sense: exp',
      { access_token: jwt({ exp: NOW_S + 90 }), token_type: 'bearer', expires_in: -1 },
      90_000,
    ],
    ['an opaque token without an end', { access_token: 'opaque', token_type: 'bearer' }, ASSUMED_LIFE_MS],
    ['a token with a broken payload', { access_token: 'a.%%%.c', token_type: 'bearer' }, ASSUMED_LIFE_MS],
    [
      'a token that ended before it began',
      { access_token: jwt({ iat: NOW_S, exp: NOW_S - 1 }), token_type: 'bearer' },
      0,
    ],
    [
      'exp that is over already: the clock here is wrong, not the token',
      { access_token: jwt({ exp: NOW_S - 1 }), token_type: 'bearer' },
      ASSUMED_LIFE_MS,
    ],
    ['expires_in beyond all times', { access_token: 'a', token_type: 'Bearer', expires_in: 1e300 }, LIFE_MAX_MS],
    ['exp beyond all times', { access_token: jwt({ exp: 1e300 }), token_type: 'bearer' }, LIFE_MAX_MS],
  ])('%s', async (_, body, expected) => {
    expect(await lifeOf(body)).toBe(expected);
  });

  test('carries the scope', async () => {
    const outcome = await judge({ access_token: 'a', token_type: 'Bearer', scope: 'currency:read' });
    expect(outcome.kind === 'granted' && outcome.token.scope).toBe('currency:read');
  });
});

describe('a refusal', () => {
  test.each([
    'invalid_request',
    'invalid_client',
    'invalid_grant',
    'unauthorized_client',
    'unsupported_grant_type',
    'invalid_scope',
  ])('%s is told by its code', async (error) => {
    const outcome = await judge({ error, error_description: 'Because.' }, { status: 400 });
    expect(outcome).toEqual({ kind: 'refused', error, description: 'Because.' } as never);
  });

  test('a 401 of a server from before the standard is invalid_client', async () => {
    const outcome = await judge({ detail: 'Nope' }, { status: 401 });
    expect(outcome).toEqual({ kind: 'refused', error: 'invalid_client', description: 'Nope' });
  });

  test.each([404, 405, 408, 418])(
    '%p without a code is no refusal, and another server may do better',
    async (status) => {
      const outcome = await judge('<h1>no such page</h1>', { status });
      expect(outcome).toEqual({ kind: 'malformed', detail: `the token endpoint answers with status ${status}` });
    },
  );

  test.each([400, 403, 422])('%p without a code is one all the same', async (status) => {
    const outcome = await judge({ detail: 'Nope' }, { status });
    expect(outcome).toEqual({ kind: 'refused', error: 'invalid_request', description: 'Nope' });
  });

  test('what the server says is cut to one line without controls', async () => {
    const outcome = await judge(
      { error: 'invalid_scope', error_description: `a\u001b[2J\nb${'c'.repeat(999)}` },
      { status: 400 },
    );
    expect(outcome.kind === 'refused' && outcome.description).toMatch(/^a \[2J bc+$/);
    expect(outcome.kind === 'refused' && outcome.description?.length).toBe(200);
  });
});

describe('what the server says', () => {
  test('is not repeated when it holds the secret that was shown', async () => {
    const said = `wrong secret ${CREDENTIAL.clientSecret} for this client`;
    const body = { error: 'invalid_scope', error_description: said };
    const outcome = await judgeTokenAnswer(
      Response.json(body, { status: 400 }),
      START_MS,
      false,
      CREDENTIAL.clientSecret,
    );
    expect(outcome).toEqual({ kind: 'refused', error: 'invalid_scope', description: null });
  });
});

describe('trouble that passes', () => {
  test.each([
    [503, '120', 120_000],
    [503, 'Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    [429, '7', 7_000],
    [500, null, null],
    [502, 'nonsense', null],
  ])('status %p with Retry-After %p', async (status, retryAfter, retryAfterMs) => {
    const outcome = await judge('', { status, headers: retryAfter === null ? {} : { 'retry-after': retryAfter } });
    expect(outcome).toEqual({ kind: 'busy', status, retryAfterMs });
  });
});

describe('an answer that breaks off', () => {
  test.each([
    ['with its connection', new Error('gone'), 'broke off'],
    ['at the deadline', new DOMException('late', 'TimeoutError'), 'in time'],
  ])('%s is no answer', async (_, error, detail) => {
    const body = async function* () {
      yield Buffer.from('{"access_token":"a",');
      throw error;
    };
    const { trouble } = await thrown(judgeTokenAnswer(new Response(body()), START_MS), TokenError);
    expect(trouble).toEqual({ kind: 'unreachable', detail: expect.stringContaining(detail) });
  });
});

describe('an answer that makes no sense', () => {
  test.each([
    ['a page', '<html>', {}],
    ['a list', '[]', {}],
    ['no token', '{"token_type":"Bearer"}', {}],
    ['a token with a line break', '{"access_token":"a\\nb","token_type":"Bearer"}', {}],
    ['no type', '{"access_token":"a"}', {}],
    ['a token bound to a key', '{"access_token":"a","token_type":"DPoP"}', {}],
    ['a redirect', '', { status: 302, headers: { location: 'http://evil.example' } }],
    ['no content', null, { status: 204 }],
    ['a megabyte', `{"access_token":"${'a'.repeat(1_000_000)}","token_type":"Bearer"}`, {}],
  ])('%s', async (_, body, init) => {
    const outcome = await judgeTokenAnswer(new Response(body, init), START_MS);
    expect(outcome.kind).toBe('malformed');
  });
});

describe('the source', () => {
  const source = (fetch: (request: Request) => Promise<Response>, more: Partial<ClientCredentialsDeps> = {}) =>
    clientCredentials({
      servers: {
        issuer: 'http://localhost:1',
        run: (work) =>
          work(
            {
              url: 'http://localhost:1',
              endpoint: async () => ({ url: URL_OF_TOKENS, style: 'basic', registration: null }),
            },
            noDeadline(),
          ),
      },
      proofs: () => [{ authenticate: async () => CREDENTIAL, worked: () => {} }],
      asked: ALL,
      prover: null,
      time: createServerTime({ now: () => START_MS }),
      fetch,
      clock: { now: () => START_MS },
      ...more,
    });

  test('no connection is unreachable', async () => {
    const refused = Object.assign(new TypeError('x'), { code: 'ECONNREFUSED' });
    const { trouble, message } = await thrown(source(() => Promise.reject(refused)).token(), TokenError);
    expect(trouble.kind).toBe('unreachable');
    expect(message).toContain('ECONNREFUSED');
  });

  /** A server whose clock is so far ahead, and that takes no assertion from before. */
  const strict =
    (aheadMs: number, seen: number[], mends = true) =>
    async (request: Request) => {
      const [, payload = ''] = new URLSearchParams(await request.text()).get('client_assertion')?.split('.') ?? [];
      const { iat } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
      seen.push(iat * 1000 - START_MS);
      const headers = { date: new Date(START_MS + aheadMs).toUTCString() };
      const isGood = mends && Math.abs(iat * 1000 - START_MS - aheadMs) < 10_000;
      return isGood
        ? Response.json({ access_token: 'a', token_type: 'Bearer' }, { headers })
        : Response.json({ error: 'invalid_client' }, { status: 401, headers });
    };
  const asserting = (fetch: (request: Request) => Promise<Response>) => {
    const time = createServerTime({ now: () => START_MS });
    const assertions = createAssertions({ key: makeSigningKey(), clock: time, randomBytes: countingBytes() });
    const authenticate = async (issuer: string) =>
      ({ kind: 'assertion', clientId: 'me', assertion: await assertions('me', issuer) }) as const;
    return source(fetch, { time, proofs: () => [{ authenticate, worked: () => {} }] });
  };

  test('what is dated by a clock that is wrong is dated anew by that of the server, and so from then on', async () => {
    const seen: number[] = [];
    const tokens = asserting(strict(3_600_000, seen));
    await tokens.token();
    await tokens.token();
    expect(seen).toEqual([0, 3_600_000, 3_600_000]);
  });

  test('a refusal that the time does not mend is one, and the time stays what it was', async () => {
    const seen: number[] = [];
    const tokens = asserting(strict(3_600_000, seen, false));
    for (const _ of [1, 2]) await thrown(tokens.token(), TokenError);
    expect(seen).toEqual([0, 3_600_000, 0, 3_600_000]);
  });

  test('a refusal by a server of the same time is no reason to ask again', async () => {
    const seen: number[] = [];
    await thrown(asserting(strict(2_000, seen, false)).token(), TokenError);
    expect(seen).toEqual([0]);
  });

  test('no error holds the secret', async () => {
    const echo = source(async (request) => new Response(await request.text(), { status: 400 }));
    const error = await thrown(echo.token(), TokenError);
    expect(Bun.inspect(error)).not.toContain(CREDENTIAL.clientSecret);
  });
});
