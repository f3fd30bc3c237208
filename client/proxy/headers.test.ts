import { describe, expect, test } from 'bun:test';
import { answerHeaders, hasPassed, requestHeaders } from './headers';

const sent = (given: Record<string, string>) => Object.fromEntries(requestHeaders(new Headers(given), 'me'));
const answered = (given: Record<string, string>) => Object.fromEntries(answerHeaders(new Headers(given), 'me'));
const ADDED = { via: '1.1 me', 'accept-encoding': 'identity' };
const INERT = {
  via: '1.1 me',
  'content-security-policy': "sandbox; default-src 'none'",
  'cross-origin-resource-policy': 'same-origin',
};

describe('to the target', () => {
  test.each([
    'authorization',
    'cookie',
    'host',
    'x-admin-secret',
    'client-cert',
    'client-cert-chain',
    'dpop',
    'forwarded',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-client-cert',
    'x-real-ip',
    'origin',
    'referer',
    'sec-fetch-site',
    'sec-websocket-key',
    'expect',
    'connection',
    'keep-alive',
    'proxy-authorization',
    'proxy-authenticate',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ])('goes no %s', (name) => {
    expect(sent({ [name]: 'x' })).toEqual(ADDED);
  });

  test.each([
    'content-type',
    'content-length',
    'accept',
    'if-none-match',
    'range',
    'x-forwarding',
    'cookies',
    'traceparent',
  ])('goes %s', (name) => {
    expect(sent({ [name]: 'x' })).toEqual({ ...ADDED, [name]: 'x' });
  });

  test('goes nothing that Connection names, in any letter case', () => {
    const given = { connection: 'close, X-One ,x-TWO,', 'X-One': '1', 'x-two': '2', 'x-three': '3' };
    expect(sent(given)).toEqual({ ...ADDED, 'x-three': '3' });
  });

  test('goes Via behind those before', () => {
    expect(sent({ via: '1.0 other' })['via']).toBe('1.0 other, 1.1 me');
  });
});

describe('to the caller', () => {
  test.each([
    'set-cookie',
    'strict-transport-security',
    'clear-site-data',
    'alt-svc',
    'access-control-allow-origin',
    'access-control-allow-credentials',
    'content-security-policy-report-only',
    'refresh',
    'service-worker-allowed',
    'dpop-nonce',
    'connection',
    'transfer-encoding',
  ])('goes no %s', (name) => {
    expect(answered({ [name]: 'x' })).toEqual(INERT);
  });

  test.each(['content-type', 'etag', 'location', 'retry-after', 'link', 'ratelimit', 'vary'])('goes %s', (name) => {
    expect(answered({ [name]: 'x' })).toEqual({ ...INERT, [name]: 'x' });
  });

  test.each([
    ['Bearer error="invalid_token"', true],
    ['Bearer realm="basic"', true],
    ['Basic realm="x"', false],
    ['Bearer realm="x", Digest realm="y"', false],
    ['NEGOTIATE', false],
  ])('the challenge %s: %p', (challenge, goes) => {
    expect(answered({ 'www-authenticate': challenge })['www-authenticate'] === challenge).toBe(goes);
  });

  test.each([
    ['gzip', {}],
    ['br', {}],
    ['custom', { 'content-encoding': 'custom', 'content-length': '7' }],
  ])('of what fetch has decoded from %s, neither coding nor length', (coding, rest) => {
    expect(answered({ 'content-encoding': coding, 'content-length': '7' })).toEqual({ ...INERT, ...rest });
  });
});

test.each([
  ['1.1 me', true],
  ['1.0 fred, 1.1 me (comment)', true],
  ['HTTP/1.1 me', true],
  ['1.1 mean, 1.1 you', false],
  ['me', false],
])('Via %p has passed here: %p', (via, expected) => {
  expect(hasPassed(new Headers({ via }), 'me')).toBe(expected);
});
