// An administrator whose access token is bound to a key (RFC 9449), wherever the administrator may come.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eachDatabase } from '../../db/testing';
import { ADMIN_SECRET, challengeOf, form, json, startTestServer, type TestClient, type TestServer } from '../testing';
import { athOf, boundToken, createProver, nonceOf, type Prover, prove } from '../tokens/testing-proofs';

eachDatabase('an administrator with a DPoP-bound token', (open) => {
  let server: TestServer;
  let operator: TestClient;
  let prover: Prover;
  let token: string;
  let clientToken: string;
  beforeAll(async () => {
    const limits = { count: 1_000, periodMs: 1_000 };
    server = await startTestServer(await open(), {
      settings: { registration: 'admin', limits: { api: limits, token: limits, failed: limits, register: limits } },
    });
    operator = await server.register();
    const grants = { [`${server.issuer}/api/admin`]: ['admin'] };
    const init = json({ grants }, 'PATCH');
    await server.ask(`/api/admin/clients/${operator.id}`, {
      ...init,
      headers: { ...init.headers, 'x-admin-secret': ADMIN_SECRET },
    });
    prover = await createProver();
    token = await boundToken(server, operator, prover, `&resource=${server.issuer}/api/admin`);
    clientToken = await server.token(await server.register());
  });
  afterAll(() => server.close());

  const send = async (path: string, init: RequestInit, nonce?: string): Promise<Response> => {
    const claims = { htu: `${server.issuer}${path}`, iat: server.now() / 1_000, ath: athOf(token), nonce };
    const dpop = await prove(prover, { htm: init.method ?? 'GET', ...claims });
    return server.ask(path, { ...init, headers: { ...init.headers, authorization: `DPoP ${token}`, dpop } });
  };
  const registration = () =>
    json({ client_id: crypto.randomUUID(), client_secret: 'a secret, long enough', app_name: 'By token' });
  const places: [string, () => RequestInit, number][] = [
    ['/api/auth/introspect', () => form({ token: clientToken }), 200],
    ['/api/auth/revoke', () => form({ token: 'nonsense' }), 200],
    ['/api/auth/register', registration, 200],
    ['/api/clients', () => json({ client_name: 'By token' }), 201],
    ['/api/admin/clients', () => ({}), 200],
    ['/api/admin/keys/rotate', () => ({ method: 'POST' }), 200],
  ];

  test.each(places)(
    '%s tells which nonce to use, takes it, and brings the next one in time',
    async (path, make, ok) => {
      const first = await send(path, make());
      expect([first.status, challengeOf(first)['scheme'], challengeOf(first)['error']]).toEqual([
        401,
        'DPoP',
        'use_dpop_nonce',
      ]);
      if (path.startsWith('/api/auth/in') || path.endsWith('revoke'))
        expect(first.headers.get('www-authenticate')).toContain(', Basic realm=');
      const nonce = first.headers.get('dpop-nonce') ?? '';
      const answer = await send(path, make(), nonce);
      expect(answer.status).toBe(ok);
      expect(answer.headers.get('dpop-nonce')).toBeNull();
      expect(answer.headers.get('ratelimit')).toStartWith('"api";');
      server.pass(60_000);
      const ageing = await send(path, make(), nonce);
      expect([ageing.status, ageing.headers.get('dpop-nonce')]).toEqual([ok, await nonceOf(server, operator, prover)]);
    },
  );

  test('is told all of a token, and takes it back', async () => {
    const nonce = await nonceOf(server, operator, prover);
    const introspect = async () => (await send('/api/auth/introspect', form({ token: clientToken }), nonce)).json();
    expect(await introspect()).toMatchObject({ active: true });
    expect((await send('/api/auth/revoke', form({ token: clientToken }), nonce)).status).toBe(200);
    expect(await introspect()).toEqual({ active: false });
  });

  test('as a bearer token it is none of an administrator', async () => {
    const init = form({ token: clientToken }, { authorization: `Bearer ${token}` });
    const answer = await server.ask('/api/auth/introspect', init);
    expect([answer.status, challengeOf(answer)['scheme']]).toEqual([401, 'Basic']);
    expect(await answer.json()).toMatchObject({ error: 'invalid_client' });
  });
});
