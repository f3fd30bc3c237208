import { describe, expect, test } from 'bun:test';
import { TokenError } from '../auth/token';
import type { Server } from '../servers/servers';
import { countingBytes, noDeadline, START_MS, thrown } from '../testing/world';
import { isLocalAddress, mayCarrySecret } from './private-address';
import { type RegistrationDeps, register, registerKey } from './registration';
import { makeCredential } from './self-made';

const JWK = { kty: 'OKP', crv: 'Ed25519', x: 'abc' };
const byPair = (deps: RegistrationDeps): Promise<unknown> => register(APPLICANT, deps);
const byKey = (deps: RegistrationDeps): Promise<unknown> => registerKey({ appName: 'App', jwk: JWK, dpop: true }, deps);
const APPLICANT = { clientId: 'me', clientSecret: 'a-long-enough-secret', appName: 'App' };

const ENDPOINT = { url: 'http://localhost:1/token', style: 'basic', registration: null } as const;

interface Options {
  readonly url?: string;
  readonly adminSecret?: string;
  readonly registrationToken?: string;
  readonly addresses?: string[];
  readonly endpoint?: Server['endpoint'];
}

async function attempt(response: Response, options: Options = {}, by: typeof byPair | typeof byKey = byPair) {
  const sent: Request[] = [];
  let withheld = 0;
  const url = options.url ?? 'http://localhost:1';
  const result = by({
    servers: { run: (work) => work({ url, endpoint: options.endpoint ?? (async () => ENDPOINT) }, noDeadline()) },
    admission: { adminSecret: options.adminSecret ?? null, registrationToken: options.registrationToken ?? null },
    fetch: async (request) => {
      sent.push(request);
      return response;
    },
    clock: { now: () => START_MS },
    lookup: async () => options.addresses ?? ['127.0.0.1', '::1'],
    onSecretWithheld: () => withheld++,
  });
  await result.catch(() => {});
  return { result, sent: sent[0] as Request, withheld };
}

describe('a registration', () => {
  test('shows nothing to a server whose metadata name another issuer', async () => {
    const wrong = new TokenError({ kind: 'wrong_issuer', expected: 'a', found: 'b' });
    const { result, sent } = await attempt(Response.json({}), { endpoint: () => Promise.reject(wrong) });
    expect((await thrown(result, TokenError)).trouble.kind).toBe('wrong_issuer');
    expect(sent).toBeUndefined();
  });

  test('sends id, secret and name as JSON', async () => {
    const { sent, result } = await attempt(Response.json({ message: 'Klient zarejestrowany', id: 1 }));
    expect(sent.url).toBe('http://localhost:1/api/auth/register');
    expect(await sent.json()).toEqual({ client_id: 'me', client_secret: 'a-long-enough-secret', app_name: 'App' });
    expect(await result).toEqual({ existing: false, answer: { message: 'Klient zarejestrowany', id: 1 } });
  });

  test.each([400, 409])('of an id that exists (%p) counts', async (status) => {
    const { result } = await attempt(Response.json({ detail: 'taken' }, { status }));
    expect(await result).toEqual({ existing: true, answer: {} });
  });

  test.each([
    [403, 'not_registered'],
    [422, 'not_registered'],
    [401, 'not_registered'],
    [404, 'not_registered'],
    [429, 'busy'],
    [503, 'busy'],
    [302, 'malformed'],
  ])('answered with %p is %p', async (status, kind) => {
    const { result } = await attempt(new Response('{}', { status }));
    const { trouble } = await thrown(result, TokenError);
    expect(trouble.kind).toBe(kind as never);
  });
});

describe('what the server says', () => {
  const { clientSecret } = APPLICANT;
  test.each([
    ['plain words', 'the name is taken', {}, 'the name is taken'],
    ['its secret', `${clientSecret} is too short`, {}, null],
    ['the secret of the administrator', 'no s3cret here', { adminSecret: 's3cret' }, null],
    ['the registration token', 'used up: t0ken', { registrationToken: 't0ken' }, null],
  ])('is repeated unless it holds a secret that was shown: %s', async (_, detail, options, expected) => {
    const { result } = await attempt(Response.json({ detail }, { status: 403 }), options);
    const { trouble } = await thrown(result, TokenError);
    expect(trouble).toEqual({ kind: 'not_registered', status: 403, detail: expected });
  });
});

