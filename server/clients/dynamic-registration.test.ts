// `/api/clients` over HTTP: RFC 7591 and RFC 7592.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import type { Database } from '../../db/connect';
import { clients, registrationTokens } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { ADMIN_SECRET, challengeOf, form, json, startTestServer, type TestServer } from '../testing';
import { makeSecret } from './secret-format';

type Json = Record<string, unknown>;

const PATH = '/api/clients';
const KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
const JWKS = { keys: [KEY] };
const rsaKey = (bits: number) => ({ kty: 'RSA', n: Buffer.alloc(bits / 8, 0xff).toString('base64url'), e: 'AQAB' });
const MARK = 'never-echo-this-value';
const DAY_SECONDS = 86_400;
/** Certificates can come in, and there are authorities to trust. */
const EVERY_METHOD = { behindProxy: true, mtlsAuthorities: '-----' };

const register = (server: TestServer, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  server.ask(PATH, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
const bearer = (token: unknown): Record<string, string> => ({ authorization: `Bearer ${token}` });
const registered = async (server: TestServer, body: unknown = {}): Promise<Json> => {
  const answer = await register(server, body);
  expect(answer.status).toBe(201);
  return (await answer.json()) as Json;
};
const tokenStatus = async (server: TestServer, { client_id, client_secret }: Json): Promise<number> =>
  (await server.ask('/api/auth/token', json({ client_id, client_secret }))).status;

eachDatabase('dynamic registration', (open) => {
  let database: Database;
  let server: TestServer;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database, { settings: EVERY_METHOD });
  });
  afterAll(() => server.close());

  const at = ({ client_id }: Json): string => `${PATH}/${client_id}`;
  const read = (client: Json, token = client['registration_access_token']): Promise<Response> =>
    server.ask(at(client), { headers: bearer(token) });
  const put = (client: Json, body: unknown, token = client['registration_access_token']): Promise<Response> =>
    server.ask(at(client), {
      method: 'PUT',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...bearer(token) },
    });
  const remove = (client: Json, token = client['registration_access_token']): Promise<Response> =>
    server.ask(at(client), { method: 'DELETE', headers: bearer(token) });

  describe('a registration', () => {
    test('that says nothing gets an id, a secret and all defaults', async () => {
      const answer = await register(server, {});
      expect(answer.status).toBe(201);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const body = (await answer.json()) as Json;
      expect(body).toEqual({
        client_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        client_id_issued_at: Math.floor(server.now() / 1000),
        client_secret: expect.stringMatching(/^cs_[A-Za-z0-9_-]{48}$/),
        client_secret_expires_at: 0,
        client_name: expect.any(String),
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['client_credentials'],
        response_types: [],
        scope: 'currency:read',
        dpop_bound_access_tokens: false,
        tls_client_certificate_bound_access_tokens: false,
        registration_access_token: expect.stringMatching(/^rat_[A-Za-z0-9_-]{48}$/),
        registration_client_uri: `${server.issuer}${at(body)}`,
      });
      expect(await tokenStatus(server, body)).toBe(200);
    });

    test('gives back all that was said and is known', async () => {
      const said = {
        client_name: 'Zażółć',
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['client_credentials'],
        response_types: [],
        scope: 'currency:read',
        dpop_bound_access_tokens: true,
        client_uri: 'https://example.com/',
        contacts: ['ops@example.com'],
        tos_uri: 'https://example.com/tos',
        policy_uri: 'https://example.com/policy',
        logo_uri: 'https://example.com/logo.png',
        software_id: 'watcher',
        software_version: '1.2.3',
      };
      const body = await registered(server, { ...said, redirect_uris: ['https://example.com'], unknown: { a: 1 } });
      expect(body).toMatchObject(said);
      expect(body).not.toHaveProperty('redirect_uris');
      expect(body).not.toHaveProperty('unknown');
    });

    test.each([
      ['private_key_jwt with keys', { token_endpoint_auth_method: 'private_key_jwt', jwks: JWKS }],
      [
        'private_key_jwt with a place of keys',
        { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://example.com/jwks' },
      ],
      ['self_signed_tls_client_auth', { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: JWKS }],
      [
        'tls_client_auth by subject',
        { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=a,O=b' },
      ],
      [
        'tls_client_auth by DNS name',
        {
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_auth_san_dns: 'a.example',
          tls_client_certificate_bound_access_tokens: true,
        },
      ],
    ])('by %s gets no secret and is given back whole', async (_name, said) => {
      const body = await registered(server, said);
      expect(body).toMatchObject(said);
      expect(body).not.toHaveProperty('client_secret');
      expect(body).not.toHaveProperty('client_secret_expires_at');
      expect(body['registration_access_token']).toBeDefined();
    });

    const jwt = { token_endpoint_auth_method: 'private_key_jwt' };
    const tls = { token_endpoint_auth_method: 'tls_client_auth' };
    test.each<[string, unknown, string]>([
      ['an unknown method', { token_endpoint_auth_method: MARK }, 'token_endpoint_auth_method'],
      ['the method none', { token_endpoint_auth_method: 'none' }, 'token_endpoint_auth_method'],
      ['another grant', { grant_types: ['authorization_code'] }, 'grant_types'],
      ['one grant more', { grant_types: ['client_credentials', 'refresh_token'] }, 'grant_types'],
      ['no grant', { grant_types: [] }, 'grant_types'],
      ['a response type', { response_types: ['code'] }, 'response_types'],
      ['another scope', { scope: 'admin' }, 'scope'],
      ['one scope more', { scope: 'currency:read admin' }, 'scope'],
      ['a name with a control', { client_name: `${MARK}\n` }, 'client_name'],
      ['a name that is a number', { client_name: 7 }, 'client_name'],
      ['a name of blanks', { client_name: '   ' }, 'client_name'],
      ['a long name', { client_name: MARK.padEnd(129, 'x') }, 'client_name'],
      ['keys and a place of keys', { ...jwt, jwks: JWKS, jwks_uri: 'https://example.com/jwks' }, 'jwks_uri'],
      ['no keys where they are needed', jwt, 'jwks'],
      ['an empty set of keys', { ...jwt, jwks: { keys: [] } }, 'jwks'],
      ['eleven keys', { ...jwt, jwks: { keys: Array(11).fill(KEY) } }, 'jwks'],
      ['a private key', { ...jwt, jwks: { keys: [{ ...KEY, d: MARK }] } }, 'public'],
      ['a symmetric key', { ...jwt, jwks: { keys: [{ kty: 'oct', k: MARK }] } }, 'public'],
      ['half a key', { ...jwt, jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x' }] } }, 'jwks'],
      ['an RSA key of 1024 bits', { ...jwt, jwks: { keys: [rsaKey(1_024)] } }, '2048'],
      ['an RSA key of 8192 bits', { ...jwt, jwks: { keys: [rsaKey(8_192)] } }, '4096'],
      [
        'an RSA key with a large exponent',
        { ...jwt, jwks: { keys: [{ ...rsaKey(2_048), e: 'AQAAAAAB' }] } },
        'exponent',
      ],
      ['a key of a kind that every object has', { ...jwt, jwks: { keys: [{ kty: 'constructor' }] } }, 'jwks'],
      ['a key of no known kind', { ...jwt, jwks: { keys: [{ kty: MARK }] } }, 'jwks'],
      ['a set that is a list', { ...jwt, jwks: [KEY] }, 'jwks'],
      ['keys of 33 kB', { ...jwt, jwks: { keys: [{ ...KEY, x5c: ['x'.repeat(33_000)] }] } }, 'jwks'],
      ['a key with NUL in it', { ...jwt, jwks: { keys: [{ ...KEY, kid: `${MARK}\u0000` }] } }, 'jwks'],
      ['a key with half a character', { ...jwt, jwks: { keys: [{ ...KEY, kid: `${MARK}\ud800` }] } }, 'jwks'],
      ['a key with a number for its id', { ...jwt, jwks: { keys: [{ ...KEY, kid: 7 }] } }, 'jwks'],
      ['a key with a text for its certificates', { ...jwt, jwks: { keys: [{ ...KEY, x5c: MARK }] } }, 'jwks'],
      ['a key of the kind constructor', { ...jwt, jwks: { keys: [{ ...KEY, kty: 'constructor' }] } }, 'jwks'],
      ['a key of the kind toString', { ...jwt, jwks: { keys: [{ ...KEY, kty: 'toString' }] } }, 'jwks'],
      ['a key of the kind __proto__', { ...jwt, jwks: { keys: [{ ...KEY, kty: '__proto__' }] } }, 'jwks'],
      ['a number that is too short', { ...jwt, jwks: { keys: [{ ...KEY, x: 'a' }] } }, 'jwks'],
      ['a point on no curve', { ...jwt, jwks: { keys: [{ ...KEY, y: KEY.x }] } }, 'jwks'],
      ['a key of a curve that nobody knows', { ...jwt, jwks: { keys: [{ ...KEY, crv: MARK }] } }, 'jwks'],
      [
        'a key of Ed25519 that is too short',
        { ...jwt, jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'a' }] } },
        'jwks',
      ],
      ['an RSA key of 24 bits', { ...jwt, jwks: { keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] } }, 'jwks'],
      ['keys that encrypt only', { ...jwt, jwks: { keys: [{ ...KEY, use: 'enc' }] } }, 'ES256'],
      ['keys for another algorithm only', { ...jwt, jwks: { keys: [{ ...KEY, alg: 'HS256' }] } }, 'ES256'],
      ['keys by plain http', { ...jwt, jwks_uri: 'http://example.com/jwks' }, 'jwks_uri'],
      ['keys behind a password', { ...jwt, jwks_uri: 'https://a:b@example.com/jwks' }, 'jwks_uri'],
      ['keys behind NUL', { ...jwt, jwks_uri: `https://example.com/${MARK}\u0000` }, 'jwks_uri'],
      ['keys behind a line break', { ...jwt, jwks_uri: `https://example.com/${MARK}\n` }, 'jwks_uri'],
      ['keys nowhere', { ...jwt, jwks_uri: MARK }, 'jwks_uri'],
      [
        'two names of a certificate',
        { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'a', tls_client_auth_san_ip: '::1' },
        'exactly one',
      ],
      ['nonsense for an address', { ...tls, tls_client_auth_san_ip: 'nonsense' }, 'tls_client_auth_san_ip'],
      ['nonsense for a subject', { ...tls, tls_client_auth_subject_dn: 'nonsense' }, 'tls_client_auth_subject_dn'],
      ['a host with a blank', { ...tls, tls_client_auth_san_dns: 'a b' }, 'tls_client_auth_san_dns'],
      ['a host that is not ASCII', { ...tls, tls_client_auth_san_dns: 'zażółć.example' }, 'tls_client_auth_san_dns'],
      ['no name of a certificate', { token_endpoint_auth_method: 'tls_client_auth' }, 'exactly one'],
      [
        'a name of a certificate for nothing',
        { tls_client_auth_san_dns: 'a' },
        'tls_client_auth_san_dns belongs to tls_client_auth',
      ],
      ['eleven contacts', { contacts: Array(11).fill('a') }, 'contacts'],
      ['a script as a page', { client_uri: 'javascript:alert(1)' }, 'client_uri'],
      ['a text for true', { dpop_bound_access_tokens: 'true' }, 'dpop_bound_access_tokens'],
      ['a list', [], 'JSON object'],
      ['null', null, 'JSON object'],
    ])('with %s is 400 invalid_client_metadata, says where and echoes nothing', async (_name, body, where) => {
      const answer = await register(server, body);
      expect(answer.status).toBe(400);
      const refusal = (await answer.json()) as Json;
      expect(refusal).toEqual({ error: 'invalid_client_metadata', error_description: expect.stringContaining(where) });
      expect(JSON.stringify(refusal)).not.toContain(MARK);
    });

    test('keeps of a key what is known of keys, whatever else is sent and however deep it is', async () => {
      const known = { ...KEY, kid: 'a', use: 'sig', alg: 'ES256', key_ops: ['verify'], x5t: 'b', 'x5t#S256': 'c' };
      const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
      const jwks = `{"keys":[${JSON.stringify({ ...known, ext: true }).slice(0, -1)},"deep":${deep}}],"deep":${deep}}`;
      const answer = await register(server, `{"token_endpoint_auth_method":"private_key_jwt","jwks":${jwks}}`);
      expect(answer.status).toBe(201);
      const client = (await answer.json()) as Json;
      expect(client['jwks']).toEqual({ keys: [known] });
      const replaced = { client_id: client['client_id'], ...jwt, jwks: { keys: [{ ...KEY, deep: { er: 1 } }] } };
      expect(await (await put(client, replaced)).json()).toMatchObject({ jwks: JWKS });
      expect(await (await read(client)).json()).toMatchObject({ jwks: JWKS });
    });

    test.each([
      ['broken JSON', '{', { 'content-type': 'application/json' }],
      ['a form', 'client_name=a', { 'content-type': 'application/x-www-form-urlencoded' }],
      ['text', '{}', { 'content-type': 'text/plain' }],
    ])('that is %s is 400 invalid_request', async (_name, body, headers) => {
      const answer = await register(server, body, headers);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
    });

    test('leaves nothing secret in the database and in the log', async () => {
      const body = await registered(server);
      const everything = JSON.stringify(await database.rows.select().from(clients)) + server.logged.join('\n');
      for (const name of ['client_secret', 'registration_access_token'])
        expect(everything).not.toContain(String(body[name]));
      expect(server.logged.join('\n')).toContain('client_registered');
    });
  });

  describe('its management', () => {
    test('reads what was registered, without the secret', async () => {
      const client = await registered(server, { client_name: 'Read me', software_id: 'x' });
      const { client_secret, ...rest } = client;
      const answer = await read(client);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual(rest);
      expect(client_secret).toBeDefined();
    });

    test('replaces all that a client says of itself, and nothing else', async () => {
      const client = await registered(server, {
        client_name: 'Before',
        software_id: 'x',
      });
      const answer = await put(client, {
        client_id: client['client_id'],
        client_secret: client['client_secret'],
        client_name: 'After',
      });
      expect(answer.status).toBe(200);
      const after = (await answer.json()) as Json;
      expect(after).toMatchObject({ client_name: 'After', dpop_bound_access_tokens: false });
      expect(after).not.toHaveProperty('software_id');
      expect(after).not.toHaveProperty('client_secret');
      expect(await (await read(client)).json()).toEqual(after);
      expect(await tokenStatus(server, client)).toBe(200);
    });

    test('a client that changes to keys loses its secret, and gets one when it comes back', async () => {
      const client = await registered(server);
      expect(await tokenStatus(server, client)).toBe(200);
      const { client_id } = client;
      const keys = await put(client, { client_id, token_endpoint_auth_method: 'private_key_jwt', jwks: JWKS });
      expect(keys.status).toBe(200);
      expect(await tokenStatus(server, client)).toBe(401);
      const back = (await (await put(client, { client_id })).json()) as Json;
      expect(back['client_secret']).toMatch(/^cs_/);
      expect(await tokenStatus(server, back)).toBe(200);
    });

    test.each<[string, (client: Json) => Json]>([
      ['without client_id', () => ({})],
      ['with the id of another', () => ({ client_id: 'another' })],
      ['with a wrong secret', ({ client_id }) => ({ client_id, client_secret: MARK })],
      [
        'with registration_access_token',
        ({ client_id, registration_access_token }) => ({ client_id, registration_access_token }),
      ],
      [
        'with registration_client_uri',
        ({ client_id, registration_client_uri }) => ({ client_id, registration_client_uri }),
      ],
      ['with client_secret_expires_at', ({ client_id }) => ({ client_id, client_secret_expires_at: 0 })],
      ['with client_id_issued_at', ({ client_id }) => ({ client_id, client_id_issued_at: 0 })],
      ['with bad metadata', ({ client_id }) => ({ client_id, scope: 'admin' })],
    ])('a replacement %s is 400 and changes nothing', async (_name, body) => {
      const client = await registered(server, { client_name: 'Kept' });
      const answer = await put(client, body(client));
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: 'invalid_client_metadata' });
      expect(await (await read(client)).json()).toMatchObject({ client_name: 'Kept' });
    });

    test('a client cannot give itself what the administrator gives', async () => {
      const client = await registered(server);
      const grants = { [`${server.issuer}/api/admin`]: ['admin'] };
      await put(client, { client_id: client['client_id'], grants, limits: { api: '1000/s' } });
      const shown = await server.services.clients.show(String(client['client_id']));
      expect(shown).toMatchObject({
        grants: { [`${server.issuer}/api/currency`]: ['currency:read'] },
        limits: { api: null },
      });
    });

    test.each([
      ['dpop_bound_access_tokens', 'invalid_dpop_proof'],
      ['tls_client_certificate_bound_access_tokens', 'invalid_request'],
    ])('a client can bind its tokens by %s, and not unbind them', async (member, error) => {
      const client = await registered(server);
      const client_id = client['client_id'];
      await put(client, { client_id, [member]: true });
      for (const unbound of [{ [member]: false }, {}])
        expect(await (await put(client, { client_id, ...unbound })).json()).toMatchObject({ [member]: true });
      const asked = form({
        grant_type: 'client_credentials',
        client_id: String(client_id),
        client_secret: String(client['client_secret']),
      });
      const refused = await server.ask('/api/auth/token', asked);
      expect([refused.status, await refused.json()]).toMatchObject([400, { error }]);
    });

    test('removes the client with its tokens; from then on it is 401', async () => {
      const client = await registered(server);
      const { client_id, client_secret } = client;
      const token = await server.token({ id: String(client_id), secret: String(client_secret) });
      expect((await server.read('/api/currency/', token)).status).toBe(200);
      expect((await remove(client)).status).toBe(204);
      expect((await server.read('/api/currency/', token)).status).toBe(401);
      expect(await tokenStatus(server, client)).toBe(401);
      expect([(await read(client)).status, (await put(client, {})).status, (await remove(client)).status]).toEqual([
        401, 401, 401,
      ]);
      const again = await server.ask(
        '/api/auth/register',
        json({ client_id, client_secret: 'correct-horse-battery', app_name: 'a' }),
      );
      expect(again.status).toBe(400);
    });

    test('is for the client alone, and nobody learns whether there is one', async () => {
      const [client, other] = [await registered(server), await registered(server)];
      const foreign = String(other['registration_access_token']);
      for (const token of [foreign, `rat_${'A'.repeat(48)}`, MARK, client['client_secret']]) {
        const answers = [await read(client, token), await put(client, {}, token), await remove(client, token)];
        expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
        for (const answer of answers)
          expect(challengeOf(answer)).toMatchObject({ scheme: 'Bearer', error: 'invalid_token' });
        const missing = await read({ client_id: 'nobody-of-that-name' }, token);
        const withoutId = (text: string): string => text.replace(/"request_id":"[^"]*"/, '');
        expect(withoutId(await missing.text())).toBe(withoutId(await (await read(client, token)).text()));
      }
      const strange = await read({ client_id: '%00' }, makeSecret('rat', randomBytes));
      expect([strange.status, challengeOf(strange)['error']]).toEqual([401, 'invalid_token']);
      const bare = await server.ask(at(client));
      expect([bare.status, challengeOf(bare)['error']]).toEqual([401, undefined]);
      expect((await server.ask(`${at(client)}?access_token=${client['registration_access_token']}`)).status).toBe(400);
      expect((await read(client)).status).toBe(200);
    });

    test('a disabled client is 401', async () => {
      const client = await registered(server);
      await server.services.clients.setActive(String(client['client_id']), false);
      expect((await read(client)).status).toBe(401);
    });

    test('each change is told to the operator', async () => {
      server.logged.length = 0;
      const client = await registered(server);
      await put(client, { client_id: client['client_id'], client_name: 'Told' });
      await remove(client);
      for (const event of ['client_registered', 'client_updated', 'client_deleted'])
        expect(server.logged.filter((line) => line.includes(event))).toHaveLength(1);
    });
  });
});

