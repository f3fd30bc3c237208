// The protected resource against bad tokens (RFC 6750 §3, RFC 9068 §4), over HTTP.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { exportSPKI, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { Database } from '../../db/connect';
import { signingKeys } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { rawRequest, sendRaw } from '../../kit/http/testing';
import { challengeOf, START_MS, startTestServer, type TestClient, type TestServer } from '../testing';

const NOW = START_MS / 1000;
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The server's own private key, opened as the operator could. */
async function privateKeyOf(database: Database): Promise<{ key: CryptoKey; publicJwk: JWK; kid: string }> {
  const [row] = await database.rows.select().from(signingKeys);
  const [, iv, tag, text] = row!.privateKey!.split('.').map((part) => Buffer.from(part, 'base64url'));
  const secret = hkdfSync('sha256', 'the-key-encryption-key-of-all-tests', '', 'crypto-server signing keys', 32);
  const box = createDecipheriv('aes-256-gcm', Buffer.from(secret), iv!).setAAD(Buffer.from(row!.kid)).setAuthTag(tag!);
  const jwk = JSON.parse(Buffer.concat([box.update(text!), box.final()]).toString('utf8')) as JWK;
  return { key: (await importJWK(jwk, 'ES256')) as CryptoKey, publicJwk: row!.publicJwk, kid: row!.kid };
}

