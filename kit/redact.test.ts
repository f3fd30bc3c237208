import { describe, expect, test } from 'bun:test';
import { namesSecret, redactText } from './redact';

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';

describe('redactText takes out', () => {
  test.each([
    ['a signed token', `got ${JWT} back`, 'got [redacted] back'],
    ['an encrypted token', 'eyJhbGciOiJkaXIifQ..iv.text.tag', '[redacted]'],
    ['a bearer header', 'Authorization: Bearer abc.def-123', 'Authorization: Bearer [redacted]'],
    ['a basic header', 'authorization: basic dXNlcjpwYXNz', 'authorization: basic [redacted]'],
    ['a DPoP header', 'DPoP opaque123', 'DPoP [redacted]'],
    ['the password of a database URL', 'postgres://app:p@ss/w:rd@db:5432/x', 'postgres://app:[redacted]@db:5432/x'],
    ['a password without a user', 'redis://:hunter2@cache', 'redis://:[redacted]@cache'],
    ['form fields', 'grant_type=x&client_secret=hunter2&scope=a', 'grant_type=x&client_secret=[redacted]&scope=a'],
    ['query parameters', '/x?access_token=opaque&a=1', '/x?access_token=[redacted]&a=1'],
    ['JSON members', '{"client_secret": "hun\\"ter2", "a": 1}', '{"client_secret": "[redacted]", "a": 1}'],
    [
      'a made secret',
      'client cs_AbC-0123456789_0123456789012345678901234567890123 is unknown',
      'client [redacted] is unknown',
    ],
    ['a made token in a path', `/api/clients/rat_${'Ab1-'.repeat(12)}/secrets`, '/api/clients/[redacted]/secrets'],
    ['private keys', '-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----', '[redacted]'],
    ['half a private key', '-----BEGIN EC PRIVATE KEY-----\nMIG', '[redacted]'],
  ])('%s', (_, given, clean) => {
    expect(redactText(given)).toBe(clean);
  });
});

describe('redactText leaves alone', () => {
  test.each([
    'Basic authentication is missing',
    'Bearer realm="crypto", error="invalid_token"',
    'the token endpoint answered 400',
    'http://localhost:8000/api/auth/token',
    'token_type=Bearer&expires_in=7200',
    'invalid_token: the token has expired',
    'scripts_and_start_of_things are cs_short',
  ])('%s', (text) => {
    expect(redactText(text)).toBe(text);
  });
});

test.each([
  'client_secret',
  'ADMIN_SECRET',
  'X-Admin-Secret',
  'clientSecret',
  'access_token',
  'token',
  'password',
  'Authorization',
  'set-cookie',
  'private_key',
  'privateKey',
  'KEY_ENCRYPTION_KEY',
  'http.request.headers.authorization',
  'client_assertion',
])('%s names a secret', (key) => {
  expect(namesSecret(key)).toBe(true);
});

test.each([
  'client.id',
  'client_id',
  'secret.id',
  'token_type',
  'token.expires_in',
  'client_secret_expires_at',
  'token_endpoint',
  'key.id',
  'kid',
  'ADMIN_SECRET_FILE',
  'symbol',
  'tokenize',
  'token.count',
  'token_limit',
  'token.renewal',
])('%s does not', (key) => {
  expect(namesSecret(key)).toBe(false);
});