describe('what a server does not offer', () => {
  eachDatabase('registration', (open) => {
    const bySelf = { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: JWKS };
    const byAuthority = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'a.example' };
    const bound = { tls_client_certificate_bound_access_tokens: true };
    let database: Database;
    beforeAll(async () => {
      database = await open();
    });
    const answers = async (settings: object): Promise<unknown[]> => {
      const server = await startTestServer(database, { settings });
      const all = [];
      for (const body of [bySelf, byAuthority, bound]) {
        const answer = await register(server, body);
        all.push([answer.status, ((await answer.json()) as Json)['error']]);
      }
      await server.close();
      return all;
    };
    const [yes, no] = [
      [201, undefined],
      [400, 'invalid_client_metadata'],
    ];

    test.each([
      ['no proxy passes certificates on', {}, [no, no, no]],
      ['no authority is trusted', { behindProxy: true }, [yes, no, yes]],
      ['authorities are trusted, but no proxy', { mtlsAuthorities: '-----' }, [no, no, no]],
      ['both are there', EVERY_METHOD, [yes, yes, yes]],
    ])('cannot be registered when %s', async (_name, settings, expected) => {
      expect(await answers(settings)).toEqual(expected);
    });

    test('cannot be given by the administrator either: 422', async () => {
      const server = await startTestServer(database);
      const headers = { 'content-type': 'application/json', 'x-admin-secret': ADMIN_SECRET };
      const make = async (more: Json) =>
        (await server.ask('/api/admin/clients', { ...json({ app_name: 'a', ...more }), headers })).status;
      const tls_subject = { kind: 'tls_client_auth_san_dns', value: 'a.example' };
      expect(await make({ auth_method: 'tls_client_auth', tls_subject })).toBe(422);
      expect(await make({ certificate_bound: true })).toBe(422);
      await server.close();
    });

    test('may be kept by who has it from before', async () => {
      const before = await startTestServer(database, { settings: EVERY_METHOD });
      const client = await registered(before, { ...byAuthority, ...bound });
      await before.close();
      const server = await startTestServer(database);
      const body = { client_id: client['client_id'], client_name: 'Renamed', ...byAuthority };
      const headers = { 'content-type': 'application/json', ...bearer(client['registration_access_token']) };
      const answer = await server.ask(`${PATH}/${client['client_id']}`, { ...json(body, 'PUT'), headers });
      expect([answer.status, await answer.json()]).toMatchObject([200, { client_name: 'Renamed', ...bound }]);
      await server.close();
    });
  });
});

