import { beforeEach, describe, expect, test } from 'bun:test';
import type { Route } from '../servers/failover';
import { authorizedFetch, isTokenRejected, type Tokens } from './authorized-fetch';
import type { AccessToken } from './token';

const token = (value: string): AccessToken => ({
  value,
  type: 'Bearer',
  obtainedAtMs: 0,
  expiresAtMs: 1,
  scope: null,
});
const challenge = (text: string, status = 401) => new Response('no', { status, headers: { 'www-authenticate': text } });
/** Tokens that are bound to nothing. */
const PLAIN: Pick<Tokens, 'authorize' | 'heard'> = {
  authorize: async (headers, _, { value }) => headers.set('authorization', `Bearer ${value}`),
  heard: () => false,
};
const INVALID = 'Bearer realm="x", error="invalid_token"';

let renewals: string[];
let seen: { authorization: string | null; body: string }[];
let renewedTo: string;

beforeEach(() => {
  renewals = [];
  seen = [];
  renewedTo = 'fresh';
});

const direct: Route = (request, send) => send(request.clone() as Request);

/** Calls with the token `old` against these answers, one after the other. */
function call(answers: Response[], init?: RequestInit): Promise<Response> {
  const inner = async (request: Request) => {
    seen.push({ authorization: request.headers.get('authorization'), body: await request.text() });
    return answers[seen.length - 1] ?? new Response('unexpected', { status: 599 });
  };
  const renew = async (rejected: string) => {
    renewals.push(rejected);
    return token(renewedTo);
  };
  const fetch = authorizedFetch(inner, { ...PLAIN, token: async () => token('old'), renew }, direct);
  return fetch(new Request('http://localhost/x', init));
}

test('adds the token', async () => {
  expect((await call([new Response('ok')])).status).toBe(200);
  expect(seen).toEqual([{ authorization: 'Bearer old', body: '' }]);
});

test('leaves the request of the caller as it was', async () => {
  const request = new Request('http://localhost/x', { method: 'POST', body: 'data' });
  const tokens = { ...PLAIN, token: async () => token('old'), renew: async () => token('x') };
  const fetch = authorizedFetch(async () => new Response(), tokens, direct);
  await fetch(request);
  expect(request.headers.has('authorization')).toBe(false);
  expect(await request.text()).toBe('data');
});

describe('a token that is not taken', () => {
  test('is renewed once and the request repeated with its body', async () => {
    const response = await call([challenge(INVALID), new Response('ok')], { method: 'POST', body: 'data' });
    expect(await response.text()).toBe('ok');
    expect(renewals).toEqual(['old']);
    expect(seen).toEqual([
      { authorization: 'Bearer old', body: 'data' },
      { authorization: 'Bearer fresh', body: 'data' },
    ]);
  });

  test('twice is the answer: the request is not repeated again', async () => {
    const response = await call([challenge(INVALID), challenge(INVALID)]);
    expect(response.status).toBe(401);
    expect(renewals).toEqual(['old']);
    expect(seen).toHaveLength(2);
  });

  test('and was renewed a moment ago: the first answer stands, with its body', async () => {
    renewedTo = 'old';
    const response = await call([challenge(INVALID)]);
    expect(response.status).toBe(401);
    expect(await response.text()).toBe('no');
    expect(seen).toHaveLength(1);
  });
});

describe('no renewal', () => {
  test.each([
    ['insufficient_scope', challenge('Bearer error="insufficient_scope", scope="admin"', 403)],
    ['insufficient_scope as 401', challenge('Bearer error="insufficient_scope"')],
    ['invalid_request', challenge('Bearer error="invalid_request"')],
    ['403 with invalid_token', challenge(INVALID, 403)],
    ['500', new Response(null, { status: 500 })],
  ])('on %s', async (_, answer) => {
    await call([answer]);
    expect(renewals).toEqual([]);
    expect(seen).toHaveLength(1);
  });
});

describe('the challenge', () => {
  test.each([
    [INVALID, true],
    ['Bearer error=invalid_token', true],
    ['bearer realm="a, b", Error="invalid_token", error_description="expired"', true],
    ['Basic realm="x", Bearer error="invalid_token"', true],
    ['Bearer', true],
    ['Bearer realm="x", resource_metadata="https://a/b?c=d"', true],
    ['Bearer error_description="error=\\"invalid_token\\"", error="insufficient_scope"', false],
    ['Bearer realm="error=invalid_token", error="invalid_request"', false],
  ])('%p: %p', (text, rejected) => {
    expect(isTokenRejected(challenge(text))).toBe(rejected);
  });

  test('none at all, as older servers do: the token', () => {
    expect(isTokenRejected(new Response(null, { status: 401 }))).toBe(true);
  });
});
