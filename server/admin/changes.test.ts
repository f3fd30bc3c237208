// Changes by the administrator: what they leave, what they refuse, and what the trail tells of them.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { eachDatabase } from '../../db/testing';
import { ADMIN_SECRET, startTestServer, type TestServer } from '../testing';

type Json = Record<string, unknown>;

/** The public key of RFC 7517 appendix A.1, and its thumbprint (RFC 7638). */
const KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
};
const THUMBPRINT = 'cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s';

eachDatabase('changes by the administrator', (open) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(await open());
  });
  afterAll(() => server.close());

  const ask = (method: string, path: string, body?: unknown): Promise<Response> =>
    server.ask(`/api/admin${path}`, {
      method,
      headers: { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const told = async (answer: Response): Promise<Json> => {
    expect(answer.ok).toBe(true);
    return (await answer.json()) as Json;
  };
  const made = async (more: Json = {}): Promise<string> => {
    const { client } = await told(await ask('POST', '/clients', { app_name: 'Tests', ...more }));
    return String((client as Json)['client_id']);
  };
  /** `details` of the events of this name about this client, newest first. */
  const events = async (query: string): Promise<Json[]> =>
    ((await told(await ask('GET', `/audit?${query}`)))['items'] as Json[]).map(({ details }) => details as Json);

  describe('of a client', () => {
    test('leave the limit that they do not name', async () => {
      const id = await made({ limits: { api: '5/s', token: '3/s' } });
      const change = async (limits: Json) => (await told(await ask('PATCH', `/clients/${id}`, { limits })))['limits'];
      expect(await change({ api: '60/s' })).toEqual({ api: '60/s', token: '3/s' });
      expect(await change({ token: null })).toEqual({ api: '60/s', token: null });
      expect(await change({})).toEqual({ api: '60/s', token: null });
    });

    test.each([
      ['a secret', { secret: { expires_in: 90 } }],
      ['limits', { limits: { appi: '100/s' } }],
      [
        'the name of a certificate',
        {
          auth_method: 'tls_client_auth',
          tls_subject: { kind: 'tls_client_auth_san_dns', value: 'a.example', issuer: 'b' },
        },
      ],
    ])('that name an unknown member inside %s are 422', async (_name, settings) => {
      expect((await ask('POST', '/clients', { app_name: 'Tests', ...settings })).status).toBe(422);
      if ('secret' in settings) return;
      expect((await ask('PATCH', `/clients/${await made()}`, settings)).status).toBe(422);
    });

    test('are told with what differs alone, and its new values', async () => {
      const id = await made({ dpop_bound: true });
      const grants = {
        [`${server.issuer}/api/currency`]: ['currency:read'],
        [`${server.issuer}/api/admin`]: ['admin'],
      };
      await ask('PATCH', `/clients/${id}`, { app_name: 'Tests', dpop_bound: false, limits: { token: '3/s' }, grants });
      await ask('PATCH', `/clients/${id}`, {
        auth_method: 'private_key_jwt',
        jwks: { keys: [KEY] },
        limits: { token: '3/s' },
      });
      expect(await events(`client=${id}&event=client_updated`)).toEqual([
        { changed: ['auth_method', 'jwks'], auth_method: 'private_key_jwt', jwks: [THUMBPRINT] },
        {
          changed: ['dpop_bound', 'grants', 'token_limit'],
          dpop_bound: false,
          grants: [`${server.issuer}/api/admin admin`, `${server.issuer}/api/currency currency:read`],
          token_limit: '3/s',
        },
      ]);
    });

    test('tell of the secrets that a client loses by them', async () => {
      const id = await made({ secret: { label: 'first' } });
      const { items } = await told(await ask('GET', `/clients/${id}/secrets`));
      const [secret] = items as Json[];
      await ask('PATCH', `/clients/${id}`, { auth_method: 'private_key_jwt', jwks: { keys: [KEY] } });
      await ask('PATCH', `/clients/${id}`, { auth_method: 'client_secret_post' });
      const lost = { secret_id: secret?.['id'], label: 'first', expires_at: null };
      expect(await events(`client=${id}&event=secret_revoked`)).toEqual([lost]);
      expect(await events(`client=${id}&event=secret_created`)).toEqual([]);
    });

    test.each([
      ['nothing', {}],
      ['what is so already', { app_name: 'Tests', limits: { api: null } }],
    ])('of %s are no event', async (_name, change) => {
      const id = await made();
      expect((await ask('PATCH', `/clients/${id}`, change)).status).toBe(200);
      expect(await events(`client=${id}&event=client_updated`)).toEqual([]);
    });
  });

  test('of a resource are told with what differs, and who may introspect its tokens', async () => {
    const [identifier, id] = ['https://shipping.example.com/api', await made()];
    const resource = { identifier, name: 'Shipping', scopes: ['a', 'b'], introspection_clients: [id] };
    const path = `/resources/${(await told(await ask('POST', '/resources', resource)))['id']}`;
    for (const change of [{ name: 'Shipping' }, {}, { introspection_clients: [] }, { name: 'Freight', scopes: ['a'] }])
      expect((await ask('PATCH', path, change)).status).toBe(200);
    expect(await events('event=resource_created')).toEqual([
      { resource: identifier, name: 'Shipping', scopes: ['a', 'b'], introspection_clients: [id] },
    ]);
    expect(await events('event=resource_updated')).toEqual([
      { resource: identifier, changed: ['name', 'scopes'], name: 'Freight', scopes: ['a'] },
      { resource: identifier, changed: ['introspection_clients'], introspection_clients: [] },
    ]);
  });
});
