// `POST /api/auth/token` over HTTP (RFC 6749 §4.4, §5): what it gives, and to whom it gives nothing.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import type { Database } from '../../db/connect';
import { clients } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { basic, form, json, START_MS, startTestServer, type TestClient, type TestServer } from '../testing';

const GRANT = 'grant_type=client_credentials';
const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64');
/** What a case may send: built once the client and the issuer are known. */
type Send = (client: TestClient, issuer: string) => RequestInit;
const post = ({ id, secret }: TestClient): string =>
  new URLSearchParams({ client_id: id, client_secret: secret }).toString();
const withBasic = (parameters: string): Send => {
  return (client) => form(parameters, { authorization: basic(client) });
};
const withHeader = (authorization: string | ((client: TestClient) => string)): Send => {
  return (client) =>
    form(GRANT, { authorization: typeof authorization === 'string' ? authorization : authorization(client) });
};
const short = (more: Record<string, unknown> = {}): Send => {
  return ({ id, secret }) => json({ client_id: id, client_secret: secret, ...more });
};
const raw = (body: string, type: string): Send => {
  return ({ id, secret }) => ({
    method: 'POST',
    body: body.replace('ID', id).replace('SECRET', encodeURIComponent(secret)),
    headers: { 'content-type': type },
  });
};
const FORM = 'application/x-www-form-urlencoded';

