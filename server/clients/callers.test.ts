// Who calls /api/clients, and how often: guesses of tokens are limited like those of secrets, and so is a client's own management.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { eachDatabase } from '../../db/testing';
import { ADMIN_SECRET, basic, challengeOf, json, startTestServer, type TestServer } from '../testing';
import { athOf, boundToken, createProver, nonceOf, prove } from '../tokens/testing-proofs';
import { makeSecret } from './secret-format';

const ADMIN = { 'x-admin-secret': ADMIN_SECRET };
const JSON_TYPE = { 'content-type': 'application/json' };
const LIMITS = {
  api: { count: 3, periodMs: 1_000 },
  token: { count: 20, periodMs: 1_000 },
  failed: { count: 10, periodMs: 60_000 },
  register: { count: 1_000, periodMs: 3_600_000 },
};
/** Ten failures are given back. */
const MINUTE_MS = 60_000;

interface Registered {
  readonly client_id: string;
  readonly client_secret: string;
  readonly registration_access_token: string;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const wrong = (prefix: 'rat' | 'rt'): string => makeSecret(prefix, randomBytes);
const statusesOf = (answers: readonly Response[]): number[] => answers.map(({ status }) => status).sort();
const TEN_AND_FIVE = [...Array<number>(10).fill(401), ...Array<number>(5).fill(429)];

eachDatabase('callers of /api/clients', (open) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(await open(), { settings: { limits: LIMITS } });
  });
  afterAll(() => server.close());

  const register = async (): Promise<Registered> =>
    (await (await server.ask('/api/clients', json({}))).json()) as Registered;
  const at = ({ client_id }: Registered, more = ''): string => `/api/clients/${client_id}${more}`;
  const times = <T>(count: number, work: (at: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => work(index)));

  describe('guesses of a registration access token', () => {
    const ways: [string, (client: Registered, token: string) => Promise<Response>][] = [
      ['reading', (client, token) => server.ask(at(client), { headers: bearer(token) })],
      ['replacing', (client, token) => server.ask(at(client), { ...json({}, 'PUT'), headers: bearer(token) })],
      ['removing', (client, token) => server.ask(at(client), { method: 'DELETE', headers: bearer(token) })],
      [
        'rotating',
        (client, token) =>
          server.ask(at(client, '/secrets'), { ...json({}), headers: { ...JSON_TYPE, ...bearer(token) } }),
      ],
    ];
    test.each(ways)('at %s: ten, sent together or not, then the right one is refused too', async (_name, ask) => {
      const client = await register();
      expect(statusesOf(await times(15, () => ask(client, wrong('rat'))))).toEqual(TEN_AND_FIVE);
      const refused = await ask(client, client.registration_access_token);
      expect([refused.status, refused.headers.get('ratelimit-policy')]).toEqual([
        429,
        '"failed-authentication";q=10;w=60',
      ]);
      const other = await register();
      expect((await server.ask(at(other), { headers: bearer(other.registration_access_token) })).status).toBe(200);
      server.pass(MINUTE_MS);
      expect((await server.ask(at(client), { headers: bearer(client.registration_access_token) })).status).toBe(200);
    });

    test('of any form count, and so do those for who can be nobody', async () => {
      const client = await register();
      expect(statusesOf(await times(15, () => server.ask(at(client), { headers: bearer('anything') })))).toEqual(
        TEN_AND_FIVE,
      );
      const nobody = `/api/clients/${'x'.repeat(200)}`;
      expect(statusesOf(await times(15, () => server.ask(nobody, { headers: bearer(wrong('rat')) })))).toEqual(
        TEN_AND_FIVE,
      );
      server.pass(10 * MINUTE_MS);
    });

    test('without a token nothing is guessed', async () => {
      const client = await register();
      expect(new Set(statusesOf(await times(20, () => server.ask(at(client)))))).toEqual(new Set([401]));
      expect((await server.ask(at(client), { headers: bearer(client.registration_access_token) })).status).toBe(200);
    });
  });

  test.each([
    ['/api/clients', {}, 401],
    ['/api/auth/register', { client_id: 'a', client_secret: 'correct-horse-battery', app_name: 'a' }, 403],
  ])('guesses of an initial access token at %s: ten, then the right one is refused too', async (path, body, status) => {
    const uses = { label: '', expiresInSeconds: 3_600, uses: null };
    const { registrationToken } = await server.services.registrationTokens.create(uses);
    const ask = (token: string) => server.ask(path, { ...json(body), headers: { ...JSON_TYPE, ...bearer(token) } });
    const answers = statusesOf(await times(15, () => ask(wrong('rt'))));
    expect(answers).toEqual([...Array<number>(10).fill(status), ...Array<number>(5).fill(429)]);
    expect((await ask(registrationToken)).status).toBe(429);
    server.pass(10 * MINUTE_MS);
  });

  describe('management by a client itself', () => {
    const seen = ({ status, headers }: Response): unknown[] => [status, headers.get('ratelimit')];

    test('takes its limit at the API, whatever it does and however it proves who it is', async () => {
      const client = await register();
      const { client_id: id, client_secret: secret } = client;
      const own = bearer(client.registration_access_token);
      const answers = [
        await server.ask(at(client), { headers: own }),
        await server.ask(at(client), { ...json({ client_id: id }, 'PUT'), headers: { ...JSON_TYPE, ...own } }),
        await server.ask(at(client, '/secrets'), { headers: { authorization: basic({ id, secret }) } }),
        await server.ask(at(client, '/secrets'), json({ client_id: id, client_secret: secret })),
      ];
      expect(answers.map(seen)).toEqual([
        [200, '"api";r=2;t=1'],
        [200, '"api";r=1;t=1'],
        [200, '"api";r=0;t=1'],
        [429, '"api";r=0;t=1'],
      ]);
      server.pass(1_000);
      const rotated = await server.ask(at(client, '/secrets'), json({ client_id: id, client_secret: secret }));
      expect(seen(rotated)).toEqual([201, '"api";r=2;t=1']);
      const removed = await server.ask(at(client), { method: 'DELETE', headers: own });
      expect(seen(removed)).toEqual([204, '"api";r=1;t=1']);
    });

    test('by the administrator has no limit', async () => {
      const client = await register();
      const answers = await times(8, () => server.ask(at(client, '/secrets'), { headers: ADMIN }));
      expect(answers.map(seen)).toEqual(Array(8).fill([200, null]));
    });
  });

  test('an administrator with a DPoP-bound token hears of the nonce and manages secrets (RFC 9449 §9)', async () => {
    const made = await server.services.clients.create({
      ...{ clientId: null, appName: 'Operator', authMethod: 'client_secret_basic', jwks: null, jwksUri: null },
      ...{
        tlsSubject: null,
        dpopBound: true,
        certificateBound: false,
        limits: { api: null, token: null },
        metadata: {},
      },
      grants: { [`${server.issuer}/api/admin`]: ['admin'] },
      secret: { label: '', expiresInSeconds: null },
      manageable: false,
    });
    const operator = { id: made.client.client_id, secret: made.clientSecret ?? '' };
    const prover = await createProver();
    const token = await boundToken(server, operator, prover, `&resource=${server.issuer}/api/admin`);
    const path = at(await register(), '/secrets');
    const ask = async (nonce?: string): Promise<Response> => {
      const claims = {
        htm: 'POST',
        htu: `${server.issuer}${path}`,
        iat: server.now() / 1000,
        ath: athOf(token),
        nonce,
      };
      const dpop = await prove(prover, claims);
      return server.ask(path, { ...json({}), headers: { ...JSON_TYPE, authorization: `DPoP ${token}`, dpop } });
    };
    const first = await ask();
    expect([first.status, challengeOf(first)['error']]).toEqual([401, 'use_dpop_nonce']);
    expect((await ask(first.headers.get('dpop-nonce') ?? '')).status).toBe(201);
    expect((await ask(await nonceOf(server, operator, prover))).status).toBe(201);
  });
});