describe('who may register at /api/clients', () => {
  const NOBODY = {};
  const ADMIN = { 'x-admin-secret': ADMIN_SECRET };
  const WRONG_ADMIN = { 'x-admin-secret': 'wrong' };
  const WRONG_TOKEN = bearer(`rt_${'A'.repeat(48)}`);
  const cases: [string, 'open' | 'admin' | 'closed', Record<string, string>, number][] = [
    ['open, nobody in particular', 'open', NOBODY, 201],
    ['open, the administrator', 'open', ADMIN, 201],
    ['open, a wrong admin secret', 'open', WRONG_ADMIN, 401],
    ['open, a wrong token', 'open', WRONG_TOKEN, 401],
    ['admin, nobody in particular', 'admin', NOBODY, 401],
    ['admin, the administrator', 'admin', ADMIN, 201],
    ['admin, a wrong admin secret', 'admin', WRONG_ADMIN, 401],
    ['admin, a wrong token', 'admin', WRONG_TOKEN, 401],
    ['closed, nobody in particular', 'closed', NOBODY, 403],
    ['closed, the administrator', 'closed', ADMIN, 403],
  ];
  eachDatabase('by REGISTRATION', (open) => {
    let database: Database;
    beforeAll(async () => {
      database = await open();
    });

    test.each(cases)('%s', async (_name, registration, headers, status) => {
      const server = await startTestServer(database, { settings: { registration } });
      const answer = await register(server, {}, headers);
      expect(answer.status).toBe(status);
      if (status === 401) expect(challengeOf(answer)['scheme']).toBe('Bearer');
      if (status !== 201) expect((await register(server, '{', headers)).status).toBe(status);
      await server.close();
    });

    test('with an initial access token, as often as it says and until it ends', async () => {
      const server = await startTestServer(database, { settings: { registration: 'admin' } });
      const { registrationTokens: tokens } = server.services;
      const { registrationToken, view } = await tokens.create({ label: 'two', expiresInSeconds: DAY_SECONDS, uses: 2 });
      expect(registrationToken).toMatch(/^rt_[A-Za-z0-9_-]{48}$/);
      expect(view).toMatchObject({ label: 'two', hint: registrationToken.slice(-4), state: 'live', uses_left: 2 });
      const stored = JSON.stringify(await database.rows.select().from(registrationTokens));
      expect(stored).not.toContain(registrationToken);

      const headers = bearer(registrationToken);
      expect((await register(server, { scope: 'admin' }, headers)).status).toBe(400);
      const answers = await Promise.all([1, 2, 3, 4].map(() => register(server, {}, headers)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 401, 401]);
      expect(await tokens.list()).toMatchObject([{ state: 'ended', uses_left: 0, last_used_at: expect.any(String) }]);

      const day = await tokens.create({ label: '', expiresInSeconds: DAY_SECONDS, uses: null });
      server.pass(DAY_SECONDS * 1_000 - 1);
      expect((await register(server, {}, bearer(day.registrationToken))).status).toBe(201);
      server.pass(1);
      const late = await register(server, {}, bearer(day.registrationToken));
      expect([late.status, challengeOf(late)['error']]).toEqual([401, 'invalid_token']);
      await server.close();
    });

    test('with an initial access token that was taken back: 401', async () => {
      const server = await startTestServer(database, { settings: { registration: 'admin' } });
      const { registrationTokens: tokens } = server.services;
      const { registrationToken, view } = await tokens.create({ label: '', expiresInSeconds: 60, uses: null });
      await tokens.remove(view.id);
      expect((await register(server, {}, bearer(registrationToken))).status).toBe(401);
      expect(tokens.remove(view.id)).rejects.toMatchObject({ status: 404 });
      await server.close();
    });

    test('with an initial access token in the short form too; a refused one is 403', async () => {
      const server = await startTestServer(database, { settings: { registration: 'admin' } });
      const { registrationTokens: tokens } = server.services;
      const { registrationToken } = await tokens.create({ label: '', expiresInSeconds: 60, uses: 1 });
      const short = (client_id: string, client_secret: string): Promise<Response> => {
        const body = JSON.stringify({ client_id, client_secret, app_name: 'a' });
        const headers = { 'content-type': 'application/json', ...bearer(registrationToken) };
        return server.ask('/api/auth/register', { method: 'POST', body, headers });
      };
      const secret = 'correct-horse-battery';
      const statuses = [(await short('short-1', 'x')).status, (await short('short-1', secret)).status];
      expect([...statuses, (await short('short-2', secret)).status]).toEqual([422, 200, 403]);
      await server.close();
    });

    test('an initial access token is used up by a registration only, not by one that fails', async () => {
      const server = await startTestServer(database, { settings: { registration: 'admin' } });
      const { id } = await server.register();
      const { registrationToken } = await server.services.registrationTokens.create({
        label: '',
        expiresInSeconds: 60,
        uses: 1,
      });
      const secret = 'correct-horse-battery';
      const short = async (client_id: string, client_secret = secret) => {
        const body = { client_id, client_secret, app_name: 'a' };
        const headers = { 'content-type': 'application/json', ...bearer(registrationToken) };
        return server.ask('/api/auth/register', { ...json(body), headers });
      };
      const failures = [await short(id), await short('server'), await short('again-1', makeSecret('cs', randomBytes))];
      expect(failures.map(({ status }) => status)).toEqual([400, 422, 422]);
      expect((await register(server, { jwks: { keys: [] } }, bearer(registrationToken))).status).toBe(400);
      expect((await server.services.registrationTokens.list()).at(-1)).toMatchObject({ state: 'live', uses_left: 1 });
      const answers = await Promise.all(['again-2', 'again-3', 'again-4'].map((client_id) => short(client_id)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403]);
      const refused = await short('again-5');
      expect(refused.status).toBe(403);
      const { detail } = (await refused.json()) as Json;
      expect(detail).toContain('token');
      expect(detail).not.toContain('X-Admin-Secret');
      await server.close();
    });

    test('an initial access token opens nothing else', async () => {
      const server = await startTestServer(database, { settings: { registration: 'admin' } });
      const { registrationToken } = await server.services.registrationTokens.create({
        label: '',
        expiresInSeconds: 60,
        uses: null,
      });
      const client = (await (await register(server, {}, ADMIN)).json()) as Json;
      const headers = bearer(registrationToken);
      for (const path of [`${PATH}/${client['client_id']}`, `${PATH}/${client['client_id']}/secrets`, '/api/currency/'])
        expect((await server.ask(path, { headers })).status).toBe(401);
      await server.close();
    });
  });
});
