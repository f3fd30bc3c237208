// Certificates of clients over HTTP (RFC 8705): behind a real HAProxy, and as headers of whoever says so.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash, randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Database } from '../../db/connect';
import { clients, type TlsSubject } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { freePort } from '../../db/testing-postgres';
import { AUTHORITY, CLIENT, hasOpenssl, type Made, makeCertificate } from '../../kit/testing-certificates';
import { insertClient } from '../clients/testing-clients';
import { ADMIN_SECRET, basic, challengeOf, form, startTestServer, type TestServer } from '../testing';
import { hasHaproxy, startProxy, type TlsProxy } from './testing-proxy';

const SUBJECT = '/C=PL/O=Example/CN=machine';
const DN: TlsSubject = { kind: 'tls_client_auth_subject_dn', value: 'CN=machine,O=Example,C=PL' };
const GRANT = 'client_credentials';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** `x5t#S256` (RFC 8705 §3.1). */
const thumbprint = ({ x509 }: Made): string => createHash('sha256').update(x509.raw).digest('base64url');

/** The answer, and the reason that the operator finds by its request id. */
async function outcome(server: TestServer, answering: Promise<Response>): Promise<[number, string]> {
  const answer = await answering;
  const id = answer.headers.get('x-request-id') ?? '?';
  const lines = server.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
  const line = lines.find((one) => one['http.request.id'] === id && one['event.reason'] !== undefined);
  return [answer.status, String(line?.['event.reason'] ?? '')];
}