eachDatabase('the guard of the rates', (open) => {
  let server: TestServer;
  let client: TestClient;
  let good: Record<string, unknown>;
  let own: Awaited<ReturnType<typeof privateKeyOf>>;
  beforeAll(async () => {
    const database = await open();
    server = await startTestServer(database);
    client = await server.register();
    own = await privateKeyOf(database);
    const { issuer } = server;
    const times = { iat: NOW, exp: NOW + 600 };
    good = { iss: issuer, sub: client.id, client_id: client.id, aud: `${issuer}/api/currency`, ...times };
    good = { ...good, jti: 'forged', scope: 'currency:read', epoch: 0 };
  });
  afterAll(() => server.close());

  /** A token with these claims and header, by our key unless another one is given. */
  const forge = (claims: Record<string, unknown>, header: Record<string, unknown> = {}, key = own.key) => {
    const { exp, ...rest } = { ...good, ...claims };
    const signer = new SignJWT(exp === undefined ? rest : { ...rest, exp });
    return signer.setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: own.kid, ...header }).sign(key);
  };
  const expectInvalid = async (token: string): Promise<void> => {
    const answer = await server.read('/api/currency/', token);
    expect(answer.status).toBe(401);
    expect(challengeOf(answer)).toMatchObject({
      scheme: 'Bearer',
      realm: 'crypto-server',
      error: 'invalid_token',
      error_description:
        'The access token is malformed, expired, revoked, bound to something else or not meant for this resource; obtain a new one.',
    });
    expect(challengeOf(answer)['resource_metadata']).toBe(
      `${server.issuer}/.well-known/oauth-protected-resource/api/currency`,
    );
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.text()).not.toContain(token.slice(0, 20));
  };

  test('the forger forges well: with nothing changed the token is good', async () => {
    expect((await server.read('/api/currency/', await forge({}))).status).toBe(200);
  });

  test.each(['at+jwt', 'application/at+jwt', 'AT+JWT'])('typ %s is that of an access token', async (typ) => {
    expect((await server.read('/api/currency/', await forge({}, { typ }))).status).toBe(200);
  });

  const claims: [string, Record<string, unknown>][] = [
    ['another issuer', { iss: 'https://example.com' }],
    ['the issuer with a slash', { iss: 'ISSUER/' }],
    ['another audience', { aud: 'https://example.com/api/currency' }],
    ['the issuer as audience', { aud: 'ISSUER' }],
    ['no audience', { aud: undefined }],
    ['an empty list of audiences', { aud: [] }],
    ['no issuer', { iss: undefined }],
    ['expired', { exp: NOW - 1 }],
    ['expiring this very second', { exp: NOW }],
    ['no expiry', { exp: undefined }],
    ['an expiry that is text', { exp: String(NOW + 600) }],
    ['not valid before the next minute', { nbf: NOW + 60 }],
    ['no sub', { sub: undefined }],
    ['no client_id', { client_id: undefined }],
    ['sub and client_id of different clients', { sub: 'another' }],
    ['no jti', { jti: undefined }],
    ['no iat', { iat: undefined }],
    ['no scope', { scope: undefined }],
    ['a scope that is a list', { scope: ['currency:read'] }],
    ['no epoch', { epoch: undefined }],
    ['an epoch that is text', { epoch: '0' }],
  ];
  test.each(claims)('%s: invalid_token', async (_name, change) => {
    const filled = JSON.parse(
      JSON.stringify(change, (_key, value) => value ?? '-').replaceAll('ISSUER', server.issuer),
    ) as Record<string, unknown>;
    for (const name of Object.keys(filled)) if (filled[name] === '-') filled[name] = undefined;
    await expectInvalid(await forge(filled));
  });

  const headers: [string, Record<string, unknown>][] = [
    ['typ JWT', { typ: 'JWT' }],
    ['no typ', { typ: undefined }],
    ['no kid', { kid: undefined }],
    ['a foreign kid', { kid: 'foreign' }],
    ['a kid that is a path', { kid: '../../dev/null' }],
    ['a kid that is a number', { kid: 7 }],
  ];
  test.each(headers)('%s: invalid_token', async (_name, header) => {
    await expectInvalid(await forge({}, header));
  });

  test('signed by another key under our kid: invalid_token', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    await expectInvalid(await forge({}, {}, privateKey));
  });

  test('signed by a key that the token brings along: invalid_token', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await crypto.subtle.exportKey('jwk', publicKey);
    await expectInvalid(await forge({}, { jwk, kid: 'mine', jku: 'http://127.0.0.1:1/jwks' }, privateKey));
  });

  test.each([['none'], ['None'], ['NONE'], ['nOnE']])('alg %s: invalid_token', async (alg) => {
    const head = `${encode({ alg, typ: 'at+jwt', kid: own.kid })}.${encode(good)}`;
    const [, , signature] = (await forge({})).split('.');
    for (const token of [`${head}.`, head, `${head}.${signature}`]) await expectInvalid(token);
  });

  test('HS256 with the public key as its secret: invalid_token, whatever the form of the key', async () => {
    const publicKey = (await importJWK({ ...own.publicJwk, ext: true }, 'ES256', { extractable: true })) as CryptoKey;
    const pem = await exportSPKI(publicKey);
    const der = new Uint8Array(await crypto.subtle.exportKey('spki', publicKey));
    const point = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
    const published = JSON.stringify(own.publicJwk);
    const head = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: own.kid })}.${encode(good)}`;
    for (const secret of [pem, pem.trim(), `${pem}\n`, der, point, published, own.publicJwk.x!])
      await expectInvalid(`${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`);
  });

  test('a good token with any part changed: invalid_token', async () => {
    const [head = '', body = '', signature = ''] = (await forge({})).split('.');
    const more = encode({ ...good, scope: 'currency:read admin' });
    const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    for (const token of [`${head}.${more}.${signature}`, `${head}.${body}.${flipped}`, `${head}.${body}.`])
      await expectInvalid(token);
    await expectInvalid(`${head}.${body}.${signature}.${signature}`);
    await expectInvalid('A'.repeat(5_000));
    await expectInvalid('abc');
    await expectInvalid('..');
  });

  test('a token that was good is bad from its last second on, when remembered too', async () => {
    const token = await forge({ exp: NOW + 2 });
    server.pass(1_999);
    expect((await server.read('/api/currency/', token)).status).toBe(200);
    server.pass(1);
    await expectInvalid(token);
    server.pass(-2_000);
  });

  test('a token without the scope: 403 insufficient_scope', async () => {
    const answer = await server.read('/api/currency/', await forge({ scope: 'currency:write currency:readx' }));
    expect(answer.status).toBe(403);
    expect(challengeOf(answer)).toMatchObject({
      error: 'insufficient_scope',
      error_description: 'The access token does not have the scope currency:read.',
      scope: 'currency:read',
    });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  test.each([
    ['nothing', []],
    ['another scheme', ['Authorization: Basic YTpi']],
    ['an empty header', ['Authorization: ']],
  ])('%s: 401 with a bare challenge', async (_name, lines) => {
    const answer = await sendRaw(server.port, rawRequest('GET /api/currency/', ['Host: localhost', ...lines]));
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toEqual([
      `Bearer realm="crypto-server", resource_metadata="${server.issuer}/.well-known/oauth-protected-resource/api/currency"`,
    ]);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 401 });
  });

  test.each([
    ['the scheme alone', '', ['Authorization: Bearer']],
    ['two words', '', ['Authorization: Bearer TOKEN TOKEN']],
    ['a tab behind the scheme', '', ['Authorization: Bearer\tTOKEN']],
    ['a tab before the token', '', ['Authorization: Bearer \tTOKEN']],
    ['a comma', '', ['Authorization: Bearer TOKEN,x']],
    ['quotation marks', '', ['Authorization: Bearer "TOKEN"']],
    ['bytes beyond ASCII', '', ['Authorization: Bearer \u00e9']],
    ['two headers', '', ['Authorization: Bearer TOKEN', 'Authorization: Bearer TOKEN']],
    ['a token in the query', '?access_token=TOKEN', []],
    ['a token in the query behind others', '?symbols=BTC&access_token=TOKEN', []],
    ['a token in the header and in the query', '?access_token=TOKEN', ['Authorization: Bearer TOKEN']],
    ['a token in the query under an encoded name', '?access%5Ftoken=TOKEN', []],
    ['an encoded name beside a good header', '?%61ccess_token=TOKEN', ['Authorization: Bearer TOKEN']],
    ['an empty token in the query', '?access_token=', ['Authorization: Bearer TOKEN']],
  ])('%s: 400 invalid_request', async (_name, query, lines) => {
    const token = await forge({});
    // Remembered first: what is known must not be let through for being known.
    expect((await server.read('/api/currency/', token)).status).toBe(200);
    const fill = (text: string): string => text.replaceAll('TOKEN', token);
    const request = rawRequest(`GET /api/currency/${fill(query)}`, ['Host: localhost', ...lines.map(fill)]);
    const answer = await sendRaw(server.port, request);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('www-authenticate')?.[0]).toContain('error="invalid_request"');
    expect(answer.body).not.toContain(token);
  });

  test('the scheme Bearer is read in any letter case', async () => {
    const token = await forge({});
    for (const scheme of ['bearer', 'BEARER', 'bEaReR']) {
      const answer = await server.ask('/api/currency/', { headers: { authorization: `${scheme} ${token}` } });
      expect(answer.status).toBe(200);
    }
  });

  test('a token is never logged', () => {
    expect(server.logged.join('\n')).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });
});
