// What lets a connection go on: by whose token, for what, and bound to what (RFC 9449 §6.1, RFC 8705 §3.1).
import { expect, test } from 'bun:test';
import type { NamedEvent } from '../oauth/event';
import type { TokenEnd } from './access';
import { createLeases } from './lease';
import type { AccessClaims } from './model';

const HELD: AccessClaims = {
  clientId: 'machine',
  jti: 'first',
  audience: 'https://issuer.example/api/currency',
  issuedAt: 0,
  expiresAt: 60,
  scopes: ['currency:read'],
  epoch: 0,
  kid: 'key',
  binding: null,
};
const BY_KEY = { jkt: 'key-1', certificate: null };
const BY_CERTIFICATE = { jkt: null, certificate: 'certificate-1' };

function renew(held: Partial<AccessClaims>, next: Partial<AccessClaims> | string, end: TokenEnd | null = null) {
  const told: NamedEvent[] = [];
  const leases = createLeases({
    tokens: {
      read: async () => (typeof next === 'string' ? (next as 'token_malformed') : { ...HELD, expiresAt: 120, ...next }),
      endOf: ({ expiresAt }) => (expiresAt === 60 ? null : end),
    },
    audience: HELD.audience,
    scope: 'currency:read',
    tell: async (event) => void told.push(event),
  });
  return { lease: leases({ ...HELD, ...held }).renew('the-token'), told };
}

test.each<[string, Partial<AccessClaims>, Partial<AccessClaims>]>([
  ['a later one of the same client', {}, {}],
  ['one with more scopes', {}, { scopes: ['other', 'currency:read'] }],
  ['one bound to the same key', { binding: BY_KEY }, { binding: { ...BY_KEY } }],
  ['one bound to the same certificate', { binding: BY_CERTIFICATE }, { binding: { ...BY_CERTIFICATE } }],
])('goes on under %s', async (_, held, next) => {
  const { lease, told } = renew(held, next);
  expect(await lease).toMatchObject({ clientId: 'machine', endsMs: 120_000 });
  expect(told).toEqual([]);
});

test.each<[string, string, Partial<AccessClaims>, Partial<AccessClaims> | string, TokenEnd | null]>([
  ['none of ours', 'token_malformed', {}, 'token_malformed', null],
  ['one that is revoked', 'token_revoked', {}, {}, 'token_revoked'],
  ['one of another client', 'token_of_another_client', {}, { clientId: 'other' }, null],
  ['one for another resource', 'token_audience_other', {}, { audience: 'https://issuer.example/api/admin' }, null],
  ['one without the scope', 'scope_missing', {}, { scopes: ['other'] }, null],
  [
    'one bound to another key',
    'token_binding_other',
    { binding: BY_KEY },
    { binding: { ...BY_KEY, jkt: 'key-2' } },
    null,
  ],
  ['one bound to a key, of which nothing was proved', 'token_binding_other', {}, { binding: BY_KEY }, null],
  [
    'one bound to a certificate, of which nothing was proved',
    'token_binding_other',
    {},
    { binding: BY_CERTIFICATE },
    null,
  ],
  ['a bearer token instead of a bound one', 'token_binding_other', { binding: BY_CERTIFICATE }, {}, null],
])('does not go on under %s, and the operator is told %s', async (_, reason, held, next, end) => {
  const { lease, told } = renew(held, next, end);
  expect(await lease).toBeNull();
  expect(told).toEqual([
    { event: 'resource_access', outcome: 'failure', reason: reason as 'scope_missing', clientId: 'machine' },
  ]);
  expect(JSON.stringify(told)).not.toContain('the-token');
});
