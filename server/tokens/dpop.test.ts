// DPoP (RFC 9449) over HTTP: what is taken and what is refused, at the token endpoint and at the resource.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import { decodeJwt, generateKeyPair } from 'jose';
import type { Database } from '../../db/connect';
import { clients } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { rawRequest, sendRaw } from '../../kit/http/testing';
import { basic, challengeOf, startTestServer, type TestClient, type TestServer, waitFor } from '../testing';
import { createProofs } from './proofs';
import { createReplayMemory } from './replay';
import {
  askWith,
  athOf,
  boundToken,
  createProver,
  nonceOf,
  type ProofChange,
  type Prover,
  prove,
} from './testing-proofs';

const GRANT = 'grant_type=client_credentials';
/** What the caller is told by each code. */
const SAID: Readonly<Record<string, string>> = {
  invalid_dpop_proof: 'The DPoP proof is missing or not valid.',
  use_dpop_nonce: 'The DPoP proof needs the nonce in the DPoP-Nonce header.',
};

eachDatabase('DPoP', (open) => {
  let database: Database;
  let server: TestServer;
  let client: TestClient;
  let prover: Prover;
  let other: Prover;
  let nonce: string;
  let token: string;
  beforeAll(async () => {
    database = await open();
    server = await startTestServer(database, { settings: { publicUrls: ['https://Rates.example:443/prefix/'] } });
    client = await server.register();
    [prover, other] = [await createProver(), await createProver()];
    nonce = await nonceOf(server, client, prover);
    token = await boundToken(server, client, prover);
  });
  afterAll(() => server.close());

  const iat = (): number => server.now() / 1000;
  /** A request to each of the two places, with a proof that is good but for the change. */
  const places = {
    'the token endpoint': {
      claims: () => ({ htm: 'POST', htu: `${server.issuer}/api/auth/token`, iat: iat(), nonce }),
      send: (dpop: string | null) => askWith(server, client, dpop),
    },
    'the resource': {
      claims: () => ({ htm: 'GET', htu: `${server.issuer}/api/currency/`, iat: iat(), nonce, ath: athOf(token) }),
      send: (dpop: string | null) =>
        server.ask('/api/currency/', { headers: { authorization: `DPoP ${token}`, ...(dpop !== null && { dpop }) } }),
    },
  };
  const lastReason = (): unknown =>
    (JSON.parse(server.logged.findLast((line) => line.includes('"event.reason"')) ?? '{}') as Record<string, unknown>)[
      'event.reason'
    ];

  describe.each(['the token endpoint', 'the resource'] as const)('at %s', (place) => {
    const { claims, send } = places[place];
    const path = place === 'the resource' ? '/api/currency/' : '/api/auth/token';
    const make = (change: ProofChange = {}, by = prover): Promise<string> => prove(by, claims(), change);
    const expectRefused = async (answer: Response, reason: string, code = 'invalid_dpop_proof'): Promise<void> => {
      if (place === 'the resource') {
        expect(answer.status).toBe(401);
        expect(challengeOf(answer)).toMatchObject({
          scheme: 'DPoP',
          error: code,
          error_description: SAID[code],
          algs: expect.stringContaining('ES256'),
        });
        expect(answer.headers.get('content-type')).toBe('application/problem+json');
      } else {
        expect(answer.status).toBe(400);
        expect(await answer.json()).toEqual({ error: code, error_description: SAID[code] });
        expect(answer.headers.get('cache-control')).toBe('no-store');
      }
      expect(lastReason()).toBe(reason);
    };

    test('a good proof is taken', async () => {
      const answer = await send(await make());
      expect(answer.status).toBe(200);
      if (place === 'the token endpoint') {
        const body = (await answer.json()) as Record<string, string>;
        expect(body['token_type']).toBe('DPoP');
        expect(decodeJwt(body['access_token'] ?? '')['cnf']).toEqual({ jkt: prover.jkt });
      }
    });

    const more: [string, () => ProofChange][] = [
      ['nbf and exp', () => ({ claims: { nbf: iat(), exp: iat() + 60 } })],
      ['claims that nobody knows', () => ({ claims: { foo: 'bar', aud: 'anybody' } })],
      ['header members that nobody knows', () => ({ header: { foo: 'bar', kid: 'mine' } })],
    ];
    test.each(more)('%s beside what a proof says are taken', async (_name, change) => {
      expect((await send(await make(change()))).status).toBe(200);
    });

    const targets: [string, (uri: string) => string][] = [
      ['with a query and a fragment', (uri) => `${uri}?a=b#c`],
      ['with scheme and host in capitals', (uri) => uri.replace('http://localhost', 'HTTP://LOCALHOST')],
      ['with escapes that need not be', (uri) => uri.replace('/api/', '/%61p%69/')],
      ['under another name of this machine', (uri) => uri.replace('localhost', '127.0.0.1')],
      ['under a public URL', (uri) => uri.replace(server.issuer, 'https://rates.example/prefix')],
      [
        'under a public URL with its default port',
        (uri) => uri.replace(server.issuer, 'https://rates.example:443/prefix'),
      ],
    ];
    test.each(targets)('its own URI %s is taken', async (_name, change) => {
      expect((await send(await make({ claims: { htu: change(claims().htu) } }))).status).toBe(200);
    });

    const bad: [string, () => ProofChange, string][] = [
      ['no typ', () => ({ header: { typ: undefined } }), 'dpop_typ'],
      ['typ JWT', () => ({ header: { typ: 'JWT' } }), 'dpop_typ'],
      ['no alg', () => ({ header: { alg: undefined } }), 'dpop_alg'],
      ['alg none', () => ({ header: { alg: 'none' } }), 'dpop_alg'],
      ['alg HS256', () => ({ header: { alg: 'HS256' } }), 'dpop_alg'],
      ['alg ES512', () => ({ header: { alg: 'ES512' } }), 'dpop_alg'],
      ['an alg of another key type', () => ({ header: { alg: 'RS256' } }), 'dpop_jwk'],
      ['no jwk', () => ({ header: { jwk: undefined } }), 'dpop_jwk'],
      ['a jwk that is text', () => ({ header: { jwk: 'x' } }), 'dpop_jwk'],
      ['a jwk without a coordinate', () => ({ header: { jwk: { ...prover.publicJwk, y: undefined } } }), 'dpop_jwk'],
      ['a private key in jwk', () => ({ header: { jwk: prover.privateJwk } }), 'dpop_private_key'],
      ['a symmetric key in jwk', () => ({ header: { jwk: { kty: 'oct', k: 'AAAA' } } }), 'dpop_private_key'],
      ['a critical extension', () => ({ header: { crit: ['b64'], b64: true } }), 'dpop_crit'],
      ['no jti', () => ({ claims: { jti: undefined } }), 'dpop_jti'],
      ['an empty jti', () => ({ claims: { jti: '' } }), 'dpop_jti'],
      ['a jti that is a number', () => ({ claims: { jti: 7 } }), 'dpop_jti'],
      ['a jti of 257 characters', () => ({ claims: { jti: 'x'.repeat(257) } }), 'dpop_jti'],
      ['no htm', () => ({ claims: { htm: undefined } }), 'dpop_htm'],
      ['another method', () => ({ claims: { htm: 'PUT' } }), 'dpop_htm'],
      ['the method in lower case', () => ({ claims: { htm: claims().htm.toLowerCase() } }), 'dpop_htm'],
      ['no htu', () => ({ claims: { htu: undefined } }), 'dpop_htu'],
      ['an htu that is a path', () => ({ claims: { htu: path } }), 'dpop_htu'],
      ['another host', () => ({ claims: { htu: `https://example.com${path}` } }), 'dpop_htu'],
      ['another port', () => ({ claims: { htu: `http://localhost:1${path}` } }), 'dpop_htu'],
      ['another scheme', () => ({ claims: { htu: claims().htu.replace('http:', 'https:') } }), 'dpop_htu'],
      ['another path', () => ({ claims: { htu: `${server.issuer}/api/currency/BTC` } }), 'dpop_htu'],
      ['a longer path', () => ({ claims: { htu: `${server.issuer}/x${path}` } }), 'dpop_htu'],
      ['backslashes', () => ({ claims: { htu: claims().htu.replace('//', '\\\\') } }), 'dpop_htu'],
      ['backslashes in the path', () => ({ claims: { htu: claims().htu.replaceAll('/api/', '\\api\\') } }), 'dpop_htu'],
      ['a line break in it', () => ({ claims: { htu: claims().htu.replace('/api', '/a\npi') } }), 'dpop_htu'],
      ['a line break behind it', () => ({ claims: { htu: `${claims().htu}\n` } }), 'dpop_htu'],
      ['a space before it', () => ({ claims: { htu: ` ${claims().htu}` } }), 'dpop_htu'],
      [
        'an address as one number',
        () => ({ claims: { htu: claims().htu.replace('localhost', '2130706433') } }),
        'dpop_htu',
      ],
      ['a short address', () => ({ claims: { htu: claims().htu.replace('localhost', '127.1') } }), 'dpop_htu'],
      ['a detour', () => ({ claims: { htu: claims().htu.replace('/api/', '/x/../api/') } }), 'dpop_htu'],
      ['an escaped detour', () => ({ claims: { htu: claims().htu.replace('/api/', '/x/%2e%2e/api/') } }), 'dpop_htu'],
      ['an escaped slash', () => ({ claims: { htu: claims().htu.replace('/api/', '/api%2F') } }), 'dpop_htu'],
      ['half an escape', () => ({ claims: { htu: `${claims().htu}?a=%2` } }), 'dpop_htu'],
      ['our host as user name', () => ({ claims: { htu: `http://localhost@example.com${path}` } }), 'dpop_htu'],
      ['no iat', () => ({ claims: { iat: undefined } }), 'dpop_iat'],
      ['an iat that is text', () => ({ claims: { iat: String(iat()) } }), 'dpop_iat'],
      ['an iat of 61 s ago', () => ({ claims: { iat: iat() - 61 } }), 'dpop_iat'],
      ['an iat of 11 s from now', () => ({ claims: { iat: iat() + 11 } }), 'dpop_iat'],
      ['a signature of another key', () => ({ key: other.key }), 'dpop_signature'],
      ['a jwk of another key', () => ({ header: { jwk: other.publicJwk } }), 'dpop_signature'],
    ];
    test.each(bad)('%s: refused', async (name, change, reason) => {
      const wrongKey = name === 'a jwk of another key' && place === 'the resource';
      await expectRefused(await send(await make(change())), wrongKey ? 'dpop_key' : reason);
    });

    test.each([
      ['text', () => 'abc', 'dpop_malformed'],
      ['two parts', () => 'eyJ9.eyJ9', 'dpop_malformed'],
      ['no JSON', () => 'AAAA.AAAA.AAAA', 'dpop_malformed'],
      ['a list as header', () => `${btoa('[]')}.${btoa('[]')}.AAAA`.replaceAll('=', ''), 'dpop_malformed'],
      ['nine thousand characters', () => `${'A'.repeat(9_000)}.AAAA.AAAA`, 'dpop_malformed'],
    ])('malformed, %s: refused', async (_name, header, reason) => {
      await expectRefused(await send(header()), reason);
    });

    test('no signature: refused', async () => {
      const [head, body] = (await make()).split('.');
      await expectRefused(await send(`${head}.${body}.`), 'dpop_signature');
    });

    test('two headers: refused, though each alone is good', async () => {
      const lines =
        place === 'the resource'
          ? ['Host: localhost', `Authorization: DPoP ${token}`]
          : ['Host: localhost', `Authorization: ${basic(client)}`, 'Content-Type: application/x-www-form-urlencoded'];
      const proofs = [`DPoP: ${await make()}`, `DPoP: ${await make()}`];
      const raw =
        place === 'the resource'
          ? rawRequest(`GET ${path}`, [...lines, ...proofs])
          : rawRequest(`POST ${path}`, [...lines, ...proofs, `Content-Length: ${GRANT.length}`], GRANT);
      const answer = await sendRaw(server.port, raw);
      expect(answer.status).toBe(place === 'the resource' ? 401 : 400);
      expect(JSON.stringify([answer.body, [...answer.headers]])).toContain('invalid_dpop_proof');
      expect(lastReason()).toBe('dpop_repeated');
    });

    test('the same proof again: refused', async () => {
      const proof = await make();
      expect((await send(proof)).status).toBe(200);
      await expectRefused(await send(proof), 'dpop_replayed');
    });

    test('of one proof sent many times at once exactly one is taken', async () => {
      const proof = await make();
      const answers = await Promise.all(Array.from({ length: 16 }, () => send(proof)));
      expect(answers.filter(({ status }) => status === 200).length).toBe(1);
    });

    // At the resource a token belongs to one key.
    if (place !== 'the resource') {
      test('the same jti under another key is another proof', async () => {
        for (const by of [prover, other])
          expect((await send(await make({ claims: { jti: 'shared-by-two' } }, by))).status).toBe(200);
      });
    }

    test('an iat at both ends of what is allowed is taken', async () => {
      for (const shift of [-60, 10])
        expect((await send(await make({ claims: { iat: iat() + shift } }))).status).toBe(200);
    });

    test.each([
      ['no nonce', undefined, 'dpop_nonce_missing'],
      ['a nonce of somebody else', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'dpop_nonce_old'],
      ['a nonce that is text', 'zażółć', 'dpop_nonce_old'],
      ['a nonce that is a number', 7, 'dpop_nonce_missing'],
    ])('%s: use_dpop_nonce, with the nonce that is then taken', async (_name, given, reason) => {
      const answer = await send(await make({ claims: { nonce: given } }));
      const fresh = answer.headers.get('dpop-nonce');
      await expectRefused(answer, reason, 'use_dpop_nonce');
      expect(fresh).toMatch(/^[\w-]{30}$/);
      expect((await send(await make({ claims: { nonce: fresh } }))).status).toBe(200);
    });
  });

  test('asking for the nonce is no failure: it is counted, and neither in the trail nor in the log of every day', async () => {
    const seen = server.logged.length;
    await server.services.audit.flush();
    const before = server.services.audit.state().headSeq;
    await nonceOf(server, client, prover);
    const { claims, send } = places['the resource'];
    await send(await prove(prover, { ...claims(), nonce: undefined }));
    await server.services.audit.flush();
    const told = server.logged.slice(seen).filter((line) => line.includes('dpop_nonce_missing'));
    expect(told.map((line) => (JSON.parse(line) as Record<string, unknown>)['log.level'])).toEqual(['debug', 'debug']);
    expect(server.services.audit.state().headSeq).toBe(before);
    const metrics = await (await server.ask('/metrics')).text();
    for (const event of ['oauth_request', 'resource_access'])
      expect(metrics).toMatch(new RegExp(`refusals_total\\{event="${event}",reason="dpop_nonce_missing"\\} [1-9]`));
  });

  test.each(['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'])('%s signs proofs', async (alg) => {
    const by = await createProver(alg);
    const own = await boundToken(server, client, by);
    const dpop = await prove(by, { ...places['the resource'].claims(), ath: athOf(own) });
    expect((await server.ask('/api/currency/', { headers: { authorization: `DPoP ${own}`, dpop } })).status).toBe(200);
  });

  test('the scheme DPoP is read in any letter case', async () => {
    for (const scheme of ['dpop', 'DPOP', 'dPoP']) {
      const dpop = await prove(prover, places['the resource'].claims());
      const answer = await server.ask('/api/currency/', { headers: { authorization: `${scheme} ${token}`, dpop } });
      expect(answer.status).toBe(200);
    }
  });

  test.each([
    ['of 1024 bits', { n: 'x'.repeat(171) }],
    ['of more than 4096 bits', { n: 'x'.repeat(684) }],
    ['with a large exponent', { e: 'AQAAAAAB' }],
  ])('an RSA key %s is refused', async (_name, change) => {
    const { publicKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = { ...(await crypto.subtle.exportKey('jwk', publicKey)), ...change };
    const rsa = await createProver('RS256');
    const answer = await askWith(
      server,
      client,
      await prove(rsa, places['the token endpoint'].claims(), { header: { jwk } }),
    );
    expect([answer.status, lastReason()]).toEqual([400, 'dpop_key_size']);
  });

  const refusedAtResource: [string, string, () => Promise<string>, () => Promise<string | null>, string, string][] = [
    [
      'a bound token sent as Bearer',
      'Bearer',
      async () => token,
      async () => null,
      'invalid_token',
      'dpop_token_as_bearer',
    ],
    [
      'a bound token sent as Bearer with a good proof',
      'Bearer',
      async () => token,
      () => prove(prover, places['the resource'].claims()),
      'invalid_token',
      'dpop_token_as_bearer',
    ],
    [
      'a bearer token sent as DPoP',
      'DPoP',
      () => server.token(client),
      async () => null,
      'invalid_token',
      'dpop_token_unbound',
    ],
    ['no proof', 'DPoP', async () => token, async () => null, 'invalid_dpop_proof', 'dpop_missing'],
    [
      'the proof of another token',
      'DPoP',
      async () => token,
      () => prove(prover, { ...places['the resource'].claims(), ath: athOf('another') }),
      'invalid_dpop_proof',
      'dpop_ath',
    ],
    [
      'a proof without ath',
      'DPoP',
      async () => token,
      () => prove(prover, { ...places['the resource'].claims(), ath: undefined }),
      'invalid_dpop_proof',
      'dpop_ath',
    ],
    [
      'the proof of another key',
      'DPoP',
      async () => token,
      () => prove(other, places['the resource'].claims()),
      'invalid_dpop_proof',
      'dpop_key',
    ],
  ];
  test.each(refusedAtResource)('%s: 401', async (_name, scheme, whichToken, proof, code, reason) => {
    const dpop = await proof();
    const headers = { authorization: `${scheme} ${await whichToken()}`, ...(dpop !== null && { dpop }) };
    const answer = await server.ask('/api/currency/', { headers });
    expect(answer.status).toBe(401);
    expect(challengeOf(answer)).toMatchObject({
      scheme,
      error: code,
      algs: expect.stringContaining('ES256') as unknown as string,
    });
    expect(lastReason()).toBe(reason);
  });

  test('a client that is bound to DPoP gets nothing without a proof, and a bound token with one', async () => {
    const bound = await server.register();
    await database.rows.update(clients).set({ dpopBound: true }).where(eq(clients.clientId, bound.id));
    await waitFor(async () => (await askWith(server, bound, null)).status === 400, 'the change to be heard of');
    expect(await (await askWith(server, bound, null)).json()).toMatchObject({ error: 'invalid_dpop_proof' });
    expect(decodeJwt(await boundToken(server, bound, prover))['cnf']).toEqual({ jkt: prover.jkt });
  });

  test('more proofs than can be remembered: 503 with Retry-After, and none of them is good again', async () => {
    const used = createReplayMemory({ now: server.now, max: 8 });
    for (const other of ['a', 'b', 'c']) for (const jti of ['one', 'two']) used.use(other, jti, other);
    const small = await startTestServer(database, {
      settings: { issuer: server.issuer, now: server.now },
      change: (services) => ({
        ...services,
        proofs: createProofs({
          urls: [server.issuer],
          nonceKey: () => services.vault.secretFor('dpop-nonce'),
          now: server.now,
          memories: [used],
        }),
      }),
    });
    const own = await boundToken(small, client, prover);
    const read = async (given: { nonce: string; jti: string }): Promise<Response> => {
      const dpop = await prove(prover, { ...places['the resource'].claims(), ath: athOf(own), ...given });
      return small.ask('/api/currency/', { headers: { authorization: `DPoP ${own}`, dpop } });
    };
    const fresh = (await read({ nonce: '', jti: 'none' })).headers.get('dpop-nonce') ?? '';
    const statuses: number[] = [];
    for (const jti of ['one', 'two']) statuses.push((await read({ nonce: fresh, jti })).status);
    const beyond = await read({ nonce: fresh, jti: 'three' });
    statuses.push(beyond.status, (await read({ nonce: fresh, jti: 'one' })).status);
    expect(statuses).toEqual([200, 200, 503, 401]);
    expect(beyond.headers.get('retry-after')).toMatch(/^[1-9]/);
    expect(beyond.headers.get('content-type')).toBe('application/problem+json');
    await small.close();
  });

  test('a nonce is good for the rest of its minute and the next, and its last uses bring the next one', async () => {
    const old = await nonceOf(server, client, prover);
    const ask = async (given: string) =>
      askWith(server, client, await prove(prover, { ...places['the token endpoint'].claims(), nonce: given }));
    expect((await ask(old)).headers.get('dpop-nonce')).toBeNull();
    server.pass(60_000);
    const ageing = await ask(old);
    const next = ageing.headers.get('dpop-nonce') ?? '';
    expect([ageing.status, next === old]).toEqual([200, false]);
    server.pass(60_000);
    const late = await ask(old);
    expect(await late.json()).toMatchObject({ error: 'use_dpop_nonce' });
    expect((await ask(next)).status).toBe(200);
    nonce = next;
  });

  test('a nonce from before this process began is refused: it does not know which proofs were used with it', async () => {
    const before = await nonceOf(server, client, prover);
    let nowMs = server.now() + 1;
    const second = await startTestServer(database, { settings: { now: () => nowMs, issuer: server.issuer } });
    nowMs += 1_000;
    const claims = { htm: 'POST', htu: `${server.issuer}/api/auth/token`, iat: nowMs / 1000 };
    const answer = await askWith(second, client, await prove(prover, { ...claims, nonce: before }));
    expect(await answer.json()).toMatchObject({ error: 'use_dpop_nonce' });
    const nonceHere = answer.headers.get('dpop-nonce');
    expect((await askWith(second, client, await prove(prover, { ...claims, nonce: nonceHere }))).status).toBe(200);
    await second.close();
  });
});