describe("the administrator's secret", () => {
  const ok = () => Response.json({});

  test.each([
    ['https://rates.example.com', []],
    ['http://127.0.0.1:8000', []],
    ['http://[::1]:8000', []],
    ['http://10.1.2.3', []],
    ['http://crypto-server:8000', ['172.20.0.3']],
    ['http://localhost:8000', ['127.0.0.1', '::1']],
  ])('goes to %p (%p)', async (url, addresses) => {
    const { sent, withheld } = await attempt(ok(), { url, addresses, adminSecret: 's3cret' });
    expect(sent.headers.get('x-admin-secret')).toBe('s3cret');
    expect(withheld).toBe(0);
  });

  test.each([
    ['http://8.8.8.8', []],
    ['http://rates.example.com', ['93.184.216.34']],
    ['http://rates.example.com', ['10.0.0.1', '93.184.216.34']],
    ['http://rates.example.com', []],
    ['http://[2001:db8::1]', []],
  ])('stays at home for %p (%p)', async (url, addresses) => {
    const { sent, withheld } = await attempt(ok(), { url, addresses, adminSecret: 's3cret' });
    expect(sent.headers.has('x-admin-secret')).toBe(false);
    expect(withheld).toBe(1);
  });

  test('stays at home when the name cannot be found', async () => {
    expect(await mayCarrySecret('http://nowhere.invalid', () => Promise.reject(new Error('ENOTFOUND')))).toBe(false);
  });

  test('is not sent when there is none', async () => {
    const { sent } = await attempt(ok());
    expect(sent.headers.has('x-admin-secret')).toBe(false);
  });
});

describe('a public key', () => {
  test('is registered by the standard, and the server gives the id', async () => {
    const answer = { client_id: 'made', client_id_issued_at: 1, registration_access_token: 'rat_x' };
    const { sent, result } = await attempt(Response.json(answer, { status: 201 }), {}, byKey);
    expect(sent.url).toBe('http://localhost:1/api/clients');
    expect(await sent.json()).toEqual({
      client_name: 'App',
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [JWK] },
      dpop_bound_access_tokens: true,
    });
    const known = (await result) as { clientId: string };
    expect(known.clientId).toBe('made');
    expect(JSON.stringify(known)).not.toContain('rat_x');
  });

  test.each([
    ['without an id', Response.json({}, { status: 201 }), 'malformed'],
    ['that is refused', Response.json({ error: 'invalid_client_metadata' }, { status: 400 }), 'not_registered'],
    ['where nobody may register', new Response('{}', { status: 403 }), 'not_registered'],
  ])('answered %s', async (_, response, kind) => {
    const { result } = await attempt(response, {}, byKey);
    expect((await thrown(result, TokenError)).trouble.kind).toBe(kind as never);
  });
});

describe('an initial access token', () => {
  test('goes as Bearer, before the secret of the administrator', async () => {
    for (const by of [byPair, byKey]) {
      const answer = Response.json({ client_id: 'x' });
      const { sent } = await attempt(answer, { registrationToken: 'rt_1', adminSecret: 's3cret' }, by);
      expect(sent.headers.get('authorization')).toBe('Bearer rt_1');
      expect(sent.headers.has('x-admin-secret')).toBe(false);
    }
  });

  test('stays at home before a public address over plain http', async () => {
    const { sent, withheld } = await attempt(Response.json({}), { url: 'http://8.8.8.8', registrationToken: 'rt_1' });
    expect(sent.headers.has('authorization')).toBe(false);
    expect(withheld).toBe(1);
  });
});

describe('local addresses', () => {
  test.each([
    '127.0.0.1',
    '127.8.8.8',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '::1',
    'fd12::1',
    '::ffff:10.0.0.1',
  ])('%p is one', (address) => {
    expect(isLocalAddress(address)).toBe(true);
  });

  test.each([
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '169.254.169.254',
    '0.0.0.0',
    '::',
    '2001:db8::1',
    '::ffff:8.8.8.8',
    'localhost',
    '',
  ])('%p is not', (address) => {
    expect(isLocalAddress(address)).toBe(false);
  });
});

describe('a self-made credential', () => {
  test('has a recognisable id and 256 random bits', () => {
    const made = makeCredential('App', countingBytes(), START_MS);
    expect(made.clientId).toMatch(/^crypto-client-[a-z2-7]{12}$/);
    expect(Buffer.from(made.secrets[0]?.value ?? '', 'base64url')).toHaveLength(32);
    expect(made).toMatchObject({ appName: 'App', origin: 'self-made', registered: false });
  });
});
