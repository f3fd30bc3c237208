// Somebody else's code against ours: every flow that oauth4webapi and openid-client have for machines.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import type { Database } from '../db/connect';
import { eachDatabase } from '../db/testing';
import { freePort } from '../db/testing-postgres';
import { AUTHORITY, CLIENT, hasOpenssl, type Made, makeCertificate } from '../kit/testing-certificates';
import { hasHaproxy, startProxy, type TlsProxy } from './authentication/testing-proxy';
import { ADMIN_SECRET, json, startTestServer, type TestServer } from './testing';
import { discover, registerOauth4webapi, registerOpenidClient, type Way } from './testing-strangers';

const direct = (url: string, init: RequestInit): Promise<Response> => fetch(url, init);
const AUDIENCE = '/api/currency';

const withSecret = async (method: 'client_secret_basic' | 'client_secret_post'): Promise<Way> => ({
  metadata: { token_endpoint_auth_method: method },
  oauth4webapi: (client) => {
    const secret = String(client['client_secret']);
    return method === 'client_secret_basic' ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret);
  },
  openidClient: method === 'client_secret_basic' ? openid.ClientSecretBasic() : openid.ClientSecretPost(),
  fetch: direct,
});

const withKey = async (alg: string): Promise<Way> => {
  const pair = await oauth.generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), kid: 'one', use: 'sig' };
  const key = { key: pair.privateKey, kid: 'one' };
  return {
    metadata: { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } },
    oauth4webapi: () => oauth.PrivateKeyJwt(key),
    openidClient: openid.PrivateKeyJwt(key),
    fetch: direct,
  };
};

/** Both libraries in every flow that they have, by each way. */
function driveAll(ways: readonly [string, () => Promise<Way>][], issuer: () => string): void {
  test.each(ways)(
    'oauth4webapi: registration, token by %s, validation, introspection, revocation',
    async (_name, make) => {
      const way = await make();
      const stranger = await registerOauth4webapi(issuer(), way);
      const { token } = await stranger.ask({ scope: 'currency:read' });
      expect((await stranger.read('/api/currency', token)).status).toBe(200);
      // The library does not know certificate-bound tokens.
      if (way.metadata['tls_client_certificate_bound_access_tokens'] === undefined) {
        const claims = await stranger.validate(`${issuer()}${AUDIENCE}`);
        expect(claims).toMatchObject({ sub: stranger.clientId, client_id: stranger.clientId, scope: 'currency:read' });
        await expect(stranger.validate('https://other.example')).rejects.toThrow();
      }
      const told = { active: true, client_id: stranger.clientId, scope: 'currency:read' };
      expect(await stranger.introspect(token)).toMatchObject(told);
      await stranger.revoke(token);
      await expect(stranger.read('/api/currency', token)).rejects.toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
      expect(await stranger.introspect(token)).toEqual({ active: false });
    },
  );

  test.each(ways)('oauth4webapi: DPoP beside %s', async (_name, make) => {
    const way = await make();
    const stranger = await registerOauth4webapi(issuer(), way, { dpop: 'ES256' });
    const { token, type } = await stranger.ask();
    expect(type).toBe('dpop');
    expect((await stranger.read('/api/currency/BTC', token)).status).toBe(200);
    expect(stranger.noncesLearnt()).toBe(1);
    if (way.metadata['tls_client_certificate_bound_access_tokens'] === undefined)
      expect(await stranger.validate(`${issuer()}${AUDIENCE}`)).toMatchObject({ client_id: stranger.clientId });
  });

  test.each(ways)('openid-client: registration, token by %s, introspection, revocation', async (_name, make) => {
    const stranger = await registerOpenidClient(issuer(), await make());
    const { token } = await stranger.ask({ scope: 'currency:read' });
    const rate = await stranger.read('/api/currency/BTC', token);
    expect(await rate.json()).toMatchObject({ symbol: 'BTC' });
    expect(await stranger.introspect(token)).toMatchObject({ active: true, client_id: stranger.clientId });
    await stranger.revoke(token);
    expect(await stranger.introspect(token)).toEqual({ active: false });
  });

  test.each(ways)('openid-client: DPoP beside %s, with nonces learnt by itself', async (_name, make) => {
    const stranger = await registerOpenidClient(issuer(), await make(), { dpop: 'ES256' });
    const { token, type } = await stranger.ask();
    expect(type).toBe('dpop');
    expect((await stranger.read('/api/currency/BTC', token)).status).toBe(200);
  });
}

