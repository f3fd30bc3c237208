// `private_key_jwt` over HTTP (RFC 7523): keys that are registered, and each assertion once only.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Database } from '../../db/connect';
import { clients, usedAssertions } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { hasOpenssl, type Made, makeCertificate } from '../../kit/testing-certificates';
import { insertClient } from '../clients/testing-clients';
import { basic, form, startTestServer, type TestServer } from '../testing';
import type { Surroundings } from '../wiring/surroundings';

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface Signer {
  readonly alg: string;
  readonly key: CryptoKey;
  readonly jwk: JWK;
}

async function signer(alg: string, kid: string, options = {}): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, ...options });
  return { alg, key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig' } };
}

function assertion(
  server: TestServer,
  clientId: string,
  by: Signer,
  claims: Record<string, unknown> = {},
  header = {},
) {
  const nowSeconds = server.now() / 1000;
  return new SignJWT({
    iss: clientId,
    sub: clientId,
    aud: server.issuer,
    iat: nowSeconds,
    exp: nowSeconds + 60,
    jti: randomUUID(),
    ...claims,
  })
    .setProtectedHeader({ alg: by.alg, kid: by.jwk.kid, ...header } as { alg: string })
    .sign(by.key);
}

const ask = (server: TestServer, jwt: string, more: Record<string, string> = {}, headers = {}): Promise<Response> =>
  server.ask(
    '/api/auth/token',
    form({ grant_type: 'client_credentials', client_assertion_type: TYPE, client_assertion: jwt, ...more }, headers),
  );

/** The answer, and the reason that the operator finds by its request id. */
async function outcome(server: TestServer, answering: Promise<Response>): Promise<[number, string]> {
  const answer = await answering;
  const id = answer.headers.get('x-request-id') ?? '?';
  const lines = server.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
  const line = lines.find((one) => one['http.request.id'] === id && one['event.reason'] !== undefined);
  return [answer.status, String(line?.['event.reason'] ?? '')];
}

