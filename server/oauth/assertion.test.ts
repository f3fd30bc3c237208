// Client assertions: all that needs no key (RFC 7523 §3), as a table of sentences.
import { expect, test } from 'bun:test';
import { readAssertion } from './assertion';
import { parseCredentials } from './credentials';
import { OAuthError } from './errors';

const NOW = 1_767_225_600;
const ISSUER = 'https://auth.example.com';
const CLAIMS = { iss: 'c', sub: 'c', aud: ISSUER, exp: NOW + 60, iat: NOW, jti: 'one' };
const HEADER = { alg: 'ES256', kid: 'k' };
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object = {}, header: object = {}): string =>
  `${part({ ...HEADER, ...header })}.${part({ ...CLAIMS, ...claims })}.c2lnbmF0dXJl`;
const reasonOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return error instanceof OAuthError ? `${error.code} ${error.reason}` : String(error);
  }
};
const read = (text: string, clientId: string | null = null) =>
  readAssertion(text, { issuer: ISSUER, clientId, nowMs: NOW * 1000 });

test('a good assertion is read', () => {
  expect(read(jwt(), 'c')).toEqual({
    alg: 'ES256',
    kid: 'k',
    clientId: 'c',
    jti: 'one',
    endsAtMs: (NOW + 70) * 1000,
  });
});

test.each([
  ['no client_id parameter', jwt(), null],
  ['typ JWT', jwt({}, { typ: 'JWT' }), null],
  ['typ client-authentication+jwt', jwt({}, { typ: 'client-authentication+jwt' }), null],
  ['no kid', jwt({}, { kid: undefined }), null],
  ['no iat', jwt({ iat: undefined }), null],
  ['five minutes to live', jwt({ exp: NOW + 300 }), null],
  ['a client whose clock is 10 s ahead', jwt({ iat: NOW + 10, nbf: NOW + 10, exp: NOW + 310 }), null],
  ['ended 9 s ago', jwt({ exp: NOW - 9 }), null],
  ...['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'].map((alg): [string, string, null] => [
    alg,
    jwt({}, { alg }),
    null,
  ]),
])('accepted: %s', (_name, text, clientId) => {
  expect(reasonOf(() => read(text, clientId))).toBe('none');
});

test.each([
  ['no JWT', 'x', 'malformed'],
  ['two parts', 'a.b', 'malformed'],
  ['a header that is no JSON', `x.${part(CLAIMS)}.x`, 'malformed'],
  ['claims that are an array', `${part(HEADER)}.${part([])}.x`, 'malformed'],
  ['more than 8192 characters', jwt({ more: 'x'.repeat(8_192) }), 'malformed'],
  ['alg none', jwt({}, { alg: 'none' }), 'alg'],
  ['alg left out', jwt({}, { alg: undefined }), 'alg'],
  ['a MAC', jwt({}, { alg: 'HS256' }), 'alg'],
  ['an algorithm that is not offered', jwt({}, { alg: 'RS512' }), 'alg'],
  ['the typ of an access token', jwt({}, { typ: 'at+jwt' }), 'type'],
  ['the typ of a DPoP proof', jwt({}, { typ: 'dpop+jwt' }), 'type'],
  ['a critical header', jwt({}, { crit: ['b64'], b64: false }), 'critical_header'],
  ['a kid that is a number', jwt({}, { kid: 7 }), 'malformed'],
  ['no sub', jwt({ sub: undefined }), 'issuer'],
  ['no iss', jwt({ iss: undefined }), 'issuer'],
  ['iss of somebody else', jwt({ iss: 'd' }), 'issuer'],
  ['a NUL in sub', jwt({ iss: 'c\u0000', sub: 'c\u0000' }), 'issuer'],
  ['no aud', jwt({ aud: undefined }), 'audience'],
  ['aud of another server', jwt({ aud: 'https://other.example.com' }), 'audience'],
  ['aud with a slash behind it', jwt({ aud: `${ISSUER}/` }), 'audience'],
  ['the token endpoint as aud', jwt({ aud: `${ISSUER}/api/auth/token` }), 'audience'],
  ['the issuer in an array', jwt({ aud: [ISSUER] }), 'audience'],
  ['two audiences', jwt({ aud: [ISSUER, 'https://other.example.com'] }), 'audience'],
  ['no jti', jwt({ jti: undefined }), 'jti_missing'],
  ['an empty jti', jwt({ jti: '' }), 'jti_missing'],
  ['a jti of 257 characters', jwt({ jti: 'x'.repeat(257) }), 'malformed'],
  ['a jti that is a number', jwt({ jti: 7 }), 'malformed'],
  ['no exp', jwt({ exp: undefined }), 'expiry_missing'],
  ['an exp that is a text', jwt({ exp: String(NOW + 60) }), 'expiry_missing'],
  ['ended 10 s ago', jwt({ exp: NOW - 10 }), 'expired'],
  ['more than five minutes to live', jwt({ exp: NOW + 311 }), 'too_long_lived'],
  ['a year to live', jwt({ exp: NOW + 31_536_000 }), 'too_long_lived'],
  ['iat in the future', jwt({ iat: NOW + 11 }), 'not_yet_valid'],
  ['nbf in the future', jwt({ nbf: NOW + 11 }), 'not_yet_valid'],
  ['an iat that is a text', jwt({ iat: 'now' }), 'malformed'],
])('refused: %s', (_name, text, reason) => {
  expect(reasonOf(() => read(text))).toBe(`invalid_client assertion_${reason}`);
});

test('refused: a client_id parameter of somebody else', () => {
  expect(reasonOf(() => read(jwt(), 'd'))).toBe('invalid_client assertion_client_id_differs');
});

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const HEADER_BASIC = `Basic ${Buffer.from('c:s').toString('base64')}`;
test.each([
  ['an assertion', null, { client_assertion_type: TYPE, client_assertion: 'x' }, 'none'],
  ['no type of assertion', null, { client_assertion: 'x' }, 'invalid_request'],
  ['a type without an assertion', null, { client_assertion_type: TYPE }, 'invalid_request'],
  ['another type', null, { client_assertion_type: `${TYPE}2`, client_assertion: 'x' }, 'invalid_client'],
  ['SAML', null, { client_assertion_type: TYPE.replace('jwt', 'saml2'), client_assertion: 'x' }, 'invalid_client'],
  ['an assertion and Basic', HEADER_BASIC, { client_assertion_type: TYPE, client_assertion: 'x' }, 'invalid_request'],
  [
    'an assertion and a secret',
    null,
    { client_assertion_type: TYPE, client_assertion: 'x', client_secret: 's' },
    'invalid_request',
  ],
  ['a secret and Basic', HEADER_BASIC, { client_secret: 's' }, 'invalid_request'],
])('credentials: %s', (_name, authorization, parameters, code) => {
  const given = new Map(Object.entries(parameters).map(([name, value]) => [name, [value]]));
  expect(reasonOf(() => parseCredentials(authorization, given)).split(' ')[0]).toBe(code);
});

test('credentials: a client_id alone counts with a certificate only', () => {
  const given = new Map([['client_id', ['c']]]);
  expect(parseCredentials(null, given, () => true)).toEqual({ method: 'certificate', clientId: 'c' });
  expect(reasonOf(() => parseCredentials(null, given, () => false))).toBe('invalid_client credentials_missing');
});
