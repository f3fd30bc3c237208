// Keys instead of secrets, and tokens bound to keys, at a real server.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { embeddedDatabase } from '../../db/testing';
import { ADMIN_SECRET, json } from '../../server/testing';
import { ASSERTION_LIFE_SECONDS, createAssertions } from '../auth/assertion';
import { createProver } from '../auth/dpop';
import { makeSigningKey, publicJwk, readSigningKey, type SigningAlg } from '../auth/keys';
import { TokenError } from '../auth/token';
import { type Real, type RealClient, startReal } from '../testing/real';
import { countingBytes, START_MS, thrown } from '../testing/world';
import type { NewCredential } from './model';

let real: Real;

const add = ({ services }: RealClient, given: NewCredential) => services.credentials.add(given);
const sessionOf = ({ services }: RealClient, name: string) => services.credentials.get(name);
const rates = (url: string) => new Request(`${url}/api/currency`);

/** A client of the server with this public key, made by its administrator. */
async function makeKeyClient(jwk: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<string> {
  const body = { client_name: 'Keys', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] }, ...more };
  const init = json(body);
  const headers = { 'content-type': 'application/json', 'x-admin-secret': ADMIN_SECRET };
  const answer = await real.server.ask('/api/clients', { ...init, headers });
  return ((await answer.json()) as { client_id: string }).client_id;
}

