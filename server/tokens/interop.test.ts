// Somebody else's client and resource server (oauth4webapi) against ours, on real time.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import * as oauth from 'oauth4webapi';
import { eachDatabase } from '../../db/testing';
import { startTestServer, type TestClient, type TestServer } from '../testing';

const INSECURE = { [oauth.allowInsecureRequests]: true };

eachDatabase('oauth4webapi', (open) => {
  let server: TestServer;
  let client: TestClient;
  let as: oauth.AuthorizationServer;
  beforeAll(async () => {
    server = await startTestServer(await open(), { settings: { now: Date.now } });
    client = await server.register();
    const base = { issuer: server.issuer, jwks_uri: `${server.issuer}/.well-known/jwks.json` };
    const endpoint = (name: string): string => `${server.issuer}/api/auth/${name}`;
    as = {
      ...base,
      token_endpoint: endpoint('token'),
      introspection_endpoint: endpoint('introspect'),
      revocation_endpoint: endpoint('revoke'),
    };
  });
  afterAll(() => server.close());

  const ask = async (DPoP?: oauth.DPoPHandle): Promise<oauth.TokenEndpointResponse> => {
    const options = { ...INSECURE, ...(DPoP && { DPoP }) };
    const auth = oauth.ClientSecretBasic(client.secret);
    const answer = await oauth.clientCredentialsGrantRequest(as, { client_id: client.id }, auth, {}, options);
    return oauth.processClientCredentialsResponse(as, { client_id: client.id }, answer);
  };

  test('gets a bound token with the nonce it is told, uses it, and its resource server believes it', async () => {
    const keys = await oauth.generateKeyPair('ES256');
    const DPoP = oauth.DPoP({}, keys);
    const error = await ask(DPoP).catch((cause: unknown) => cause);
    expect(oauth.isDPoPNonceError(error)).toBe(true);
    const { access_token: token, token_type: type } = await ask(DPoP);
    expect(type).toBe('dpop');
    const url = new URL(`${server.issuer}/api/currency/`);
    const answer = await oauth.protectedResourceRequest(token, 'GET', url, undefined, null, { ...INSECURE, DPoP });
    expect(answer.status).toBe(200);

    const seen: Request[] = [];
    const keep = async (to: string, init: RequestInit): Promise<Response> => {
      seen.push(new Request(to, init));
      return new Response('[]');
    };
    const kept = { ...INSECURE, DPoP, [oauth.customFetch]: keep } as oauth.ProtectedResourceRequestOptions;
    await oauth.protectedResourceRequest(token, 'GET', url, undefined, null, kept);
    const claims = await oauth.validateJwtAccessToken(as, seen[0]!, `${server.issuer}/api/currency`, {
      ...INSECURE,
      requireDPoP: true,
    } as oauth.ValidateJWTAccessTokenOptions);
    expect(claims).toMatchObject({ client_id: client.id, scope: 'currency:read' });
  });

  test('its resource server believes a bearer token, and not for another audience', async () => {
    const { access_token: token } = await ask();
    const request = (): Request => new Request(`${server.issuer}/x`, { headers: { authorization: `Bearer ${token}` } });
    const claims = await oauth.validateJwtAccessToken(as, request(), `${server.issuer}/api/currency`, INSECURE);
    expect(claims.sub).toBe(client.id);
    expect(oauth.validateJwtAccessToken(as, request(), 'https://other.example', INSECURE)).rejects.toThrow();
  });

  test('introspects and revokes', async () => {
    const { access_token: token } = await ask();
    const auth = oauth.ClientSecretPost(client.secret);
    const introspect = async (): Promise<oauth.IntrospectionResponse> => {
      const answer = await oauth.introspectionRequest(as, { client_id: client.id }, auth, token, INSECURE);
      return oauth.processIntrospectionResponse(as, { client_id: client.id }, answer);
    };
    expect(await introspect()).toMatchObject({ active: true, client_id: client.id });
    const answer = await oauth.revocationRequest(as, { client_id: client.id }, auth, token, INSECURE);
    expect(await oauth.processRevocationResponse(answer)).toBeUndefined();
    expect(await introspect()).toEqual({ active: false });
  });
});
