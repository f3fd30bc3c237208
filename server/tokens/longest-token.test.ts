// The longest tokens that can be granted are read back everywhere; longer ones are not issued.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import type { Database } from '../../db/connect';
import { clients, resources } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { CLIENT_ID_CHARACTERS_MAX } from '../oauth/client';
import { RESOURCE_URI_CHARACTERS_MAX } from '../oauth/resource';
import { SCOPE_CHARACTERS_MAX } from '../oauth/scope';
import { ADMIN_SECRET, basic, form, json, startTestServer, type TestClient, type TestServer } from '../testing';
import { longestToken } from './size';
import { askWith, boundToken, createProver } from './testing-proofs';

const RESOURCE = 'https://billing.example.com/'.padEnd(RESOURCE_URI_CHARACTERS_MAX, 'a');
const as = { 'x-admin-secret': ADMIN_SECRET };
/** Different scopes that are together of this length, with the spaces between. */
const scopesOf = (characters: number): string[] => {
  const [whole, rest] = [Math.floor(characters / 129), characters % 129];
  const long = Array.from({ length: whole }, (_, at) => `${at}`.padEnd(128, '~'));
  return rest === 0 ? long : [...long, 'r'.padEnd(rest, '~')];
};

eachDatabase('the longest token', (open) => {
  let database: Database;
  let server: TestServer;
  const client: TestClient = { id: 'c'.repeat(CLIENT_ID_CHARACTERS_MAX), secret: 'a secret, long enough' };
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database, { settings: { signingAlg: 'RS256' } });
    const { id, secret } = client;
    await server.ask('/api/auth/register', json({ client_id: id, client_secret: secret, app_name: 'Long' }));
  });
  afterAll(() => server.close());

  const send = (path: string, body: unknown, method = 'POST') => {
    const init = json(body, method);
    return server.ask(path, { ...init, headers: { ...init.headers, ...as } });
  };
  const create = (scopes: string[]) => send('/api/admin/resources', { identifier: RESOURCE, name: 'Billing', scopes });
  const grant = (scopes: string[]) =>
    send(`/api/admin/clients/${client.id}`, { grants: { [RESOURCE]: scopes } }, 'PATCH');
  const about = async (path: string, token: string) =>
    server.ask(path, form({ token }, { authorization: basic(client) }));

  test('scopes that no token could hold together cannot be registered', async () => {
    const answer = await create(scopesOf(SCOPE_CHARACTERS_MAX + 1));
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ path: '/scopes' }] });
  });

  test('is told of, and revoked; the header that carries it is taken', async () => {
    const scopes = scopesOf(SCOPE_CHARACTERS_MAX);
    expect(scopes.join(' ')).toHaveLength(SCOPE_CHARACTERS_MAX);
    expect((await create(scopes)).status).toBe(201);
    expect((await grant(scopes)).status).toBe(200);
    const token = await boundToken(server, client, await createProver(), `&resource=${encodeURIComponent(RESOURCE)}`);
    expect(token.length).toBeGreaterThan(4_096);
    expect(token.length).toBeLessThanOrEqual(longestToken(server.issuer));
    expect(await (await about('/api/auth/introspect', token)).json()).toMatchObject({ active: true, aud: RESOURCE });
    const headers = { authorization: `DPoP ${token}` };
    await server.ask('/api/currency/', { headers });
    expect(server.logged.at(-2)).toContain('"event.reason":"token_audience_other"');
    expect((await about('/api/auth/revoke', token)).status).toBe(200);
    expect(await (await about('/api/auth/introspect', token)).text()).toBe('{"active":false}');
  });

  test('of a resource that was registered with more, less must be asked for', async () => {
    const scopes = scopesOf(SCOPE_CHARACTERS_MAX + 200);
    await database.rows.update(resources).set({ scopes }).where(eq(resources.identifier, RESOURCE));
    await database.rows
      .update(clients)
      .set({ grants: { [RESOURCE]: scopes } })
      .where(eq(clients.clientId, client.id));
    await server.services.resources.changed();
    await server.services.clients.changed(client.id);
    const ask = async (scope: string): Promise<unknown> =>
      (await askWith(server, client, null, `&resource=${encodeURIComponent(RESOURCE)}${scope}`)).json();
    expect(await ask('')).toMatchObject({ error: 'invalid_scope' });
    expect(await ask(`&scope=${scopes[0]}`)).toMatchObject({ scope: scopes[0] });
  });
});