embeddedDatabase('methods', (open) => {
  beforeEach(async () => {
    real = await startReal(await open());
  });
  afterEach(() => real.close());

  describe('private_key_jwt', () => {
    test.each([
      ['ES256', 'pem'],
      ['EdDSA', 'pem'],
      ['RS256', 'pem'],
      ['PS256', 'pem'],
      ['ES256', 'jwk'],
      ['EdDSA', 'jwk'],
    ] as const)('%s, the key as %s', async (alg, form) => {
      const pair =
        alg === 'ES256'
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
          : alg === 'EdDSA'
            ? generateKeyPairSync('ed25519')
            : generateKeyPairSync('rsa', { modulusLength: 2048 });
      const clientId = await makeKeyClient({ ...pair.publicKey.export({ format: 'jwk' }), alg, kid: 'k1' });
      const pem = pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
      const private_key = form === 'pem' ? pem : { ...pair.privateKey.export({ format: 'jwk' }) };
      const client = real.client();
      const view = add(client, { name: 'key', client_id: clientId, private_key, alg, kid: 'k1' });
      expect(view).toMatchObject({
        method: 'private_key_jwt',
        secret: null,
        origin: 'configured',
        client_id: clientId,
      });
      const session = sessionOf(client, 'key');
      await session.tokens.token();
      // An assertion is good once: a second one is made for a second token.
      await session.tokens.renew((await session.tokens.token()).value);
      expect((await session.fetch(rates(real.server.issuer))).status).toBe(200);
      await expect(session.rotate()).rejects.toMatchObject({ status: 409 });
      expect(client.logged.join('\n')).not.toContain(pem.split('\n')[1] ?? '-');
    });

    test('without an id it makes a key, registers its public part, and is the same client after a restart', async () => {
      const client = real.client();
      expect(add(client, { name: 'own', method: 'private_key_jwt' })).toMatchObject({
        client_id: null,
        origin: 'self-made',
        registered: false,
      });
      const { value } = await sessionOf(client, 'own').tokens.token();
      const { client_id } = sessionOf(client, 'own').view(false);
      expect(decodeJwt(value)['client_id']).toBe(client_id ?? '');
      client.close();
      const again = real.client();
      expect(sessionOf(again, 'own').view(false)).toMatchObject({ client_id, registered: true, has_token: true });
      await sessionOf(again, 'own').tokens.renew(value);
      expect(real.server.logged.filter((line) => line.includes('client_registered'))).toHaveLength(1);
    });

    test('an assertion names this issuer alone, as one string, lives a minute, and is never made twice', async () => {
      const key = makeSigningKey();
      const assertions = createAssertions({ key, clock: { now: () => START_MS }, randomBytes: countingBytes() });
      const made = [await assertions('me', 'https://a.example'), await assertions('me', 'https://a.example')];
      const [first, second] = made.map((one) => decodeJwt(one));
      expect(first).toEqual({
        iss: 'me',
        sub: 'me',
        aud: 'https://a.example',
        iat: START_MS / 1000,
        exp: START_MS / 1000 + ASSERTION_LIFE_SECONDS,
        jti: expect.any(String),
      });
      expect(first?.jti).not.toBe(second?.jti);
      expect(decodeProtectedHeader(made[0] ?? '')).toEqual({ alg: 'ES256', typ: 'JWT', kid: key.kid ?? '' });
    });

    test('another key is refused, and told as a refusal', async () => {
      const clientId = await makeKeyClient(publicJwk(makeSigningKey()));
      const client = real.client();
      const other = { ...makeSigningKey().jwk };
      add(client, { name: 'wrong', client_id: clientId, private_key: other });
      const { trouble } = await thrown(sessionOf(client, 'wrong').tokens.token(), TokenError);
      expect(trouble).toMatchObject({ kind: 'refused', error: 'invalid_client' });
    });
  });

  describe('DPoP', () => {
    test.each([
      ['a secret', { dpop: true }],
      ['a key', { dpop: true, method: 'private_key_jwt' }],
    ] as const)('with %s: tokens are bound, and calls proven, nonces and all', async (_, more) => {
      const client = real.client();
      expect(add(client, { name: 'bound', ...more })).toMatchObject({ dpop: true });
      const session = sessionOf(client, 'bound');
      const token = await session.tokens.token();
      expect(token.type).toBe('DPoP');
      expect(decodeJwt(token.value)['cnf']).toEqual({ jkt: expect.any(String) });
      for (const _ of [1, 2]) expect((await session.fetch(rates(real.server.issuer))).status).toBe(200);
      // Nonces change with the time.
      real.world.stepWallClock(300_000);
      expect((await session.fetch(rates(real.server.issuer))).status).toBe(200);
      expect((await real.server.read('/api/currency', token.value)).status).toBe(401);
    });

    test('the key is the same after a restart, and so the token still serves', async () => {
      const client = real.client();
      add(client, { name: 'bound', dpop: true });
      await sessionOf(client, 'bound').tokens.token();
      client.close();
      const asked = real.tokenRequests();
      const session = sessionOf(real.client(), 'bound');
      expect((await session.fetch(rates(real.server.issuer))).status).toBe(200);
      expect(real.tokenRequests()).toBe(asked);
    });

    test('a proof names method and address without the query, and the token by its hash', async () => {
      const prover = createProver({
        jwk: makeSigningKey().jwk,
        clock: { now: () => START_MS },
        randomBytes: countingBytes(),
      });
      const url = 'https://a.example/x/y?z=1';
      const plain = await prover.proof({ method: 'POST', url }, null);
      expect(decodeJwt(plain)).toEqual({
        htm: 'POST',
        htu: 'https://a.example/x/y',
        iat: START_MS / 1000,
        jti: expect.any(String),
      });
      const header = decodeProtectedHeader(plain);
      expect(header).toMatchObject({ alg: 'ES256', typ: 'dpop+jwt' });
      expect(Object.keys(header.jwk ?? {}).sort()).toEqual(['crv', 'kty', 'x', 'y']);
      const nonced = new Response(null, { headers: { 'dpop-nonce': 'n1' } });
      expect([prover.heard(nonced, url), prover.heard(nonced, url)]).toEqual([true, false]);
      expect(decodeJwt(await prover.proof({ method: 'GET', url }, 'token'))).toMatchObject({
        nonce: 'n1',
        ath: 'PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A',
      });
      // Each server has nonces of its own.
      expect(
        decodeJwt(await prover.proof({ method: 'GET', url: 'https://b.example/' }, null))['nonce'],
      ).toBeUndefined();
    });

    test.each(['a b', 'a"b', 'ä', 'x'.repeat(513)])('the nonce %p is not one', (nonce) => {
      const prover = createProver({ jwk: makeSigningKey().jwk, clock: { now: () => 0 }, randomBytes: countingBytes() });
      const headers = new Headers();
      headers.set('dpop-nonce', nonce);
      expect(prover.heard(new Response(null, { headers }), 'https://a.example/')).toBe(false);
    });
  });

  describe('scope and resource', () => {
    test('go with the request; what is not granted is told by its code', async () => {
      const client = real.client();
      add(client, { name: 'reader', scope: 'currency:read', resource: `${real.server.issuer}/api/currency` });
      expect((await sessionOf(client, 'reader').tokens.token()).scope).toBe('currency:read');
      add(client, { name: 'greedy', scope: 'admin' });
      add(client, { name: 'elsewhere', resource: 'https://nobody.example' });
      const refusals = await Promise.all(
        ['greedy', 'elsewhere'].map((name) => thrown(sessionOf(client, name).tokens.token(), TokenError)),
      );
      expect(refusals.map(({ trouble }) => trouble)).toMatchObject([
        { kind: 'refused', error: 'invalid_scope' },
        { kind: 'refused', error: 'invalid_target' },
      ]);
    });
  });

  describe('where not everybody may register', () => {
    const start = async (): Promise<string> => {
      await real.close();
      real = await startReal(await open(), { registration: 'admin' });
      const headers = { 'content-type': 'application/json', 'x-admin-secret': ADMIN_SECRET };
      const body = JSON.stringify({ label: 'tests', uses: 2, expires_in_seconds: 3600 });
      const answer = await real.server.ask('/api/admin/registration-tokens', { method: 'POST', headers, body });
      return ((await answer.json()) as { registration_token: string }).registration_token;
    };

    test('REGISTRATION_TOKEN admits secrets and keys', async () => {
      const token = await start();
      const here = real.client({ env: { REGISTRATION_TOKEN: token } });
      await sessionOf(here, 'default').tokens.token();
      add(here, { name: 'key', method: 'private_key_jwt' });
      await sessionOf(here, 'key').tokens.token();
      expect(here.logged.join('\n')).not.toMatch(/rt_[\w-]{20}/);
    });

    test('without it the client is told what to set', async () => {
      await start();
      const error = await thrown(sessionOf(real.client(), 'default').tokens.token(), TokenError);
      expect(error.trouble.kind).toBe('not_registered');
      expect(error.message).toContain('REGISTRATION_TOKEN');
    });

    test('it goes to the servers of CRYPTO_SERVER_URL, and to no other', async () => {
      const token = await start();
      const seen: Headers[] = [];
      const thief = Bun.serve({
        port: 0,
        hostname: '127.0.0.1',
        fetch: ({ headers }) => {
          seen.push(new Headers(headers));
          return new Response('{}', { status: 404 });
        },
      });
      const client = real.client({ env: { REGISTRATION_TOKEN: token, ADMIN_SECRET } });
      add(client, { name: 'other', servers: [`http://127.0.0.1:${thief.port}`] });
      await sessionOf(client, 'other')
        .register()
        .catch(() => {});
      expect(seen.length).toBeGreaterThan(0);
      expect(JSON.stringify(seen.map((headers) => [...headers]))).not.toContain(token);
      expect(seen.some((headers) => headers.has('authorization') || headers.has('x-admin-secret'))).toBe(false);
      await thief.stop(true);
    });
  });
});