eachDatabase('the token endpoint', (open) => {
  let database: Database;
  let server: TestServer;
  let client: TestClient;
  const send = (make: Send): Promise<Response> => server.ask('/api/auth/token', make(client, server.issuer));
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
    client = await server.register();
  });
  afterAll(() => server.close());

  const accepted: [string, Send][] = [
    ['a form with Basic', withBasic(GRANT)],
    ['a form with the secret in it', (who) => form(`${GRANT}&${post(who)}`)],
    ['the JSON short form', short()],
    ['JSON with a grant type', short({ grant_type: 'client_credentials' })],
    [
      'JSON with Basic',
      (who) => ({ ...json({}), headers: { 'content-type': 'application/json', authorization: basic(who) } }),
    ],
    [
      'a form with a charset',
      (who) => form(GRANT, { authorization: basic(who), 'content-type': `${FORM}; charset=UTF-8` }),
    ],
    ['the scheme in lower case', withHeader((who) => basic(who).replace('Basic', 'basic'))],
    ['the same client_id beside Basic', (who) => form(`${GRANT}&client_id=${who.id}`, { authorization: basic(who) })],
    ['its scope', withBasic(`${GRANT}&scope=currency%3Aread`)],
    ['its scope twice', withBasic(`${GRANT}&scope=currency:read+currency:read`)],
    ['an empty scope, which counts as left out', withBasic(`${GRANT}&scope=`)],
    ['a parameter nobody knows', withBasic(`${GRANT}&foo=bar`)],
    [
      'its resource',
      (who, issuer) =>
        form(`${GRANT}&resource=${encodeURIComponent(`${issuer}/api/currency`)}`, { authorization: basic(who) }),
    ],
    ['its resource in JSON', (who, issuer) => short({ resource: `${issuer}/api/currency` })(who, issuer)],
  ];
  test.each(accepted)('%s gets a token', async (_name, make) => {
    const answer = await send(make);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-request-id')).toMatch(/./);
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'Bearer',
      expires_in: 7200,
      scope: 'currency:read',
    });
    expect((await server.read('/api/currency/', String(body['access_token']))).status).toBe(200);
  });

  test('the token is one of RFC 9068, which jose verifies with the published keys', async () => {
    const [first, second] = [await server.token(client), await server.token(client)];
    const jwks = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(first, jwks, {
      issuer: server.issuer,
      audience: `${server.issuer}/api/currency`,
      typ: 'at+jwt',
      algorithms: ['ES256'],
      currentDate: new Date(START_MS),
    });
    const { keys } = (await (await server.ask('/.well-known/jwks.json')).json()) as { keys: { kid: string }[] };
    expect(protectedHeader).toEqual({ typ: 'at+jwt', alg: 'ES256', kid: keys[0]!.kid });
    expect(decodeProtectedHeader(first)).toEqual(protectedHeader);
    expect(payload).toEqual({
      iss: server.issuer,
      sub: client.id,
      aud: `${server.issuer}/api/currency`,
      client_id: client.id,
      scope: 'currency:read',
      iat: expect.any(Number),
      exp: START_MS / 1000 + 7200,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      epoch: 0,
    });
    expect(decodeJwt(second).jti).not.toBe(payload.jti);
  });

  const refused: [string, Send, number, string][] = [
    ['no credentials', () => form(GRANT), 401, 'invalid_client'],
    ['an id without a secret', (who) => form(`${GRANT}&client_id=${who.id}`), 401, 'invalid_client'],
    ['an empty secret', (who) => form(`${GRANT}&client_id=${who.id}&client_secret=`), 401, 'invalid_client'],
    ['another scheme', withHeader('Bearer abc'), 401, 'invalid_client'],
    [
      'an id in another letter case',
      (who) => short({ client_id: who.id.toUpperCase() })(who, ''),
      401,
      'invalid_client',
    ],
    [
      'both methods at once',
      (who) => form(`${GRANT}&${post(who)}`, { authorization: basic(who) }),
      400,
      'invalid_request',
    ],
    [
      'both methods at once in JSON',
      (who) => ({ ...short()(who, ''), headers: { 'content-type': 'application/json', authorization: basic(who) } }),
      400,
      'invalid_request',
    ],
    ['another client_id beside Basic', withBasic(`${GRANT}&client_id=other`), 400, 'invalid_request'],
    ['Basic alone', withHeader('Basic'), 400, 'invalid_request'],
    ['Basic that is no base64', withHeader('Basic ***'), 400, 'invalid_request'],
    ['Basic without a colon', withHeader(`Basic ${base64('id')}`), 400, 'invalid_request'],
    ['Basic with a broken escape', withHeader(`Basic ${base64('id:%zz')}`), 400, 'invalid_request'],
    ['Basic that is not UTF-8', withHeader(`Basic ${base64(Uint8Array.of(0xff, 0x3a, 0x61))}`), 400, 'invalid_request'],
    ['Basic with NUL', withHeader(`Basic ${base64('id:a\u0000b')}`), 400, 'invalid_request'],
    ['Basic with an escaped NUL', withHeader(`Basic ${base64('id:a%00b')}`), 400, 'invalid_request'],
    [
      'Basic not form-encoded',
      withHeader((who) => `Basic ${base64(`${who.id}:${who.secret}`)}`),
      400,
      'invalid_request',
    ],
    ['no grant type', withBasic('foo=bar'), 400, 'invalid_request'],
    ['an empty grant type', withBasic('grant_type='), 400, 'invalid_request'],
    ['an empty body', withBasic(''), 400, 'invalid_request'],
    ['the grant type password', withBasic('grant_type=password'), 400, 'unsupported_grant_type'],
    ['the grant type in capitals', withBasic('grant_type=CLIENT_CREDENTIALS'), 400, 'unsupported_grant_type'],
    ['the grant type refresh_token in JSON', short({ grant_type: 'refresh_token' }), 400, 'unsupported_grant_type'],
    ['an unknown scope', withBasic(`${GRANT}&scope=currency:write`), 400, 'invalid_scope'],
    [
      'a scope that is not granted beside one that is',
      withBasic(`${GRANT}&scope=currency:read+admin`),
      400,
      'invalid_scope',
    ],
    ['a scope with two spaces', withBasic(`${GRANT}&scope=currency:read++currency:read`), 400, 'invalid_scope'],
    ['a scope with a quotation mark', withBasic(`${GRANT}&scope=%22currency:read%22`), 400, 'invalid_scope'],
    ['an unknown resource', withBasic(`${GRANT}&resource=https%3A%2F%2Fexample.com%2Fapi`), 400, 'invalid_target'],
    ['a relative resource', withBasic(`${GRANT}&resource=%2Fapi%2Fcurrency`), 400, 'invalid_target'],
    [
      'the resource twice',
      (who, issuer) =>
        form(`${GRANT}&resource=${issuer}/api/currency&resource=${issuer}/api/currency`, { authorization: basic(who) }),
      400,
      'invalid_target',
    ],
    [
      'two resources in JSON',
      (who, issuer) => short({ resource: [`${issuer}/api/currency`, 'https://example.com'] })(who, issuer),
      400,
      'invalid_target',
    ],
    ['a repeated grant type', withBasic(`${GRANT}&${GRANT}`), 400, 'invalid_request'],
    ['a repeated scope', withBasic(`${GRANT}&scope=currency:read&scope=currency:read`), 400, 'invalid_request'],
    ['a repeated client_id', (who) => form(`${GRANT}&${post(who)}&client_id=${who.id}`), 400, 'invalid_request'],
    ['a repeated secret', (who) => form(`${GRANT}&${post(who)}&client_secret=x`), 400, 'invalid_request'],
    ['a repeated parameter nobody knows', withBasic(`${GRANT}&a=1&a=2`), 400, 'invalid_request'],
    [
      'a repeated member of JSON',
      raw('{"client_id":"ID","client_id":"ID","client_secret":"x"}', 'application/json'),
      400,
      'invalid_request',
    ],
    ['a NUL byte', raw(`${GRANT}&client_id=ID\u0000&client_secret=SECRET`, FORM), 400, 'invalid_request'],
    ['an escaped NUL byte', raw(`${GRANT}&client_id=ID%00&client_secret=SECRET`, FORM), 400, 'invalid_request'],
    ['NUL in JSON', short({ client_secret: 'a\u0000b' }), 400, 'invalid_request'],
    ['a broken escape', raw(`${GRANT}&client_id=ID&client_secret=%zz`, FORM), 400, 'invalid_request'],
    ['an escape that is not UTF-8', raw(`${GRANT}&client_id=ID&client_secret=%ff`, FORM), 400, 'invalid_request'],
    ['the type text/plain', raw(`${GRANT}&client_id=ID&client_secret=SECRET`, 'text/plain'), 400, 'invalid_request'],
    ['the type multipart/form-data', raw('--x--', 'multipart/form-data; boundary=x'), 400, 'invalid_request'],
    ['a form called JSON', raw(`${GRANT}&client_id=ID`, 'application/json'), 400, 'invalid_request'],
    ['JSON called a form', raw('{"client_id":"ID","client_secret":"SECRET"}', FORM), 400, 'invalid_request'],
    [
      'no content type',
      (who) => ({ method: 'POST', body: new Blob([`${GRANT}&${post(who)}`]) }),
      400,
      'invalid_request',
    ],
    ['no body at all', () => ({ method: 'POST' }), 400, 'invalid_request'],
    ['broken JSON', raw('{"client_id":"ID","client_secret":', 'application/json'), 400, 'invalid_request'],
    ['a JSON array', () => json([]), 400, 'invalid_request'],
    ['JSON null', () => json(null), 400, 'invalid_request'],
    ['a number in JSON', short({ client_secret: 7 }), 400, 'invalid_request'],
    ['an object in JSON', short({ scope: { a: 1 } }), 400, 'invalid_request'],
  ];
  test.each(refused)('%s: refused', async (_name, make, status, code) => {
    const answer = await send(make);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('www-authenticate')).toBe(
      status === 401 ? 'Basic realm="crypto-server", charset="UTF-8"' : null,
    );
    const body = (await answer.json()) as Record<string, string>;
    expect(body).toEqual({ error: code, error_description: expect.any(String) });
    // RFC 6749 §5.2: only these characters; and nothing of the caller's comes back.
    expect(body['error_description']).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/);
    expect(JSON.stringify(body)).not.toContain(client.secret);
    expect(JSON.stringify(body)).not.toContain(client.id);
  });

  test('a secret in the query is invalid_request, beside a good one in the body too (RFC 6749 §2.3.1)', async () => {
    const inQuery = await server.ask(`/api/auth/token?${GRANT}&${post(client)}`, form(GRANT));
    expect(inQuery.status).toBe(400);
    expect(await inQuery.json()).toMatchObject({ error: 'invalid_request' });
    const both = await server.ask(`/api/auth/token?${post(client)}`, form(`${GRANT}&${post(client)}`));
    expect(both.status).toBe(400);
    expect(server.logged.join('\n')).not.toContain(encodeURIComponent(client.secret));
  });

  test('an unknown client, a wrong secret and a disabled client are answered alike, byte for byte', async () => {
    const disabled = await server.register();
    await server.token(disabled);
    await disable(database, disabled.id);
    const attempts = [
      { id: 'nobody-knows-me', secret: client.secret },
      { id: client.id, secret: 'a wrong secret, long enough' },
      disabled,
      { ...disabled, secret: 'a wrong secret, long enough' },
    ];
    const seen = new Set<string>();
    for (const attempt of attempts) {
      for (const init of [form(GRANT, { authorization: basic(attempt) }), form(`${GRANT}&${post(attempt)}`)]) {
        const answer = await server.ask('/api/auth/token', init);
        expect(answer.status).toBe(401);
        const headers = [...answer.headers].filter(([name]) => name !== 'x-request-id' && name !== 'date').sort();
        seen.add(JSON.stringify([headers, await answer.text()]));
      }
    }
    expect(seen.size).toBe(1);
  });

  test('nothing secret was logged, and every refusal says its exact reason there', () => {
    const log = server.logged.join('\n');
    expect(log).not.toContain(client.secret);
    expect(log).not.toContain(basic(client).slice(6));
    expect(log).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+/);
    for (const reason of ['client_unknown', 'secret_wrong', 'client_disabled', 'scope_not_granted', 'resource_unknown'])
      expect(log).toContain(`"event.reason":"${reason}"`);
  });
});

async function disable(database: Database, clientId: string): Promise<void> {
  await database.rows.update(clients).set({ isActive: false }).where(eq(clients.clientId, clientId));
}