describe.skipIf(!hasHaproxy() || !hasOpenssl())('behind HAProxy', () => {
  eachDatabase('certificates', (open) => {
    const made = {} as Record<'root' | 'middle' | 'other' | 'good' | 'below' | 'stranger' | 'own' | 'nobody', Made>;
    let nowMs: () => number;
    let laterMs = 0;
    let database: Database;
    let server: TestServer;
    let proxy: TlsProxy;
    beforeAll(async () => {
      const issue = (subject: string, issuer: Made | null, extensions: readonly string[]): Made =>
        makeCertificate({ subject, extensions, ...(issuer && { issuer }) });
      made.root = issue('/CN=Root', null, AUTHORITY);
      made.middle = issue('/CN=Middle', made.root, AUTHORITY);
      made.other = issue('/CN=Root', null, AUTHORITY);
      made.good = issue(SUBJECT, made.root, [...CLIENT, 'subjectAltName=DNS:machine.example.test']);
      made.below = issue(SUBJECT, made.middle, CLIENT);
      made.stranger = issue(SUBJECT, made.other, CLIENT);
      made.own = issue(SUBJECT, null, CLIENT);
      made.nobody = issue(SUBJECT, null, CLIENT);
      database = await open();
      nowMs = () => Date.now() + laterMs;
      server = await startTestServer(database, {
        settings: {
          mtlsAuthorities: made.root.cert,
          trusted: (address) => address === '127.0.0.1',
          now: () => nowMs(),
        },
      });
      const tls = issue('/CN=localhost', null, ['subjectAltName=DNS:localhost']);
      proxy = await startProxy({ port: await freePort(), serverPort: server.port, tls, authorities: made.root.cert });
    });
    afterAll(async () => {
      await proxy?.close();
      await server?.close();
    });

    const ask = (clientId: string, with_: Made | null, chain: readonly Made[] = [], headers = {}): Promise<Response> =>
      send({ grant_type: GRANT, client_id: clientId }, with_, chain, headers);
    const send = (parameters: Record<string, string>, with_: Made | null, chain: readonly Made[] = [], headers = {}) =>
      fetch(`${proxy.url}/api/auth/token`, {
        ...form(parameters, headers),
        keepalive: false,
        tls: {
          rejectUnauthorized: false,
          ...(with_ && { cert: [with_, ...chain].map(({ cert }) => cert).join('\n'), key: with_.key }),
        },
      });
    const assertion = (clientId: string, key: CryptoKey): Promise<string> =>
      new SignJWT({ iss: clientId, sub: clientId, aud: server.issuer, jti: randomUUID() })
        .setExpirationTime('1m')
        .setProtectedHeader({ alg: 'ES256' })
        .sign(key);
    const known = (tlsSubject: TlsSubject | null = DN) =>
      insertClient(database, { authMethod: 'tls_client_auth', tlsSubject });
    const selfSigned = (keys: readonly Record<string, unknown>[]) =>
      insertClient(database, { authMethod: 'self_signed_tls_client_auth', jwks: { keys } });
    const jwkOf = ({ x509 }: Made): Record<string, unknown> => ({ ...x509.publicKey.export({ format: 'jwk' }) });

    test('a good certificate of the right subject gets a token', async () => {
      const answer = await ask(await known(), made.good);
      expect(answer.status).toBe(200);
      const { access_token: token } = (await answer.json()) as { access_token: string };
      const read = await fetch(`${proxy.url}/api/currency/`, {
        headers: { authorization: `Bearer ${token}` },
        keepalive: false,
        tls: { rejectUnauthorized: false },
      });
      expect(read.status).toBe(200);
      const byName = await known({ kind: 'tls_client_auth_san_dns', value: 'machine.example.test' });
      expect((await ask(byName, made.good)).status).toBe(200);
      expect((await ask(byName, made.good)).status).toBe(200);
    });

    test('a bound token is good with its certificate alone', async () => {
      const authMethod = 'tls_client_auth';
      const clientId = await insertClient(database, { authMethod, tlsSubject: DN, certificateBound: true });
      const { access_token: token } = (await (await ask(clientId, made.good)).json()) as { access_token: string };
      const read = async (with_: Made | null) => {
        const answer = await fetch(`${proxy.url}/api/currency/`, {
          headers: { authorization: `Bearer ${token}` },
          keepalive: false,
          tls: { rejectUnauthorized: false, ...(with_ && { cert: with_.cert, key: with_.key }) },
        });
        return [answer.status, challengeOf(answer)['error']];
      };
      expect(await read(made.good)).toEqual([200, undefined]);
      expect(await read(made.own)).toEqual([401, 'invalid_token']);
      expect(await read(null)).toEqual([401, 'invalid_token']);
      // Remembered, it is not good without its certificate either.
      expect(await read(made.good)).toEqual([200, undefined]);
      expect(await read(null)).toEqual([401, 'invalid_token']);
    });

    test('a bound token and its introspection say which certificate', async () => {
      const authMethod = 'tls_client_auth';
      const clientId = await insertClient(database, { authMethod, tlsSubject: DN, certificateBound: true });
      const { access_token: token } = (await (await ask(clientId, made.good)).json()) as { access_token: string };
      const cnf = { 'x5t#S256': thumbprint(made.good) };
      expect(decodeJwt(token)['cnf']).toEqual(cnf);
      const about = form({ token }, { 'x-admin-secret': ADMIN_SECRET });
      const told = await (await server.ask('/api/auth/introspect', about)).json();
      expect(told).toMatchObject({ active: true, token_type: 'Bearer', cnf });
    });

    test('a client that is bound to its certificate gets nothing without one, however it authenticates', async () => {
      const bySecret = await server.register();
      await database.rows.update(clients).set({ certificateBound: true }).where(eq(clients.clientId, bySecret.id));
      await server.services.clients.changed(bySecret.id);
      const key = await generateKeyPair('ES256', { extractable: true });
      const jwk = { ...(await exportJWK(key.publicKey)) };
      const byKey = await insertClient(database, {
        authMethod: 'private_key_jwt',
        jwks: { keys: [jwk] },
        certificateBound: true,
      });
      const ways: (() => Promise<Record<string, string>>)[] = [
        async () => ({ client_id: bySecret.id, client_secret: bySecret.secret }),
        async () => ({
          client_assertion_type: ASSERTION_TYPE,
          client_assertion: await assertion(byKey, key.privateKey),
        }),
      ];
      for (const credentials of ways) {
        const refused = await send({ grant_type: GRANT, ...(await credentials()) }, null);
        expect([refused.status, await refused.json()]).toEqual([
          400,
          {
            error: 'invalid_request',
            error_description: 'Tokens of this client are bound to its certificate; present it.',
          },
        ]);
        const given = await send({ grant_type: GRANT, ...(await credentials()) }, made.own);
        const { access_token: token } = (await given.json()) as { access_token: string };
        expect(decodeJwt(token)).toMatchObject({ cnf: { 'x5t#S256': thumbprint(made.own) } });
      }
    });

    test('the authority between comes along with the certificate', async () => {
      const clientId = await known();
      expect(await outcome(server, ask(clientId, made.below))).toEqual([401, 'certificate_issuer_unknown']);
      expect((await ask(clientId, made.below, [made.middle])).status).toBe(200);
    });

    const refused: [string, () => Promise<Response>, string][] = [
      ['no certificate', async () => ask(await known(), null), 'credentials_missing'],
      [
        'of another authority, with the same names',
        async () => ask(await known(), made.stranger),
        'certificate_issuer_unknown',
      ],
      [
        'of another authority, which comes along',
        async () => ask(await known(), made.stranger, [made.other]),
        'certificate_issuer_unknown',
      ],
      ['signed by itself', async () => ask(await known(), made.own), 'certificate_issuer_unknown'],
      [
        'another subject',
        async () => ask(await known({ ...DN, value: 'CN=other,O=Example,C=PL' }), made.good),
        'certificate_subject',
      ],
      ['a client without a subject', async () => ask(await known(null), made.good), 'certificate_subject'],
      [
        'the client_id of another client',
        async () => ask(await known({ kind: 'tls_client_auth_san_dns', value: 'other.example.test' }), made.good),
        'certificate_subject',
      ],
      ['an unknown client', async () => ask('nobody', made.good), 'client_unknown'],
      ['a client with a secret', async () => ask((await server.register()).id, made.good), 'auth_method_not_allowed'],
      [
        'a client with a key',
        async () =>
          ask(
            await insertClient(database, { authMethod: 'private_key_jwt', jwks: { keys: [jwkOf(made.good)] } }),
            made.good,
          ),
        'auth_method_not_allowed',
      ],
      [
        'a disabled client',
        async () =>
          ask(
            await insertClient(database, { authMethod: 'tls_client_auth', tlsSubject: DN, isActive: false }),
            made.good,
          ),
        'client_disabled',
      ],
      [
        'self-signed, of another key',
        async () => ask(await selfSigned([jwkOf(made.own)]), made.nobody),
        'certificate_not_registered',
      ],
      ['self-signed, without any key', async () => ask(await selfSigned([]), made.own), 'certificate_not_registered'],
      [
        'self-signed, of the same key as another registered certificate',
        async () =>
          ask(await selfSigned([{ ...jwkOf(made.own), x5c: [made.nobody.x509.raw.toString('base64')] }]), made.own),
        'certificate_not_registered',
      ],
      [
        'self-signed, of the same key as another registered thumbprint',
        async () => ask(await selfSigned([{ ...jwkOf(made.own), 'x5t#S256': thumbprint(made.nobody) }]), made.own),
        'certificate_not_registered',
      ],
    ];
    test.each(refused)('refused: %s', async (_name, work, reason) => {
      const answer = await work();
      expect(await outcome(server, Promise.resolve(answer))).toEqual([401, reason]);
      expect(await answer.json()).toEqual({
        error: 'invalid_client',
        error_description: 'Client authentication failed.',
      });
    });

    test('a self-signed certificate that is registered gets a token, by key or by certificate', async () => {
      expect((await ask(await selfSigned([jwkOf(made.nobody), jwkOf(made.own)]), made.own)).status).toBe(200);
      const x5c = [made.own.x509.raw.toString('base64')];
      for (const certificate of [{ x5c }, { 'x5t#S256': thumbprint(made.own) }])
        expect((await ask(await selfSigned([{ ...jwkOf(made.own), ...certificate }]), made.own)).status).toBe(200);
    });

    test('one that ends is refused from then on, even where it was believed a moment ago', async () => {
      const cases = [
        [await known(), made.good],
        [await selfSigned([jwkOf(made.own)]), made.own],
      ] as const;
      for (const [clientId, its] of cases) {
        laterMs = its.x509.validToDate.getTime() - 60_000 - Date.now();
        expect((await ask(clientId, its)).status).toBe(200);
        laterMs += 120_000;
        expect(await outcome(server, ask(clientId, its))).toEqual([401, 'certificate_expired']);
      }
      laterMs = 0;
    });

    test('a header that the caller wrote is dropped by the proxy', async () => {
      const forged = { 'client-cert': `:${made.good.x509.raw.toString('base64')}:` };
      const clientId = await known();
      expect(await outcome(server, ask(clientId, null, [], forged))).toEqual([401, 'credentials_missing']);
      expect(await outcome(server, ask(clientId, made.stranger, [], forged))).toEqual([
        401,
        'certificate_issuer_unknown',
      ]);
    });

    test('a client with a secret may have a certificate too', async () => {
      const client = await server.register();
      const answer = await fetch(`${proxy.url}/api/auth/token`, {
        ...form({ grant_type: GRANT }, { authorization: basic(client) }),
        keepalive: false,
        tls: { rejectUnauthorized: false, cert: made.good.cert, key: made.good.key },
      });
      expect(answer.status).toBe(200);
    });
  });
});