describe('a private key', () => {
  const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
  const pemOf = (key: ReturnType<typeof rsa>) => key.export({ format: 'pem', type: 'pkcs8' }).toString();

  test.each<[string, () => string | Record<string, unknown>, SigningAlg | null]>([
    ['nonsense', () => 'nonsense-secret', null],
    ['a list', () => '[1]', null],
    ['a public key', () => publicJwk(makeSigningKey()), null],
    ['a short RSA key', () => pemOf(rsa(1024)), null],
    [
      'another curve',
      () => ({ ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' }) }),
      null,
    ],
    ['another algorithm', () => ({ ...makeSigningKey().jwk }), 'EdDSA'],
    ['broken PEM', () => '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', null],
    ['a symmetric key', () => ({ kty: 'oct', k: 'secretsecret' }), null],
  ])('%s is refused in words that repeat nothing of it', (_, given, alg) => {
    expect(() => readSigningKey(given(), { alg })).toThrow(/^a private key in PEM/);
  });

  test('is kept without members that are none of a key', () => {
    const { jwk } = readSigningKey({ ...makeSigningKey().jwk, note: 'x', key_ops: ['sign'] });
    expect(Object.keys(jwk).sort()).toEqual(['crv', 'd', 'kty', 'x', 'y']);
  });
});
