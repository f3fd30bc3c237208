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

  /** The answer, and what gets it. */
  const refused: Record<string, [string, Send][]> = {
    '401 invalid_client: Client authentication failed.': [
      ['no credentials', () => form(GRANT)],
      ['an id without a secret', (who) => form(`${GRANT}&client_id=${who.id}`)],
      ['an empty secret', (who) => form(`${GRANT}&client_id=${who.id}&client_secret=`)],
      ['another scheme', withHeader('Bearer abc')],
      ['an id in another letter case', (who) => short({ client_id: who.id.toUpperCase() })(who, '')],
    ],
    '400 invalid_request: The client authenticates in two ways at once; use one.': [
      ['both methods at once', (who) => form(`${GRANT}&${post(who)}`, { authorization: basic(who) })],
      [
        'both methods at once in JSON',
        (who) => ({ ...short()(who, ''), headers: { 'content-type': 'application/json', authorization: basic(who) } }),
      ],
    ],
    '400 invalid_request: The client_id parameter differs from the one in the Authorization header.': [
      ['another client_id beside Basic', withBasic(`${GRANT}&client_id=other`)],
    ],
    '400 invalid_request: The Basic Authorization header is malformed.': [
      ['Basic alone', withHeader('Basic')],
      ['Basic that is no base64', withHeader('Basic ***')],
      ['Basic without a colon', withHeader(`Basic ${base64('id')}`)],
      ['Basic that is not UTF-8', withHeader(`Basic ${base64(Uint8Array.of(0xff, 0x3a, 0x61))}`)],
      ['Basic with NUL', withHeader(`Basic ${base64('id:a\u0000b')}`)],
    ],
    '400 invalid_request: The form encoding is broken: a % escape is not UTF-8.': [
      ['Basic with a broken escape', withHeader(`Basic ${base64('id:%zz')}`)],
      ['Basic not form-encoded', withHeader((who) => `Basic ${base64(`${who.id}:${who.secret}`)}`)],
      ['a broken escape', raw(`${GRANT}&client_id=ID&client_secret=%zz`, FORM)],
      ['an escape that is not UTF-8', raw(`${GRANT}&client_id=ID&client_secret=%ff`, FORM)],
    ],
    '400 invalid_request: The Basic Authorization header contains a control character.': [
      ['Basic with an escaped NUL', withHeader(`Basic ${base64('id:a%00b')}`)],
    ],
    '400 invalid_request: The grant_type parameter is missing.': [
      ['no grant type', withBasic('foo=bar')],
      ['an empty grant type', withBasic('grant_type=')],
      ['an empty body', withBasic('')],
      ['JSON called a form', raw('{"client_id":"ID","client_secret":"SECRET"}', FORM)],
    ],
    '400 unsupported_grant_type: Only grant_type=client_credentials is supported.': [
      ['the grant type password', withBasic('grant_type=password')],
      ['the grant type in capitals', withBasic('grant_type=CLIENT_CREDENTIALS')],
      ['the grant type refresh_token in JSON', short({ grant_type: 'refresh_token' })],
    ],
    '400 invalid_scope: The scope is malformed, unknown or not granted to this client.': [
      ['an unknown scope', withBasic(`${GRANT}&scope=currency:write`)],
      ['a scope that is not granted beside one that is', withBasic(`${GRANT}&scope=currency:read+admin`)],
      ['a scope with two spaces', withBasic(`${GRANT}&scope=currency:read++currency:read`)],
      ['a scope with a quotation mark', withBasic(`${GRANT}&scope=%22currency:read%22`)],
    ],
    '400 invalid_target: The resource is unknown, or more than one was asked for.': [
      ['an unknown resource', withBasic(`${GRANT}&resource=https%3A%2F%2Fexample.com%2Fapi`)],
      ['a relative resource', withBasic(`${GRANT}&resource=%2Fapi%2Fcurrency`)],
      [
        'the resource twice',
        (who, issuer) =>
          form(`${GRANT}&resource=${issuer}/api/currency&resource=${issuer}/api/currency`, {
            authorization: basic(who),
          }),
      ],
      [
        'two resources in JSON',
        (who, issuer) => short({ resource: [`${issuer}/api/currency`, 'https://example.com'] })(who, issuer),
      ],
    ],
    '400 invalid_request: A parameter is repeated.': [
      ['a repeated grant type', withBasic(`${GRANT}&${GRANT}`)],
      ['a repeated scope', withBasic(`${GRANT}&scope=currency:read&scope=currency:read`)],
      ['a repeated client_id', (who) => form(`${GRANT}&${post(who)}&client_id=${who.id}`)],
      ['a repeated secret', (who) => form(`${GRANT}&${post(who)}&client_secret=x`)],
      ['a repeated parameter nobody knows', withBasic(`${GRANT}&a=1&a=2`)],
    ],
    '400 invalid_request: A JSON member is repeated.': [
      ['a repeated member of JSON', raw('{"client_id":"ID","client_id":"ID","client_secret":"x"}', 'application/json')],
    ],
    '400 invalid_request: A parameter contains a control character.': [
      ['a NUL byte', raw(`${GRANT}&client_id=ID\u0000&client_secret=SECRET`, FORM)],
      ['an escaped NUL byte', raw(`${GRANT}&client_id=ID%00&client_secret=SECRET`, FORM)],
      ['NUL in JSON', short({ client_secret: 'a\u0000b' })],
    ],
    '400 invalid_request: Send the request as application/x-www-form-urlencoded or application/json.': [
      ['the type text/plain', raw(`${GRANT}&client_id=ID&client_secret=SECRET`, 'text/plain')],
      ['the type multipart/form-data', raw('--x--', 'multipart/form-data; boundary=x')],
      ['no content type', (who) => ({ method: 'POST', body: new Blob([`${GRANT}&${post(who)}`]) })],
      ['no body at all', () => ({ method: 'POST' })],
    ],
    '400 invalid_request: The body is not valid JSON.': [
      ['a form called JSON', raw(`${GRANT}&client_id=ID`, 'application/json')],
      ['broken JSON', raw('{"client_id":"ID","client_secret":', 'application/json')],
    ],
    '400 invalid_request: The JSON body is not an object.': [
      ['a JSON array', () => json([])],
      ['JSON null', () => json(null)],
    ],
    '400 invalid_request: The JSON member client_secret is not a string.': [
      ['a number in JSON', short({ client_secret: 7 })],
    ],
    '400 invalid_request: A JSON member is not a string.': [
      ['a member nobody knows that is a number', short({ evil_1: 1 })],
    ],
    '400 invalid_request: The JSON member scope is not a string.': [['an object in JSON', short({ scope: { a: 1 } })]],
  };
  const refusals = Object.entries(refused).flatMap(([said, cases]) =>
    cases.map(([name, make]) => [name, make, said] as const),
  );
  test.each(refusals)('%s: refused', async (_name, make, said) => {
    const answer = await send(make);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('www-authenticate')).toBe(
      answer.status === 401 ? 'Basic realm="crypto-server", charset="UTF-8"' : null,
    );
    const { error, error_description: description, ...more } = (await answer.json()) as Record<string, string>;
    expect([`${answer.status} ${error}: ${description}`, more]).toEqual([said, {}]);
    // RFC 6749 §5.2: only these characters; and nothing of the caller's comes back.
    expect(description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/);
    for (const own of [client.secret, client.id, 'evil_1']) expect(description).not.toContain(own);
    // The operator is told in a word of ours, which can be searched for and counted.
    const lines = server.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    const id = answer.headers.get('x-request-id');
    const told = lines.find((line) => line['http.request.id'] === id && 'event.reason' in line);
    expect(told?.['event.reason']).toMatch(/^[a-z_]+$/);
  });

  test('a secret in the query is invalid_request, beside a good one in the body too (RFC 6749 §2.3.1)', async () => {
    const inQuery = await server.ask(`/api/auth/token?${GRANT}&${post(client)}`, form(GRANT));
    const both = await server.ask(`/api/auth/token?${post(client)}`, form(`${GRANT}&${post(client)}`));
    const description = 'The client_secret is in the query string; send it in the body.';
    const encoded = await server.ask(`/api/auth/token?client%5Fsecret=x`, form(`${GRANT}&${post(client)}`));
    for (const answer of [inQuery, both, encoded])
      expect([answer.status, await answer.json()]).toEqual([
        400,
        { error: 'invalid_request', error_description: description },
      ]);
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

  test('who asked for which resource is told when it is refused, in bounds', async () => {
    const known = await server.register();
    const refused = async (resource: string) => {
      const seen = server.logged.length;
      const parameters = resource.split(' ').map((uri) => `&resource=${encodeURIComponent(uri)}`);
      const answer = await server.ask(
        '/api/auth/token',
        form(GRANT + parameters.join(''), { authorization: basic(known) }),
      );
      expect(await answer.json()).toMatchObject({ error: 'invalid_target' });
      const line = server.logged.slice(seen).find((one) => one.includes('"oauth_request"')) ?? '{}';
      const told = JSON.parse(line) as Record<string, unknown>;
      expect(told['client.id']).toBe(known.id);
      return [told['event.reason'], told['labels']];
    };
    const long = `https://a.example/${'x'.repeat(5_000)}`;
    expect(await refused('https://a.example')).toEqual(['resource_unknown', { resource: 'https://a.example' }]);
    expect(await refused('/api/admin')).toEqual(['resource_unknown', { resource: '/api/admin' }]);
    expect(await refused(long)).toEqual(['resource_unknown', { resource: long.slice(0, 512) }]);
    expect(await refused('https://a.example https://b.example')).toMatchObject(['resource_repeated', {}]);
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
