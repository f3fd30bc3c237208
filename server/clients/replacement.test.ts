// Full replacement of a registration by the client itself: RFC 7592 §2.2 over HTTP.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import type { Database } from '../../db/connect';
import { eachDatabase } from '../../db/testing';
import { json, startTestServer, type TestServer } from '../testing';
import { makeSecret } from './secret-format';

type Json = Record<string, unknown>;

const KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
const BY_KEYS = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [KEY] } };

eachDatabase('a replacement', (open) => {
  let database: Database;
  let server: TestServer;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
  });
  afterAll(() => server.close());

  const register = async (body: Json = {}): Promise<Json> =>
    (await (await server.ask('/api/clients', json(body))).json()) as Json;
  const headersOf = ({ registration_access_token: token }: Json) => ({ authorization: `Bearer ${token}` });
  const read = async (client: Json): Promise<Json> =>
    (await (await server.ask(`/api/clients/${client['client_id']}`, { headers: headersOf(client) })).json()) as Json;
  const put = (client: Json, body: Json): Promise<Response> =>
    server.ask(`/api/clients/${client['client_id']}`, {
      method: 'PUT',
      body: JSON.stringify({ client_id: client['client_id'], ...body }),
      headers: { 'content-type': 'application/json', ...headersOf(client) },
    });
  const replaced = async (client: Json, body: Json): Promise<Json> => {
    const answer = await put(client, body);
    expect(answer.status).toBe(200);
    return (await answer.json()) as Json;
  };
  const tokenStatus = async (client_id: unknown, client_secret: unknown): Promise<number> =>
    (await server.ask('/api/auth/token', json({ client_id, client_secret }))).status;
  /** Events and details of what the operator was told of this client, in their order. */
  const toldOf = (client: Json): unknown[] =>
    server.logged
      .map((line) => JSON.parse(line) as Json)
      .filter((line) => line['client.id'] === client['client_id'] && line['event.outcome'] === 'success')
      .map((line) => [line['event.action'], line['labels']]);

  describe('of many at once', () => {
    test('gives one secret to a client that needs one, and it works', async () => {
      const client = await register(BY_KEYS);
      const answers = await Promise.all(Array.from({ length: 5 }, () => replaced(client, {})));
      const secrets = answers.map(({ client_secret }) => client_secret).filter((secret) => secret !== undefined);
      expect(secrets).toEqual([expect.stringMatching(/^cs_/)]);
      expect(await tokenStatus(client['client_id'], secrets[0])).toBe(200);
    });

    test('that name wrong secrets takes nobody the time of slow hashes', async () => {
      const [client, other] = [await register(), await server.register()];
      const wrong = Array.from({ length: 100 }, (_, at) =>
        put(client, { client_secret: `a wrong guess, number ${at}` }),
      );
      const chosen = tokenStatus(other.id, other.secret);
      expect(new Set((await Promise.all(wrong)).map(({ status }) => status))).toEqual(new Set([400]));
      expect(await chosen).toBe(200);
    });
  });

  test('may name a live secret of the client and no other one', async () => {
    const [client, other] = [await register(), await register()];
    const { client_id } = client;
    const rotate = { method: 'POST', headers: headersOf(client) };
    const { client_secret: next } = (await (
      await server.ask(`/api/clients/${client_id}/secrets`, rotate)
    ).json()) as Json;
    for (const secret of [client['client_secret'], next]) await replaced(client, { client_secret: secret });
    server.pass(86_400_000);
    const wrong = [client['client_secret'], other['client_secret'], makeSecret('cs', randomBytes), 'wrong', '', 7];
    for (const secret of wrong) {
      const answer = await put(client, { client_secret: secret });
      expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_client_metadata' }]);
    }
    await replaced(client, { client_secret: next });
  });

  describe('with what was read', () => {
    const SERVER_MEMBERS = [
      'registration_access_token',
      'registration_client_uri',
      'client_secret_expires_at',
      'client_id_issued_at',
    ];
    const sayBack = async (client: Json): Promise<void> => {
      const before = await read(client);
      const body = Object.fromEntries(Object.entries(before).filter(([name]) => !SERVER_MEMBERS.includes(name)));
      expect(await replaced(client, body)).toEqual(before);
      expect(await read(client)).toEqual(before);
    };

    test('changes nothing', async () => {
      await sayBack(
        await register({ client_name: 'Same', contacts: ['ops@example.com'], dpop_bound_access_tokens: true }),
      );
      await sayBack(await register(BY_KEYS));
    });

    test('changes nothing for a client without scopes, which is told of none', async () => {
      const client = await register();
      await server.services.clients.update(String(client['client_id']), { grants: {} });
      expect(await read(client)).not.toHaveProperty('scope');
      await sayBack(client);
    });

    test('gives no scope that the client does not have', async () => {
      const client = await register();
      expect((await put(client, { scope: 'currency:read currency:write' })).status).toBe(400);
      await server.services.clients.update(String(client['client_id']), { grants: {} });
      expect(await replaced(client, { scope: 'currency:read' })).not.toHaveProperty('scope');
    });
  });

  test('takes null for left out', async () => {
    const client = await register({ client_name: 'Named', contacts: ['ops@example.com'], software_id: 'x' });
    const body = { client_name: null, contacts: null, software_id: null, jwks: null, client_secret: null, scope: null };
    const after = await replaced(client, body);
    expect(after).toMatchObject({ client_name: 'Unnamed client', scope: 'currency:read' });
    for (const name of ['contacts', 'software_id', 'jwks']) expect(after).not.toHaveProperty(name);
  });

  test('is told to the operator with what differs, and with the secrets that were lost and made', async () => {
    const client = await register({ client_name: 'Before' });
    server.logged.length = 0;
    await replaced(client, { client_name: 'Before', ...BY_KEYS });
    const { client_secret } = await replaced(client, { client_name: 'After' });
    const lost = { secret_id: expect.any(Number), label: '', expires_at: null };
    const method = 'client_secret_basic';
    const thumbprints = [expect.stringMatching(/^[\w-]{43}$/)];
    expect(toldOf(client)).toEqual([
      ['client_updated', { changed: ['auth_method', 'jwks'], auth_method: 'private_key_jwt', jwks: thumbprints }],
      ['secret_revoked', lost],
      [
        'client_updated',
        { changed: ['app_name', 'auth_method', 'jwks'], app_name: 'After', auth_method: method, jwks: null },
      ],
      ['secret_created', { secret_id: expect.any(Number), label: '', expires_at: null }],
    ]);
    expect(server.logged.join('\n')).not.toContain(String(client_secret));
  });
});