describe.skipIf(!hasOpenssl())('the Client-Cert header (RFC 9440)', () => {
  eachDatabase('believed or not', (open) => {
    let root: Made;
    let good: Made;
    let database: Database;
    let clientId: string;
    beforeAll(async () => {
      root = makeCertificate({ subject: '/CN=Root', extensions: AUTHORITY });
      good = makeCertificate({ subject: SUBJECT, issuer: root, extensions: CLIENT });
      database = await open();
      clientId = await insertClient(database, { authMethod: 'tls_client_auth', tlsSubject: DN });
    });
    const start = (trusted: boolean): Promise<TestServer> =>
      startTestServer(database, {
        settings: { mtlsAuthorities: root.cert, trusted: () => trusted, now: () => Date.now() },
      });
    const item = (bytes: Uint8Array): string => `:${Buffer.from(bytes).toString('base64')}:`;
    const ask = (server: TestServer, headers: Record<string, string>): Promise<Response> =>
      server.ask('/api/auth/token', form({ grant_type: GRANT, client_id: clientId }, headers));

    test('from a peer that is not trusted it is nothing, well formed or not', async () => {
      const server = await start(false);
      for (const header of [item(good.x509.raw), 'nonsense']) {
        expect(await outcome(server, ask(server, { 'client-cert': header }))).toEqual([401, 'credentials_missing']);
        // An address in a header makes nobody trusted.
        const forwarded = { 'client-cert': header, 'x-forwarded-for': '127.0.0.1' };
        expect(await outcome(server, ask(server, forwarded))).toEqual([401, 'credentials_missing']);
      }
      await server.close();
    });

    test.each([
      ['secp256k1', ['ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1']],
      ['Ed448', ['ed448']],
      ['RSASSA-PSS', ['rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048']],
    ])('one with a key that cannot be used here is refused: %s', async (_name, algorithm) => {
      const server = await start(true);
      const x5c = [good.x509.raw.toString('base64')];
      const keys = [
        { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' },
        { kty: 'EC', x5c },
      ];
      const selfSigned = await insertClient(database, { authMethod: 'self_signed_tls_client_auth', jwks: { keys } });
      const { x509 } = makeCertificate({ subject: SUBJECT, extensions: CLIENT, algorithm });
      const headers = { 'client-cert': item(x509.raw) };
      const asked = server.ask('/api/auth/token', form({ grant_type: GRANT, client_id: selfSigned }, headers));
      expect(await outcome(server, asked)).toEqual([401, 'certificate_not_registered']);
      const known = makeCertificate({ subject: SUBJECT, issuer: root, extensions: CLIENT, algorithm });
      const chained = ask(server, { 'client-cert': item(known.x509.raw) });
      expect(await outcome(server, chained)).toEqual([401, 'certificate_key_unsupported']);
      await server.close();
    });

    test.each([
      ['tls_client_auth_subject_dn', DN.value],
      ['tls_client_auth_san_dns', 'machine.example.test'],
      ['tls_client_auth_san_uri', 'spiffe://example.test/a'],
      ['tls_client_auth_san_ip', '10.0.0.7'],
      ['tls_client_auth_san_email', 'm@example.test'],
    ] as const)('a certificate is known by the name registered as %s, and by no other', async (kind, value) => {
      const server = await start(true);
      const names = 'DNS:machine.example.test,URI:spiffe://example.test/a,IP:10.0.0.7,email:m@example.test';
      const extensions = [...CLIENT, `subjectAltName=${names}`];
      const { x509 } = makeCertificate({ subject: SUBJECT, issuer: root, extensions });
      const other = makeCertificate({ subject: '/CN=other', issuer: root, extensions: CLIENT });
      const tlsSubject = { kind, value };
      const client_id = await insertClient(database, { authMethod: 'tls_client_auth', tlsSubject });
      const askAs = (raw: Uint8Array) =>
        server.ask('/api/auth/token', form({ grant_type: GRANT, client_id }, { 'client-cert': item(raw) }));
      expect((await askAs(x509.raw)).status).toBe(200);
      expect(await outcome(server, askAs(other.x509.raw))).toEqual([401, 'certificate_subject']);
      await server.close();
    });

    test('from a trusted proxy it is read strictly', async () => {
      const server = await start(true);
      const header = item(good.x509.raw);
      expect((await ask(server, { 'client-cert': header })).status).toBe(200);
      expect((await ask(server, { 'client-cert': header, 'client-cert-chain': item(root.x509.raw) })).status).toBe(200);
      const none = ask(server, { 'client-cert': '::' });
      expect(await outcome(server, none)).toEqual([401, 'credentials_missing']);
      const malformed: Record<string, string>[] = [
        { 'client-cert': good.x509.raw.toString('base64') },
        { 'client-cert': encodeURIComponent(good.cert) },
        { 'client-cert': ':AAAA:' },
        { 'client-cert': ':!:' },
        { 'client-cert': `${header}, ${header}` },
        { 'client-cert': item(Buffer.concat([good.x509.raw, root.x509.raw])) },
        { 'client-cert': item(Buffer.concat([good.x509.raw, Buffer.from([0])])) },
        { 'client-cert': item(good.x509.raw.subarray(0, -1)) },
        { 'client-cert': header, 'client-cert-chain': 'x' },
        { 'client-cert': header, 'client-cert-chain': Array<string>(9).fill(item(root.x509.raw)).join(', ') },
      ];
      for (const headers of malformed) {
        const answer = await ask(server, headers);
        expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, 'invalid_request']);
      }
      await server.close();
    });
  });
});