eachDatabase('strangers drive', (open) => {
  let database: Database;
  let server: TestServer;
  beforeAll(async () => {
    database = await open();
    // Strangers have a clock of their own.
    server = await startTestServer(database, { settings: { now: Date.now } });
  });
  afterAll(() => server.close());

  const asAdmin = async (method: string, path: string, body: unknown): Promise<Record<string, unknown>> => {
    const headers = { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'application/json' };
    const answer = await server.ask(`/api/admin/${path}`, { method, headers, body: JSON.stringify(body) });
    expect(answer.ok).toBe(true);
    return (await answer.json()) as Record<string, unknown>;
  };

  driveAll(
    [
      ['client_secret_basic', () => withSecret('client_secret_basic')],
      ['client_secret_post', () => withSecret('client_secret_post')],
      ['private_key_jwt with ES256', () => withKey('ES256')],
      ['private_key_jwt with EdDSA', () => withKey('Ed25519')],
      ['private_key_jwt with PS256', () => withKey('PS256')],
      ['private_key_jwt with RS256', () => withKey('RS256')],
    ],
    () => server.issuer,
  );

  describe.skipIf(!hasHaproxy() || !hasOpenssl())('through TLS that HAProxy ends (haproxy, openssl)', () => {
    let [root, tls]: Made[] = [];
    let proxy: TlsProxy;
    let behind: TestServer;
    beforeAll(async () => {
      root = makeCertificate({ subject: '/CN=Root', extensions: AUTHORITY });
      tls = makeCertificate({ subject: '/CN=localhost', extensions: ['subjectAltName=DNS:localhost'] });
      const port = await freePort();
      behind = await startTestServer(database, {
        settings: {
          issuer: `https://localhost:${port}`,
          now: Date.now,
          mtlsAuthorities: root.cert,
          trusted: (address) => address === '127.0.0.1',
          behindProxy: true,
        },
      });
      proxy = await startProxy({ port, serverPort: behind.port, tls, authorities: root.cert });
    });
    afterAll(async () => {
      await proxy?.close();
      await behind?.close();
    });

    const withCertificate = (metadata: Way['metadata'], { cert, key }: Made): Way => ({
      metadata,
      oauth4webapi: () => oauth.TlsClientAuth(),
      openidClient: openid.TlsClientAuth(),
      // A connection that is kept would be used with the certificate of somebody else.
      fetch: (url, init) => fetch(url, { ...init, keepalive: false, tls: { ca: tls!.cert, cert, key } }),
    });
    const issued = (): Made => makeCertificate({ subject: '/CN=stranger', issuer: root!, extensions: CLIENT });
    const selfSigned = (): Way => {
      const made = makeCertificate({ subject: '/CN=stranger' });
      const jwk = { ...made.x509.publicKey.export({ format: 'jwk' }), x5c: [made.x509.raw.toString('base64')] };
      const metadata = {
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        tls_client_certificate_bound_access_tokens: true,
        jwks: { keys: [jwk] },
      };
      return withCertificate(metadata, made);
    };
    const byAuthority = (more: Record<string, unknown> = {}): Way => {
      const name = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=stranger' };
      return withCertificate({ ...name, ...more }, issued());
    };
    driveAll(
      [
        ['tls_client_auth', async () => byAuthority()],
        [
          'tls_client_auth, bound to the certificate',
          async () => byAuthority({ tls_client_certificate_bound_access_tokens: true }),
        ],
        ['self_signed_tls_client_auth, bound to the certificate', async () => selfSigned()],
      ],
      () => proxy.url,
    );
  });

  test.each(['ES256', 'Ed25519', 'PS256', 'RS256'])('both: DPoP with %s', async (dpop) => {
    const way = await withSecret('client_secret_basic');
    for (const register of [registerOauth4webapi, registerOpenidClient]) {
      const stranger = await register(server.issuer, way, { dpop });
      const { token } = await stranger.ask();
      expect((await stranger.read('/api/currency/BTC', token)).status).toBe(200);
    }
  });

  test('both: registration with an initial access token (RFC 7591 §3), and none without', async () => {
    const closed = await startTestServer(database, { settings: { now: Date.now, registration: 'admin' } });
    const made = await asAdmin('POST', 'registration-tokens', {
      label: 'Strangers',
      uses: 2,
      expires_in_seconds: 3_600,
    });
    const way = await withSecret('client_secret_basic');
    for (const register of [registerOauth4webapi, registerOpenidClient]) {
      await expect(register(closed.issuer, way)).rejects.toThrow();
      const stranger = await register(closed.issuer, way, { initialAccessToken: String(made['registration_token']) });
      expect((await stranger.ask()).type).toBe('bearer');
    }
    await closed.close();
  });

  test('oauth4webapi: from the refusal of the resource to its metadata, its authorization server, a token and an answer (RFC 9728 §5)', async () => {
    const resource = new URL(`${server.issuer}${AUDIENCE}`);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const refused = await oauth
      .protectedResourceRequest('none', 'GET', resource, new Headers(), null, insecure)
      .catch((error: unknown) => error);
    const [challenge] = (refused as oauth.WWWAuthenticateChallengeError).cause;
    const metadata = await fetch(String(challenge?.parameters['resource_metadata']));
    const described = await oauth.processResourceDiscoveryResponse(resource, metadata);
    const [issuer = ''] = described.authorization_servers ?? [];
    const stranger = await registerOauth4webapi(issuer, await withSecret('client_secret_basic'));
    const scope = described.scopes_supported?.join(' ') ?? '';
    const { token } = await stranger.ask({ resource: described.resource, scope });
    const answer = await oauth.protectedResourceRequest(token, 'GET', resource, new Headers(), null, insecure);
    expect(answer.status).toBe(200);
  });

  test('the registration is managed with its own token (RFC 7592)', async () => {
    const as = await discover(server.issuer, direct);
    const metadata = { client_name: 'Stranger' };
    const insecure = { [oauth.allowInsecureRequests]: true };
    const client = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(as, metadata, insecure),
    );
    const uri = String(client['registration_client_uri']);
    const headers = { authorization: `Bearer ${String(client['registration_access_token'])}` };
    const read = (await (await fetch(uri, { headers })).json()) as Record<string, unknown>;
    expect(read).toMatchObject({ client_id: client.client_id, client_name: 'Stranger' });
    const renamed = json({ client_id: client.client_id, client_name: 'Renamed' }, 'PUT');
    const changed = await fetch(uri, { ...renamed, headers: { ...headers, 'content-type': 'application/json' } });
    expect(await changed.json()).toMatchObject({ client_name: 'Renamed' });
    expect((await fetch(uri, { method: 'DELETE', headers })).status).toBe(204);
    expect((await fetch(uri, { headers })).status).toBe(401);
  });

  test('an API of somebody else: a registered resource, a token for it, and its own introspection', async () => {
    const identifier = 'https://orders.example.com/v1';
    const way = await withSecret('client_secret_basic');
    const [api, client] = [
      await registerOauth4webapi(server.issuer, way),
      await registerOauth4webapi(server.issuer, way),
    ];
    await asAdmin('POST', 'resources', {
      identifier,
      name: 'Orders',
      scopes: ['orders:read', 'orders:write'],
      introspection_clients: [api.clientId],
    });
    await asAdmin('PATCH', `clients/${client.clientId}`, { grants: { [identifier]: ['orders:read'] } });
    const { token } = await client.ask({ resource: identifier });
    const incoming = new Request(identifier, { headers: { authorization: `Bearer ${token}` } });
    const claims = await oauth.validateJwtAccessToken(api.as, incoming, identifier, {
      [oauth.allowInsecureRequests]: true,
    });
    expect(claims).toMatchObject({ aud: identifier, scope: 'orders:read' });
    expect(await api.introspect(token)).toMatchObject({ active: true, aud: identifier, client_id: client.clientId });
  });
});
