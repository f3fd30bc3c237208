// Somebody else's code against ours: every flow that oauth4webapi and openid-client have for machines.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { eachDatabase } from '../db/testing';
import { ADMIN_SECRET, startTestServer, type TestServer } from './testing';
import { makeCertificate } from './x509/testing-certificates';

const insecure = { [oauth.allowInsecureRequests]: true };

/** What a registration gave. */
interface Enrolled {
  readonly client: oauth.Client;
  readonly authentication: oauth.ClientAuth;
  readonly openid: openid.ClientAuth;
  /** Passes a certificate on as a proxy does (RFC 9440). */
  readonly fetch?: (url: string, options: RequestInit) => Promise<Response>;
}

eachDatabase('strangers drive', (open) => {
  let server: TestServer;
  let as: oauth.AuthorizationServer;
  beforeAll(async () => {
    // Strangers have a clock of their own; the test itself is the proxy that passes certificates on.
    const settings = { now: Date.now, trusted: (address: string) => address.endsWith('127.0.0.1') };
    server = await startTestServer(await open(), { settings });
    const issuer = new URL(server.issuer);
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    as = await oauth.processDiscoveryResponse(issuer, found);
  });
  afterAll(() => server.close());

  const enrol = async (metadata: Record<string, unknown>): Promise<oauth.OmitSymbolProperties<oauth.Client>> => {
    const answer = await oauth.dynamicClientRegistrationRequest(as, { client_name: 'Stranger', ...metadata }, insecure);
    return oauth.processDynamicClientRegistrationResponse(answer);
  };
  const withSecret = async (method: string): Promise<Enrolled> => {
    const client = await enrol({ token_endpoint_auth_method: method });
    const secret = String(client['client_secret']);
    const basic = method === 'client_secret_basic';
    return {
      client,
      authentication: basic ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret),
      openid: basic ? openid.ClientSecretBasic(secret) : openid.ClientSecretPost(secret),
    };
  };
  const withKey = async (alg: string): Promise<Enrolled> => {
    const pair = await oauth.generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), kid: 'one', use: 'sig' };
    const client = await enrol({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } });
    const key = { key: pair.privateKey, kid: 'one' };
    return { client, authentication: oauth.PrivateKeyJwt(key), openid: openid.PrivateKeyJwt(key) };
  };
  const withCertificate = async (): Promise<Enrolled> => {
    const { x509 } = makeCertificate({ subject: '/CN=stranger' });
    const der = x509.raw;
    const jwk = { ...x509.publicKey.export({ format: 'jwk' }), x5c: [der.toString('base64')] };
    const client = await enrol({
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
      tls_client_certificate_bound_access_tokens: true,
      jwks: { keys: [jwk] },
    });
    const passOn = (url: string, options: RequestInit): Promise<Response> => {
      const headers = new Headers(options.headers);
      headers.set('client-cert', `:${der.toString('base64')}:`);
      return fetch(url, { ...options, headers });
    };
    return { client, authentication: oauth.TlsClientAuth(), openid: openid.TlsClientAuth(), fetch: passOn };
  };

  const ways: [string, () => Promise<Enrolled>][] = [
    ['client_secret_basic', () => withSecret('client_secret_basic')],
    ['client_secret_post', () => withSecret('client_secret_post')],
    ['private_key_jwt with ES256', () => withKey('ES256')],
    ['private_key_jwt with EdDSA', () => withKey('Ed25519')],
    ['private_key_jwt with PS256', () => withKey('PS256')],
    ['self_signed_tls_client_auth', withCertificate],
  ];

  test.each(ways)(
    'oauth4webapi: registration, token by %s, validation, introspection, revocation',
    async (_name, make) => {
      const { client, authentication, fetch: passOn } = await make();
      const options = { ...insecure, ...(passOn === undefined ? {} : { [oauth.customFetch]: passOn as never }) };
      const resource = new URL(`${server.issuer}/api/currency`);
      const granted = await oauth.processClientCredentialsResponse(
        as,
        client,
        await oauth.clientCredentialsGrantRequest(as, client, authentication, { scope: 'currency:read' }, options),
      );
      // The library does not know certificate-bound tokens.
      if (passOn === undefined) {
        const headers = { authorization: `Bearer ${granted.access_token}` };
        const incoming = new Request(resource.href, { headers });
        const claims = await oauth.validateJwtAccessToken(as, incoming, resource.href, insecure);
        expect(claims).toMatchObject({ sub: client.client_id, scope: 'currency:read' });
      }

      const read = () =>
        oauth.protectedResourceRequest(granted.access_token, 'GET', resource, new Headers(), null, options);
      expect((await read()).status).toBe(200);

      const introspect = async () =>
        oauth.processIntrospectionResponse(
          as,
          client,
          await oauth.introspectionRequest(as, client, authentication, granted.access_token, options),
        );
      expect(await introspect()).toMatchObject({ active: true, client_id: client.client_id, scope: 'currency:read' });

      await oauth.processRevocationResponse(
        await oauth.revocationRequest(as, client, authentication, granted.access_token, options),
      );
      await expect(read()).rejects.toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
      expect((await introspect()).active).toBe(false);
    },
  );

  test.each(ways)('openid-client: discovery, token by %s, introspection, revocation', async (_name, make) => {
    const { client, openid: authentication, fetch: passOn } = await make();
    const config = await openid.discovery(new URL(server.issuer), client.client_id, undefined, authentication, {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
      ...(passOn === undefined ? {} : { [openid.customFetch]: passOn as never }),
    });
    const granted = await openid.clientCredentialsGrant(config, { scope: 'currency:read' });
    const url = new URL(`${server.issuer}/api/currency/BTC`);
    const rate = await openid.fetchProtectedResource(config, granted.access_token, url, 'GET');
    expect(await rate.json()).toMatchObject({ symbol: 'BTC' });
    expect(await openid.tokenIntrospection(config, granted.access_token)).toMatchObject({ active: true });
    await openid.tokenRevocation(config, granted.access_token);
    expect((await openid.tokenIntrospection(config, granted.access_token)).active).toBe(false);
  });

  test.each(['ES256', 'Ed25519', 'PS256', 'RS256'])(
    'oauth4webapi: DPoP with %s, nonces learnt on the way',
    async (alg) => {
      const client = await enrol({ dpop_bound_access_tokens: true });
      const authentication = oauth.ClientSecretBasic(String(client['client_secret']));
      const DPoP = oauth.DPoP({}, await oauth.generateKeyPair(alg));
      const options = { ...insecure, DPoP };
      const ask = async () =>
        oauth.processClientCredentialsResponse(
          as,
          client,
          await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, options),
        );
      const first = await ask().catch((error: unknown) => error);
      expect(oauth.isDPoPNonceError(first)).toBe(true);
      const granted = await ask();
      expect(granted.token_type).toBe('dpop');
      const resource = new URL(`${server.issuer}/api/currency`);
      const read = (): Promise<unknown> =>
        oauth
          .protectedResourceRequest(granted.access_token, 'GET', resource, new Headers(), null, options)
          .catch((error: unknown) => error);
      let answer = await read();
      if (oauth.isDPoPNonceError(answer)) answer = await read();
      expect((answer as Response).status).toBe(200);
    },
  );

  test('oauth4webapi: DPoP beside a signed assertion', async () => {
    const { client, authentication } = await withKey('ES256');
    const options = { ...insecure, DPoP: oauth.DPoP({}, await oauth.generateKeyPair('ES256')) };
    const ask = async () =>
      oauth.processClientCredentialsResponse(
        as,
        client,
        await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, options),
      );
    // The refusal has used the assertion up; the library signs another.
    expect(oauth.isDPoPNonceError(await ask().catch((error: unknown) => error))).toBe(true);
    expect((await ask()).token_type).toBe('dpop');
  });

  test('openid-client: DPoP, which learns nonces by itself', async () => {
    const client = await enrol({ dpop_bound_access_tokens: true });
    const config = await openid.discovery(
      new URL(server.issuer),
      client.client_id,
      undefined,
      openid.ClientSecretBasic(String(client['client_secret'])),
      { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] },
    );
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair());
    const granted = await openid.clientCredentialsGrant(config, {}, { DPoP });
    expect(granted.token_type).toBe('dpop');
    const url = new URL(`${server.issuer}/api/currency/BTC`);
    const options = { DPoP };
    const rate = await openid.fetchProtectedResource(
      config,
      granted.access_token,
      url,
      'GET',
      null,
      undefined,
      options,
    );
    expect(await rate.json()).toMatchObject({ symbol: 'BTC' });
  });

  test('openid-client: dynamic registration, then tokens at once', async () => {
    const config = await openid.dynamicClientRegistration(
      new URL(server.issuer),
      { client_name: 'Stranger' },
      undefined,
      { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] },
    );
    const granted = await openid.clientCredentialsGrant(config);
    expect(granted.scope).toBe('currency:read');
  });

  test('oauth4webapi: from the challenge of the resource to its authorization server (RFC 9728 §5)', async () => {
    const resource = new URL(`${server.issuer}/api/currency`);
    const refused = await oauth
      .protectedResourceRequest('none', 'GET', resource, new Headers(), null, insecure)
      .catch((error: unknown) => error);
    const [challenge] = (refused as oauth.WWWAuthenticateChallengeError).cause;
    const metadata = await fetch(String(challenge?.parameters['resource_metadata']));
    const described = await oauth.processResourceDiscoveryResponse(resource, metadata);
    expect(described.authorization_servers).toEqual([server.issuer]);
  });

  test('the registration is managed with its own token (RFC 7592)', async () => {
    const client = await enrol({});
    const uri = String(client['registration_client_uri']);
    const headers = { authorization: `Bearer ${String(client['registration_access_token'])}` };
    const read = (await (await fetch(uri, { headers })).json()) as Record<string, unknown>;
    expect(read).toMatchObject({ client_id: client.client_id, client_name: 'Stranger' });
    const body = JSON.stringify({ client_id: client.client_id, client_name: 'Renamed' });
    const changed = await fetch(uri, {
      method: 'PUT',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
    });
    expect(await changed.json()).toMatchObject({ client_name: 'Renamed' });
    expect((await fetch(uri, { method: 'DELETE', headers })).status).toBe(204);
    expect((await fetch(uri, { headers })).status).toBe(401);
  });

  test('an API of somebody else: a registered resource, a token for it, and its own introspection', async () => {
    const admin = async (method: string, path: string, body: unknown): Promise<Record<string, unknown>> => {
      const headers = { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'application/json' };
      const answer = await server.ask(`/api/admin/${path}`, { method, headers, body: JSON.stringify(body) });
      expect(answer.ok).toBe(true);
      return (await answer.json()) as Record<string, unknown>;
    };
    const identifier = 'https://orders.example.com/v1';
    const api = await enrol({ client_name: 'Orders API' });
    await admin('POST', 'resources', {
      identifier,
      name: 'Orders',
      scopes: ['orders:read', 'orders:write'],
      introspection_clients: [api.client_id],
    });
    const client = await enrol({});
    await admin('PATCH', `clients/${client.client_id}`, { grants: { [identifier]: ['orders:read'] } });
    const granted = await oauth.processClientCredentialsResponse(
      as,
      client,
      await oauth.clientCredentialsGrantRequest(
        as,
        client,
        oauth.ClientSecretBasic(String(client['client_secret'])),
        { resource: identifier },
        insecure,
      ),
    );
    const incoming = new Request(identifier, { headers: { authorization: `Bearer ${granted.access_token}` } });
    const claims = await oauth.validateJwtAccessToken(as, incoming, identifier, insecure);
    expect(claims).toMatchObject({ aud: identifier, scope: 'orders:read' });
    const seen = await oauth.processIntrospectionResponse(
      as,
      api,
      await oauth.introspectionRequest(
        as,
        api,
        oauth.ClientSecretBasic(String(api['client_secret'])),
        granted.access_token,
        insecure,
      ),
    );
    expect(seen).toMatchObject({ active: true, aud: identifier, client_id: client.client_id });
  });
});
