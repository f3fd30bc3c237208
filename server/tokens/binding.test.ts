// Certificate-bound tokens (RFC 8705 §3) and limits, on services whose surroundings are put in place by hand.
import { expect, test } from 'bun:test';
import { Problem } from '../../kit/http/problem';
import type { Take } from '../../kit/limit';
import { OAuthError } from '../oauth/errors';
import type { AskingAuthenticated, AskingClient, RawRequest } from './asking';
import { createAdmission, createGuard, type GuardOptions } from './guard';
import type { AccessClaims } from './model';
import type { Proofs } from './proofs';
import { createTokens } from './service';

const ISSUER = 'https://issuer.example';
const CLIENT: AskingClient = {
  clientId: 'machine',
  epoch: 0,
  grants: { '/api/currency': ['currency:read'] },
  dpopBound: false,
  certificateBound: true,
  limitToken: null,
};
const RATES = { identifier: '/api/currency', audience: `${ISSUER}/api/currency`, scopes: ['currency:read'] };
const REFUSED: Take<unknown> = () => {
  throw new Problem(429, 'Too Many Requests', 'Wait.', { 'retry-after': '7' });
};
const LEFT = { ratelimit: '"token";r=9;t=1' };
const ALLOWED: Take<unknown> = () => LEFT;
const proofs: Proofs = { check: async () => ({ jkt: 'the-thumbprint', nextNonce: 'next', use: async () => {} }) };

function issue(who: Partial<AskingAuthenticated>, take: Take<unknown> | null = null, dpop: string | null = null) {
  const signed: unknown[] = [];
  const tokens = createTokens({
    authenticate: async () => ({
      client: CLIENT,
      method: 'client_secret_basic',
      secretId: 1,
      certificateThumbprint: null,
      ...who,
    }),
    issued: () => {},
    refused: () => {},
    keyring: { sign: async (payload) => `token-${signed.push(payload)}` },
    proofs,
    findResource: () => RATES,
    issuer: ISSUER,
    ttlSeconds: 60,
    take,
    now: () => 0,
    newId: () => 'id',
    requireNews: () => {},
  });
  const request: RawRequest = {
    contentType: 'application/x-www-form-urlencoded',
    authorization: null,
    query: '',
    body: 'grant_type=client_credentials',
    certificate: () => null,
    address: () => '127.0.0.1',
    dpop,
    tell: async () => {},
  };
  return { answer: tokens.issue(request), signed };
}

test('a token of a client that is bound to its certificate says which one, beside the key of a proof', async () => {
  const plain = issue({ certificateThumbprint: 'certificate-1' });
  expect(await plain.answer).toMatchObject({ tokenType: 'Bearer', headers: null });
  expect(plain.signed[0]).toMatchObject({ cnf: { 'x5t#S256': 'certificate-1' } });
  const both = issue({ certificateThumbprint: 'certificate-1' }, null, 'proof');
  expect(await both.answer).toMatchObject({ tokenType: 'DPoP', headers: { 'dpop-nonce': 'next' } });
  expect(both.signed[0]).toMatchObject({ cnf: { jkt: 'the-thumbprint', 'x5t#S256': 'certificate-1' } });
});

test('without its certificate such a client gets nothing', async () => {
  const error = await issue({}).answer.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(OAuthError);
  expect(error).toMatchObject({ code: 'invalid_request', reason: 'certificate_missing' });
});

test('a client that is not bound to its certificate gets a token that is not', async () => {
  const { answer, signed } = issue({ client: { ...CLIENT, certificateBound: false }, certificateThumbprint: 'one' });
  await answer;
  expect(signed[0]).not.toHaveProperty('cnf');
});

test('beyond its limit a client gets 429 and no token; within it, the headers that say how much is left', async () => {
  const over = issue({ certificateThumbprint: 'c' }, REFUSED);
  const error = await over.answer.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(Problem);
  expect(error).toMatchObject({ status: 429, headers: { 'retry-after': '7' } });
  expect(over.signed).toEqual([]);
  expect(await issue({ certificateThumbprint: 'c' }, ALLOWED).answer).toMatchObject({ headers: LEFT });
});

const CLAIMS: AccessClaims = {
  clientId: 'machine',
  jti: 'id',
  audience: RATES.audience,
  issuedAt: 0,
  expiresAt: 60,
  scopes: ['currency:read'],
  epoch: 0,
  kid: 'key',
  binding: { jkt: null, certificate: 'certificate-1' },
};

function guardOptions(
  claims: AccessClaims,
  certificate: string | null,
  take: Take<unknown> | null = null,
): GuardOptions {
  // Remembered, as most tokens are that come in.
  const tokens: GuardOptions['tokens'] = {
    recall: () => claims,
    read: async () => claims,
    endOf: () => null,
  };
  return {
    tokens,
    proofs,
    audience: RATES.audience,
    scope: 'currency:read',
    metadataUrl: null,
    certificate: () => certificate,
    take,
    tell: async () => {},
  };
}
const request = new Request(`${ISSUER}/api/currency/`, { headers: { authorization: 'Bearer token' } });
const pass = async (options: GuardOptions): Promise<Response | Problem> =>
  Promise.try(createGuard(options), request, () => new Response('ok')).catch((error: Problem) => error);

test.each([
  ['with its certificate', 'certificate-1', 200],
  ['with another one', 'certificate-2', 401],
  ['without one', null, 401],
])('a token that is bound to a certificate, %s: %p → %p, remembered or not', async (_name, certificate, status) => {
  expect(await pass(guardOptions(CLAIMS, certificate))).toHaveProperty('status', status);
  const admitted = await createAdmission(guardOptions(CLAIMS, certificate))(request);
  expect(admitted).toMatchObject(status === 200 ? { claims: CLAIMS } : { status: 401 });
});

test('beyond the limit of its client a good token is 429, within it the answer says how much is left', async () => {
  const bearer = { ...CLAIMS, binding: null };
  expect(await pass(guardOptions(bearer, null, REFUSED))).toMatchObject({
    status: 429,
    headers: { 'retry-after': '7' },
  });
  const answer = (await pass(guardOptions(bearer, null, ALLOWED))) as Response;
  expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, '"token";r=9;t=1']);
});

test('a token for another audience is refused, remembered or not', async () => {
  const other = { ...CLAIMS, binding: null, audience: 'https://other.example' };
  expect(await pass(guardOptions(other, null))).toMatchObject({ status: 401 });
});