eachDatabase('private_key_jwt', (open) => {
  let database: Database;
  let server: TestServer;
  let own: Signer;
  let stranger: Signer;
  let foreign: Signer;
  let clientId: string;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database);
    [own, stranger, foreign] = [
      await signer('ES256', 'own'),
      await signer('ES256', 'own'),
      await signer('ES384', 'own'),
    ];
    clientId = await insertClient(database, { authMethod: 'private_key_jwt', jwks: { keys: [{ ...own.jwk }] } });
  });
  afterAll(() => server.close());

  test.each(['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'])('a key of %s gets a token that is good', async (alg) => {
    const by = await signer(alg, 'a');
    const id = await insertClient(database, { authMethod: 'private_key_jwt', jwks: { keys: [{ ...by.jwk }] } });
    const answer = await ask(server, await assertion(server, id, by));
    expect(answer.status).toBe(200);
    const { access_token: token } = (await answer.json()) as { access_token: string };
    expect((await server.read('/api/currency/', token)).status).toBe(200);
  });

  test('of several keys, the one that is named; without a name, any of them', async () => {
    const [first, second] = [await signer('ES256', 'first'), await signer('ES256', 'second')];
    const id = await insertClient(database, {
      authMethod: 'private_key_jwt',
      jwks: { keys: [{ ...first.jwk }, { ...second.jwk }] },
    });
    for (const by of [first, second]) {
      expect((await ask(server, await assertion(server, id, by))).status).toBe(200);
      expect((await ask(server, await assertion(server, id, by, {}, { kid: undefined }))).status).toBe(200);
    }
    const swapped = await assertion(server, id, first, {}, { kid: 'second' });
    expect(await outcome(server, ask(server, swapped))).toEqual([401, 'assertion_signature']);
  });

  test('any of the ten keys that a client may register is found without its name', async () => {
    const signers = await Promise.all(Array.from({ length: 10 }, (_, at) => signer('ES256', `key-${at}`)));
    const registered = { keys: signers.map(({ jwk }) => ({ ...jwk })) };
    const id = await insertClient(database, { authMethod: 'private_key_jwt', jwks: registered });
    for (const by of signers)
      expect((await ask(server, await assertion(server, id, by, {}, { kid: undefined }))).status).toBe(200);
  });

  test('the client_id may be said again; that of another client is refused', async () => {
    expect((await ask(server, await assertion(server, clientId, own), { client_id: clientId })).status).toBe(200);
    const { id } = await server.register();
    const other = ask(server, await assertion(server, clientId, own), { client_id: id });
    expect(await outcome(server, other)).toEqual([401, 'assertion_client_id_differs']);
  });

  test('another client_assertion_type is 401 invalid_client; half of the two parameters is malformed', async () => {
    const jwt = await assertion(server, clientId, own);
    const saml = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' };
    expect(await outcome(server, ask(server, jwt, saml))).toEqual([401, 'assertion_type_unsupported']);
    const half = async (name: string, value: string) => {
      const parameters = form({ grant_type: 'client_credentials', client_id: clientId, [name]: value });
      const answer = await server.ask('/api/auth/token', parameters);
      return [answer.status, await answer.json()];
    };
    for (const [given, value, missing] of [
      ['client_assertion', jwt, 'client_assertion_type'],
      ['client_assertion_type', TYPE, 'client_assertion'],
    ] as const)
      expect(await half(given, value)).toEqual([
        400,
        { error: 'invalid_request', error_description: `The ${missing} parameter is missing.` },
      ]);
  });

  type Make = () => Promise<string>;
  /** An assertion that is good but for these claims, which are told the time in seconds. */
  const with_ = (claims: (now: number) => Record<string, unknown>, header = {}): Make => {
    return () => assertion(server, clientId, own, claims(server.now() / 1000), header);
  };

  const taken: [string, Make][] = [
    ['an iat of 8 s from now', with_((now) => ({ iat: now + 8 }))],
    ['an nbf of 8 s from now', with_((now) => ({ nbf: now + 8 }))],
    [
      'iat, nbf and exp of a clock that is 10 s ahead',
      with_((now) => ({ iat: now + 10, nbf: now + 10, exp: now + 310 })),
    ],
    ['an exp of 9 s ago', with_((now) => ({ exp: now - 9 }))],
    ['no iat', with_(() => ({ iat: undefined }))],
    ['the typ client-authentication+jwt', with_(() => ({}), { typ: 'client-authentication+jwt' })],
    ['claims that nobody knows', with_(() => ({ scope: 'admin', foo: 'bar' }))],
  ];
  test.each(taken)('taken: %s', async (_name, make) => {
    expect((await ask(server, await make())).status).toBe(200);
  });

  const refused: [string, Make, string][] = [
    ['a signature of somebody else', () => assertion(server, clientId, stranger), 'assertion_signature'],
    ['a key id that is not known', () => assertion(server, clientId, own, {}, { kid: 'x' }), 'assertion_key_unknown'],
    ['an unknown client', () => assertion(server, 'nobody', own), 'client_unknown'],
    ['another audience', () => assertion(server, clientId, own, { aud: 'https://other.test' }), 'assertion_audience'],
    ['an array of audiences', () => assertion(server, clientId, own, { aud: [server.issuer] }), 'assertion_audience'],
    [
      'the token endpoint as audience',
      () => assertion(server, clientId, own, { aud: `${server.issuer}/api/auth/token` }),
      'assertion_audience',
    ],
    ['two audiences', with_(() => ({ aud: [server.issuer, 'https://other.test'] })), 'assertion_audience'],
    ['no aud', with_(() => ({ aud: undefined })), 'assertion_audience'],
    ['no iss', with_(() => ({ iss: undefined })), 'assertion_issuer'],
    ['no sub', with_(() => ({ sub: undefined })), 'assertion_issuer'],
    ['another iss than sub', with_(() => ({ iss: 'x' })), 'assertion_issuer'],
    ['no jti', with_(() => ({ jti: undefined })), 'assertion_jti_missing'],
    ['no exp', with_(() => ({ exp: undefined })), 'assertion_expiry_missing'],
    ['an exp that is text', with_((now) => ({ exp: String(now + 60) })), 'assertion_expiry_missing'],
    ['an exp of 10 s ago', with_((now) => ({ exp: now - 10 })), 'assertion_expired'],
    ['more than five minutes to live', with_((now) => ({ exp: now + 311 })), 'assertion_too_long_lived'],
    ['an iat of 11 s from now', with_((now) => ({ iat: now + 11 })), 'assertion_not_yet_valid'],
    ['an iat of 61 s from now', with_((now) => ({ iat: now + 61 })), 'assertion_not_yet_valid'],
    ['an nbf of 11 s from now', with_((now) => ({ nbf: now + 11 })), 'assertion_not_yet_valid'],
    ['an nbf of 61 s from now', with_((now) => ({ nbf: now + 61 })), 'assertion_not_yet_valid'],
    ['the typ of an access token', with_(() => ({}), { typ: 'at+jwt' }), 'assertion_type'],
    ['a critical header', with_(() => ({}), { crit: ['b64'], b64: true }), 'assertion_critical_header'],
    ['an algorithm that is not offered', () => assertion(server, clientId, foreign), 'assertion_alg'],
    [
      'a changed payload',
      async () => (await assertion(server, clientId, own)).replace(/\.[^.]+\./, (part) => `${part.slice(0, -2)}.`),
      'assertion_malformed',
    ],
    ['no JWT', () => Promise.resolve('nonsense'), 'assertion_malformed'],
    [
      'alg none',
      async () => {
        const [, claims] = (await assertion(server, clientId, own)).split('.');
        return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`;
      },
      'assertion_alg',
    ],
    [
      'a MAC with the public key as its secret',
      () =>
        new SignJWT({ iss: clientId, sub: clientId, aud: server.issuer, exp: server.now() / 1000 + 60, jti: 'x' })
          .setProtectedHeader({ alg: 'HS256' })
          .sign(new TextEncoder().encode(JSON.stringify(own.jwk))),
      'assertion_alg',
    ],
  ];
  test.each(refused)('%s is 401 invalid_client, and why is for the operator', async (_name, make, reason) => {
    const answer = await ask(server, await make());
    const [status, why] = await outcome(server, Promise.resolve(answer));
    expect([status, why]).toEqual([401, reason]);
    expect(answer.headers.get('www-authenticate')).toStartWith('Basic');
    expect(await answer.json()).toEqual({
      error: 'invalid_client',
      error_description: 'Client authentication failed.',
    });
  });

  test('keys that are too weak, of another use or of another algorithm are no keys', async () => {
    const weak = await signer('RS256', 'a', { modulusLength: 2048 });
    const good = await signer('ES256', 'a');
    for (const keys of [
      [{ ...good.jwk, use: 'enc' }],
      [{ kty: 'constructor', kid: 'a' }],
      [{ ...good.jwk, alg: 'ES384' }],
      [{ ...good.jwk, key_ops: ['encrypt'] }],
      [{ kty: 'oct', k: 'AAAA', kid: 'a' }],
      [],
    ]) {
      const id = await insertClient(database, { authMethod: 'private_key_jwt', jwks: { keys } });
      expect(
        await outcome(
          server,
          assertion(server, id, good).then((jwt) => ask(server, jwt)),
        ),
      ).toEqual([401, 'assertion_key_unknown']);
    }
    const short = {
      ...weak.jwk,
      n: Buffer.from(weak.jwk.n ?? '', 'base64url')
        .subarray(0, 128)
        .toString('base64url'),
    };
    const id = await insertClient(database, { authMethod: 'private_key_jwt', jwks: { keys: [short] } });
    expect(
      await outcome(
        server,
        assertion(server, id, weak).then((jwt) => ask(server, jwt)),
      ),
    ).toEqual([401, 'assertion_key_unknown']);
  });

  test('a client whose kind is another cannot use it, and one of this kind has no secret', async () => {
    const secret = await server.register();
    await database.rows
      .update(clients)
      .set({ jwks: { keys: [{ ...own.jwk }] } })
      .where(eq(clients.clientId, secret.id));
    const jwt = await assertion(server, secret.id, own);
    expect(await outcome(server, ask(server, jwt))).toEqual([401, 'auth_method_not_allowed']);

    const guess = { id: clientId, secret: 'a-guess-of-a-secret' };
    const asked = form('grant_type=client_credentials', { authorization: basic(guess) });
    expect(await outcome(server, server.ask('/api/auth/token', asked))).toEqual([401, 'auth_method_not_allowed']);

    await database.rows.update(clients).set({ authMethod: 'private_key_jwt' }).where(eq(clients.clientId, secret.id));
    const right = form('grant_type=client_credentials', { authorization: basic(secret) });
    expect(await outcome(server, server.ask('/api/auth/token', right))).toEqual([401, 'auth_method_not_allowed']);
  });

  test('a disabled client is refused, in the same words', async () => {
    const id = await insertClient(database, {
      authMethod: 'private_key_jwt',
      isActive: false,
      jwks: { keys: [{ ...own.jwk }] },
    });
    expect(
      await outcome(
        server,
        assertion(server, id, own).then((jwt) => ask(server, jwt)),
      ),
    ).toEqual([401, 'client_disabled']);
  });

  test('with a secret beside it the request is malformed', async () => {
    const jwt = await assertion(server, clientId, own);
    for (const answer of [
      await ask(server, jwt, { client_secret: 'x'.repeat(16) }),
      await ask(server, jwt, {}, { authorization: 'Basic YTpi' }),
    ]) {
      expect([answer.status, await answer.json()]).toEqual([
        400,
        { error: 'invalid_request', error_description: 'The client authenticates in two ways at once; use one.' },
      ]);
    }
  });

  test('an assertion can be used once, and again by nobody until it has ended; then its id is pruned', async () => {
    const jwt = await assertion(server, clientId, own, { jti: 'only-once' });
    expect((await ask(server, jwt)).status).toBe(200);
    expect(await outcome(server, ask(server, jwt))).toEqual([401, 'assertion_replayed']);
    const again = await assertion(server, clientId, own, { jti: 'only-once' });
    expect(await outcome(server, ask(server, again))).toEqual([401, 'assertion_replayed']);
    const other = await insertClient(database, { authMethod: 'private_key_jwt', jwks: { keys: [{ ...own.jwk }] } });
    expect((await ask(server, await assertion(server, other, own, { jti: 'only-once' }))).status).toBe(200);

    const count = () => database.rows.$count(usedAssertions);
    const before = await count();
    server.pass(60_000);
    await server.services.maintenance.run();
    expect(await count()).toBe(before);
    // The longest life, the difference of clocks, and a minute more.
    server.pass(330_000);
    await server.services.maintenance.run();
    expect(await count()).toBe(0);
  });

  test('a server whose own clock is a year ahead forgets none: it goes by the clock that all share', async () => {
    const settings = { issuer: server.issuer, databaseNow: async () => server.now() };
    const ahead = await startTestServer(database, { settings });
    const jwt = await assertion(server, clientId, own);
    expect((await ask(server, jwt)).status).toBe(200);
    ahead.pass(365 * 24 * 60 * 60_000);
    await ahead.services.maintenance.run();
    expect(await outcome(server, ask(server, jwt))).toEqual([401, 'assertion_replayed']);
    await ahead.close();
  });

  test('of many that use the same assertion at the same time, one succeeds', async () => {
    const jwt = await assertion(server, clientId, own);
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(server, jwt)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('another server on the same database knows what was used, also after a restart', async () => {
    const jwt = await assertion(server, clientId, own);
    expect((await ask(server, jwt)).status).toBe(200);
    const other = await startTestServer(database, { settings: { issuer: server.issuer, now: server.now } });
    expect(await outcome(other, ask(other, jwt))).toEqual([401, 'assertion_replayed']);
    await other.close();
  });

  describe.skipIf(!hasOpenssl())('with a jwks_uri (openssl)', () => {
    let keys: JWK[] = [];
    let away = false;
    let asked = 0;
    let place: Bun.Server<unknown>;
    let behind: TestServer;
    const start = (jwksUriAllowPrivate: boolean, tls: Made, more: Partial<Surroundings> = {}): Promise<TestServer> =>
      startTestServer(database, {
        settings: { jwksUriAllowPrivate, jwksAuthorities: tls.cert, resolve: async () => ['127.0.0.1'], ...more },
      });
    let tls: Made;
    beforeAll(async () => {
      tls = makeCertificate({ subject: '/CN=keys', extensions: ['subjectAltName=DNS:keys.example.test'] });
      place = Bun.serve({
        port: 0,
        hostname: '127.0.0.1',
        tls: { cert: tls.cert, key: tls.key },
        fetch: () => {
          asked += 1;
          return away ? new Response('', { status: 503 }) : Response.json({ keys });
        },
      });
      behind = await start(true, tls);
    });
    afterAll(async () => {
      await behind.close();
      await place.stop(true);
    });
    const insert = (): Promise<string> =>
      insertClient(database, {
        authMethod: 'private_key_jwt',
        jwksUri: `https://keys.example.test:${place.port}/${randomUUID()}`,
      });
    const try_ = async (target: TestServer, id: string, by: Signer): Promise<[number, string]> =>
      outcome(target, ask(target, await assertion(target, id, by)));

    test('keys are turned over without a gap, and an unknown one asks at most once in 30 s', async () => {
      const [first, second] = [await signer('ES256', 'first'), await signer('ES256', 'second')];
      const id = await insert();
      keys = [first.jwk];
      asked = 0;
      expect(await try_(behind, id, first)).toEqual([200, '']);
      expect(await try_(behind, id, first)).toEqual([200, '']);
      expect(asked).toBe(1);
      behind.pass(2_000);
      keys = [first.jwk, second.jwk];
      expect(await try_(behind, id, second)).toEqual([200, '']);
      expect(await try_(behind, id, first)).toEqual([200, '']);
      expect(asked).toBe(2);
      const unknown = await signer('ES256', 'unknown');
      for (let at = 0; at < 5; at += 1) expect(await try_(behind, id, unknown)).toEqual([401, 'assertion_key_unknown']);
      expect(asked).toBe(2);
      keys = [second.jwk];
      behind.pass(300_000);
      expect(await try_(behind, id, first)).toEqual([401, 'assertion_key_unknown']);
      expect(await try_(behind, id, second)).toEqual([200, '']);
    });

    test('a clock that is set back keeps no new key from being found', async () => {
      let steadyMs = 0;
      const setBack = await start(true, tls, { elapsed: () => steadyMs });
      const [first, second] = [await signer('ES256', 'first'), await signer('ES256', 'second')];
      const id = await insert();
      keys = [first.jwk];
      expect(await try_(setBack, id, first)).toEqual([200, '']);
      setBack.pass(-3_600_000);
      steadyMs += 2_000;
      keys = [second.jwk];
      expect(await try_(setBack, id, second)).toEqual([200, '']);
      await setBack.close();
    });

    test('where there are more keys than are tried without a name, the operator learns that one must be named', async () => {
      const by = await signer('ES256', 'last');
      const others = await Promise.all(Array.from({ length: 10 }, (_, at) => signer('ES256', `key-${at}`)));
      keys = [...others, by].map(({ jwk }) => jwk);
      const id = await insert();
      const jwt = await assertion(behind, id, by, {}, { kid: undefined });
      expect(await outcome(behind, ask(behind, jwt))).toEqual([401, 'assertion_key_ambiguous']);
      expect(await try_(behind, id, by)).toEqual([200, '']);
    });

    test('while the place is away, known keys go on being good', async () => {
      const by = await signer('ES256', 'a');
      const id = await insert();
      keys = [by.jwk];
      expect(await try_(behind, id, by)).toEqual([200, '']);
      away = true;
      behind.pass(600_000);
      expect(await try_(behind, id, by)).toEqual([200, '']);
      expect(await try_(behind, await insert(), by)).toEqual([401, 'jwks_unavailable']);
      expect(behind.logged.join()).toContain('answered 503');
      away = false;
    });

    test('a client whose place of keys cannot be reached is slowed down like one that is not there', async () => {
      const perMinute = { count: 10, periodMs: 60_000 };
      const perSecond = { count: 1_000, periodMs: 1_000 };
      const limits = { api: perSecond, token: perSecond, failed: perMinute, register: perSecond };
      const limited = await startTestServer(database, { settings: { limits, resolve: async () => [] } });
      const by = await signer('ES256', 'a');
      const statuses = async (id: string): Promise<number[]> => {
        const seen = [];
        for (let at = 0; at < 12; at += 1) seen.push((await ask(limited, await assertion(limited, id, by))).status);
        return seen;
      };
      const expected = [...Array<number>(10).fill(401), 429, 429];
      expect(await statuses('nobody')).toEqual(expected);
      expect(await statuses(await insert())).toEqual(expected);
      await limited.close();
    });

    test('a place in a private network is not asked unless that is allowed', async () => {
      const by = await signer('ES256', 'a');
      keys = [by.jwk];
      asked = 0;
      const strict = await start(false, tls);
      expect(await try_(strict, await insert(), by)).toEqual([401, 'jwks_unavailable']);
      expect(asked).toBe(0);
      await strict.close();
    });
  });
});
