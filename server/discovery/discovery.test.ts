// The documents that a stranger reads, and strangers' code that reads them: oauth4webapi, openid-client and jose.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { calculateJwkThumbprint, createRemoteJWKSet, type JWK, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { eachDatabase } from '../../db/testing';
import { challengeOf, startTestServer, type TestClient, type TestServer } from '../testing';

const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];
const SIGNATURES = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];

eachDatabase('discovery', (open) => {
  let server: TestServer;
  let client: TestClient;
  beforeAll(async () => {
    // Strangers have a clock of their own.
    server = await startTestServer(await open(), { settings: { now: Date.now } });
    client = await server.register();
  });
  afterAll(() => server.close());

  const documentAt = async (path: string): Promise<unknown> => {
    const answer = await server.ask(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    return answer.json();
  };

  test('the metadata of the authorization server (RFC 8414) are exactly these', async () => {
    const { issuer } = server;
    expect(await documentAt('/.well-known/oauth-authorization-server')).toEqual({
      issuer,
      token_endpoint: `${issuer}/api/auth/token`,
      introspection_endpoint: `${issuer}/api/auth/introspect`,
      revocation_endpoint: `${issuer}/api/auth/revoke`,
      registration_endpoint: `${issuer}/api/clients`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      response_types_supported: [],
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: METHODS,
      token_endpoint_auth_signing_alg_values_supported: SIGNATURES,
      introspection_endpoint_auth_methods_supported: METHODS,
      introspection_endpoint_auth_signing_alg_values_supported: SIGNATURES,
      revocation_endpoint_auth_methods_supported: METHODS,
      revocation_endpoint_auth_signing_alg_values_supported: SIGNATURES,
      tls_client_certificate_bound_access_tokens: false,
      dpop_signing_alg_values_supported: SIGNATURES,
      scopes_supported: ['currency:read'],
      protected_resources: [`${issuer}/api/currency`],
      service_documentation: `${issuer}/docs`,
    });
  });

  test('the metadata of the resource (RFC 9728) are exactly these, and the challenge names them', async () => {
    const { issuer } = server;
    const path = '/.well-known/oauth-protected-resource/api/currency';
    expect(await documentAt(path)).toEqual({
      resource: `${issuer}/api/currency`,
      authorization_servers: [issuer],
      scopes_supported: ['currency:read'],
      bearer_methods_supported: ['header'],
      tls_client_certificate_bound_access_tokens: false,
      dpop_signing_alg_values_supported: SIGNATURES,
      dpop_bound_access_tokens_required: false,
      resource_name: 'Crypto rates',
      resource_documentation: `${issuer}/docs`,
    });
    const challenged = challengeOf(await server.ask('/api/currency/'));
    expect(challenged['resource_metadata']).toBe(`${issuer}${path}`);
  });

  test.each([
    ['/.well-known/oauth-authorization-server'],
    ['/.well-known/oauth-protected-resource/api/currency'],
    ['/.well-known/jwks.json'],
  ])('%s: who has it is told so', async (path) => {
    const etag = (await server.ask(path)).headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{43}-\w+"$/);
    const again = await server.ask(path, { headers: { 'if-none-match': `"other", W/${etag}` } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect([again.headers.get('etag'), again.headers.get('cache-control')]).toEqual([etag, 'public, max-age=300']);
    expect((await server.ask(path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  test('the key set (RFC 7517) holds public keys alone, named by their thumbprints', async () => {
    const { keys } = (await documentAt('/.well-known/jwks.json')) as { keys: JWK[] };
    expect(keys.length).toBe(2);
    for (const key of keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
      expect(key).toMatchObject({ alg: 'ES256', crv: 'P-256', kty: 'EC', use: 'sig' });
      expect(key.kid).toBe(await calculateJwkThumbprint(key));
    }
  });

  test.each([
    ['client_secret_basic', (secret: string) => oauth.ClientSecretBasic(secret)],
    ['client_secret_post', (secret: string) => oauth.ClientSecretPost(secret)],
  ])('oauth4webapi: discovery, token by %s, verification, rates', async (_name, authentication) => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const resource = new URL(`${server.issuer}/api/currency`);
    const described = await oauth.processResourceDiscoveryResponse(
      resource,
      await oauth.resourceDiscoveryRequest(resource, insecure),
    );
    const issuer = new URL(described.authorization_servers![0]!);
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    const as = await oauth.processDiscoveryResponse(issuer, found);
    const who: oauth.Client = { client_id: client.id };
    const parameters = new URLSearchParams({ scope: 'currency:read', resource: described.resource });
    const granted = await oauth.processClientCredentialsResponse(
      as,
      who,
      await oauth.clientCredentialsGrantRequest(as, who, authentication(client.secret), parameters, insecure),
    );
    expect(granted).toMatchObject({ token_type: 'bearer', expires_in: 7200, scope: 'currency:read' });

    // The same library as a resource server: RFC 9068 §4.
    const incoming = new Request(resource.href, { headers: { authorization: `Bearer ${granted.access_token}` } });
    const claims = await oauth.validateJwtAccessToken(as, incoming, described.resource, insecure);
    expect(claims).toMatchObject({ iss: server.issuer, sub: client.id, client_id: client.id });

    const rates = await oauth.protectedResourceRequest(
      granted.access_token,
      'GET',
      new URL(`${resource.href}/`),
      new Headers(),
      null,
      insecure,
    );
    expect((await rates.json()) as unknown[]).toHaveLength(13);
  });

  test('oauth4webapi reads our refusals as what they are', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const as = { issuer: server.issuer, token_endpoint: `${server.issuer}/api/auth/token` };
    const who: oauth.Client = { client_id: client.id };
    const attempt = async (secret: string, parameters: Record<string, string>): Promise<unknown> => {
      const answer = await oauth.clientCredentialsGrantRequest(
        as,
        who,
        oauth.ClientSecretBasic(secret),
        new URLSearchParams(parameters),
        insecure,
      );
      return oauth.processClientCredentialsResponse(as, who, answer).catch((error: unknown) => error);
    };
    const wrong = await attempt('a wrong secret, long enough', {});
    expect(wrong).toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
    expect((wrong as oauth.WWWAuthenticateChallengeError).cause[0]?.scheme).toBe('basic');
    const scope = await attempt(client.secret, { scope: 'nope' });
    expect(scope).toBeInstanceOf(oauth.ResponseBodyError);
    expect((scope as oauth.ResponseBodyError).error).toBe('invalid_scope');
    const refused = await oauth
      .protectedResourceRequest('abc', 'GET', new URL(`${server.issuer}/api/currency/`), new Headers(), null, insecure)
      .catch((error: unknown) => error);
    expect((refused as oauth.WWWAuthenticateChallengeError).cause[0]).toMatchObject({
      scheme: 'bearer',
      parameters: { error: 'invalid_token' },
    });
  });

  test.each([
    ['client_secret_basic', (secret: string) => openid.ClientSecretBasic(secret)],
    ['client_secret_post', (secret: string) => openid.ClientSecretPost(secret)],
  ])('openid-client: discovery, token by %s, rates', async (_name, authentication) => {
    const config = await openid.discovery(new URL(server.issuer), client.id, undefined, authentication(client.secret), {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    });
    const granted = await openid.clientCredentialsGrant(config, { scope: 'currency:read' });
    expect(granted.expiresIn()).toBeGreaterThan(7_190);
    const url = new URL(`${server.issuer}/api/currency/BTC`);
    const rate = await openid.fetchProtectedResource(config, granted.access_token, url, 'GET');
    expect(await rate.json()).toMatchObject({ symbol: 'BTC' });
  });

  test('jose verifies through the published keys, and refuses for another audience', async () => {
    const token = await server.token(client);
    const keys = createRemoteJWKSet(new URL(`${server.issuer}/.well-known/jwks.json`));
    const expected = { issuer: server.issuer, audience: `${server.issuer}/api/currency`, typ: 'at+jwt' };
    expect((await jwtVerify(token, keys, expected)).payload.sub).toBe(client.id);
    await expect(jwtVerify(token, keys, { ...expected, audience: server.issuer })).rejects.toThrow(/aud/);
  });
});

const metadataOf = async (server: TestServer): Promise<Record<string, unknown>> =>
  (await (await server.ask('/.well-known/oauth-authorization-server')).json()) as Record<string, unknown>;

eachDatabase('discovery promises nothing that is not so', (open) => {
  test.each([
    ['certificates behind a proxy', { behindProxy: true }, ['self_signed_tls_client_auth'], true],
    [
      'and those of authorities',
      { behindProxy: true, mtlsAuthorities: '-----' },
      ['tls_client_auth', 'self_signed_tls_client_auth'],
      true,
    ],
    ['authorities, but no proxy that passes certificates on', { mtlsAuthorities: '-----' }, [], false],
  ])('%s', async (_name, settings, more, bound) => {
    const server = await startTestServer(await open(), { settings });
    expect(await metadataOf(server)).toMatchObject({
      token_endpoint_auth_methods_supported: [...METHODS, ...more],
      introspection_endpoint_auth_methods_supported: [...METHODS, ...more],
      revocation_endpoint_auth_methods_supported: [...METHODS, ...more],
      tls_client_certificate_bound_access_tokens: bound,
    });
    await server.close();
  });

  test('no registration endpoint while registration is closed', async () => {
    const server = await startTestServer(await open(), { settings: { registration: 'closed' } });
    expect(await metadataOf(server)).not.toHaveProperty('registration_endpoint');
    await server.close();
  });

  test('the key set changes with the keys, and its tag with it', async () => {
    const server = await startTestServer(await open());
    const tagOf = async (): Promise<string | null> => (await server.ask('/.well-known/jwks.json')).headers.get('etag');
    const before = await tagOf();
    await server.services.keyring.revoke((await server.services.keyring.list())[0]!.kid);
    expect(await tagOf()).not.toBe(before);
    await server.close();
  });
});
