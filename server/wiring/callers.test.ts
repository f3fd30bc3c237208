// Whose request it is when its body comes in chunks (RFC 9112 §7.1), as proxies send what came to them over HTTP/2.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { eachDatabase } from '../../db/testing';
import { chunked, type RawAnswer, rawRequest, sendRaw } from '../../kit/http/testing';
import { CLIENT, hasOpenssl, makeCertificate } from '../../kit/testing-certificates';
import { insertClient } from '../clients/testing-clients';
import { startTestServer, type TestClient, type TestServer } from '../testing';
import { CallerUnknown, createCallers } from './callers';

const LIMITS = {
  api: { count: 100, periodMs: 1_000 },
  token: { count: 20, periodMs: 1_000 },
  failed: { count: 2, periodMs: 60_000 },
  register: { count: 4, periodMs: 3_600_000 },
};

eachDatabase('a body in chunks', (open) => {
  let server: TestServer;
  let machine: string | null = null;
  let certificate = '';
  beforeAll(async () => {
    const database = await open();
    const trusted = (address: string): boolean => address === '127.0.0.1';
    // Certificates are made for the real day; within it the clock stands still.
    const nowMs = Date.now() + 60_000;
    const settings = { limits: LIMITS, trusted, behindProxy: true, now: () => nowMs };
    server = await startTestServer(database, { settings });
    if (!hasOpenssl()) return;
    const { x509 } = makeCertificate({ subject: '/CN=machine', extensions: CLIENT });
    const jwk = { ...x509.publicKey.export({ format: 'jwk' }), x5c: [x509.raw.toString('base64')] };
    machine = await insertClient(database, { authMethod: 'self_signed_tls_client_auth', jwks: { keys: [jwk] } });
    certificate = `Client-Cert: :${x509.raw.toString('base64')}:`;
  });
  afterAll(() => server.close());

  const FORM = 'application/x-www-form-urlencoded';
  const send = (path: string, type: string, body: string, headers: readonly string[]): Promise<RawAnswer> => {
    const all = ['Host: localhost', `Content-Type: ${type}`, 'Transfer-Encoding: chunked', ...headers];
    return sendRaw(server.port, rawRequest(`POST ${path}`, all, chunked(body)));
  };
  const ask = (of: Record<string, string>, headers: readonly string[]): Promise<RawAnswer> =>
    send('/api/auth/token', FORM, new URLSearchParams({ grant_type: 'client_credentials', ...of }).toString(), headers);
  const guess = ({ id, secret }: TestClient, from: string): Promise<RawAnswer> =>
    ask({ client_id: id, client_secret: secret }, [`X-Forwarded-For: ${from}`]);
  const statuses = async (work: () => Promise<RawAnswer>, times: number): Promise<readonly number[]> => {
    const seen: number[] = [];
    for (let at = 0; at < times; at++) seen.push((await work()).status);
    return seen;
  };

  test('failed authentication is counted for its own address: whoever guesses elsewhere locks nobody out', async () => {
    const client = await server.register();
    const wrong = { ...client, secret: 'a wrong guess' };
    expect(await statuses(() => guess(wrong, '192.0.2.1'), 4)).toEqual([401, 401, 429, 429]);
    expect((await guess(client, '192.0.2.1')).status).toBe(429);
    expect((await guess(client, '192.0.2.2')).status).toBe(200);
  });

  test('the access log names its own address, behind the proxy', async () => {
    await ask({ client_id: 'nobody', client_secret: 'a wrong guess' }, ['X-Forwarded-For: 192.0.2.77']);
    const records = server.logged.map((line) => JSON.parse(line)).filter(({ message }) => message === 'request');
    expect(records.at(-1)).toMatchObject({ 'url.path': '/api/auth/token', 'source.ip': '192.0.2.77' });
  });

  test('registrations are counted for their own address', async () => {
    let count = 0;
    const register = (from: string) => {
      const body = { client_id: `chunked-${from}-${++count}`, client_secret: 'correct-horse-battery', app_name: 'a' };
      return send('/api/auth/register', 'application/json', JSON.stringify(body), [`X-Forwarded-For: ${from}`]);
    };
    expect(await statuses(() => register('192.0.2.3'), 5)).toEqual([200, 200, 200, 200, 429]);
    expect((await register('192.0.2.4')).status).toBe(200);
  });

  test('the audit trail says from where it came', async () => {
    const refused = await guess({ id: 'nobody', secret: 'a wrong guess' }, '192.0.2.5');
    await server.services.audit.flush();
    const requestId = refused.headers.get('x-request-id')?.[0] ?? '';
    const all = { client: null, event: null, outcome: null, from: null, to: null, cursor: null, limit: 10 };
    const { items } = await server.services.audit.page({ ...all, requestId });
    expect(items).toMatchObject([{ event: 'client_authentication', address: '192.0.2.5' }]);
  });

  test.skipIf(!hasOpenssl())('the certificate is believed that a trusted proxy passed on (RFC 9440)', async () => {
    expect((await ask({ client_id: machine ?? '' }, [certificate])).status).toBe(200);
    expect((await ask({ client_id: machine ?? '' }, [])).status).toBe(401);
  });
});

describe('a caller', () => {
  const request = (signal: AbortSignal | null = null) => new Request('http://localhost/', { method: 'POST', signal });
  const address = '192.0.2.1';

  test('who left while he was judged is still who he was', () => {
    const callers = createCallers(() => false);
    const asked = request();
    callers.attach(() => ({ requestIP: () => ({ address }) }));
    expect(callers.source(asked)).toBe(address);
    callers.attach(() => ({ requestIP: () => null }));
    expect(callers.source(asked)).toBe(address);
  });

  test('who left before is nobody, for limits and for the trail', () => {
    const callers = createCallers(() => false);
    callers.attach(() => ({ requestIP: () => null }));
    const gone = request(AbortSignal.abort());
    expect([callers.source(gone), callers.seen(gone)]).toEqual(['', null]);
  });

  test('who waits for an answer and cannot be told from others shares no limit with them', () => {
    const callers = createCallers(() => false);
    callers.attach(() => ({ requestIP: () => null }));
    expect(() => callers.source(request())).toThrow(CallerUnknown);
    expect(callers.seen(request())).toBeNull();
  });
});
