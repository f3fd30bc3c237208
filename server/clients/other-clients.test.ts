// Someone else's clients authenticate here: oauth4webapi and openid-client.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import type { Database } from '../../db/connect';
import { eachDatabase } from '../../db/testing';
import { startTestServer, type TestClient, type TestServer } from '../testing';
import { insertClient } from './testing-clients';

eachDatabase('someone else’s clients', (open) => {
  let database: Database;
  let server: TestServer;
  let client: TestClient;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database, { settings: { now: () => Date.now() } });
    client = await server.register();
  });
  afterAll(() => server.close());

  const keyed = async (alg: string): Promise<{ id: string; key: CryptoKey }> => {
    const { privateKey, publicKey } = await generateKeyPair(alg);
    const jwk = { ...(await exportJWK(publicKey)), kid: 'own', alg };
    const id = await insertClient(database, { authMethod: 'private_key_jwt', jwks: { keys: [jwk] } });
    return { id, key: privateKey };
  };
  const issuer = (): URL => new URL(server.issuer);

  const viaOauth4webapi = async (id: string, method: oauth.ClientAuth): Promise<void> => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const found = await oauth.discoveryRequest(issuer(), { algorithm: 'oauth2', ...insecure });
    const as = await oauth.processDiscoveryResponse(issuer(), found);
    const asked = await oauth.clientCredentialsGrantRequest(as, { client_id: id }, method, {}, insecure);
    const { access_token: token } = await oauth.processClientCredentialsResponse(as, { client_id: id }, asked);
    expect((await server.read('/api/currency/', token)).status).toBe(200);
  };
  const viaOpenidClient = async (id: string, method: openid.ClientAuth): Promise<void> => {
    const options = { algorithm: 'oauth2' as const, execute: [openid.allowInsecureRequests] };
    const config = await openid.discovery(issuer(), id, undefined, method, options);
    const { access_token: token } = await openid.clientCredentialsGrant(config);
    expect((await server.read('/api/currency/', token)).status).toBe(200);
  };

  test('client_secret_basic', async () => {
    await viaOauth4webapi(client.id, oauth.ClientSecretBasic(client.secret));
    await viaOpenidClient(client.id, openid.ClientSecretBasic(client.secret));
  });

  test('client_secret_post', async () => {
    await viaOauth4webapi(client.id, oauth.ClientSecretPost(client.secret));
    await viaOpenidClient(client.id, openid.ClientSecretPost(client.secret));
  });

  test.each(['ES256', 'Ed25519', 'PS256', 'RS256'])('private_key_jwt with %s', async (alg) => {
    const { id, key } = await keyed(alg);
    await viaOauth4webapi(id, oauth.PrivateKeyJwt({ key, kid: 'own' }));
    await viaOpenidClient(id, openid.PrivateKeyJwt({ key, kid: 'own' }));
  });
});
