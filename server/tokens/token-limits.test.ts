// The token endpoint under requests that are too large, too many, or not expressible with fetch.
import { afterAll, beforeAll, describe, expect, spyOn, test } from 'bun:test';
import { eachDatabase } from '../../db/testing';
import { chunked, rawRequest, sendRaw } from '../../kit/http/testing';
import { CHOSEN_SECRET_COST } from '../clients/secret-hasher';
import { basic, form, json, startTestServer, type TestClient, type TestServer } from '../testing';

const GRANT = 'grant_type=client_credentials';
const PATH = 'POST /api/auth/token';

eachDatabase('the token endpoint at its limits', (open) => {
  let server: TestServer;
  let client: TestClient;
  let headers: string[];
  beforeAll(async () => {
    server = await startTestServer(await open());
    client = await server.register();
    headers = ['Host: localhost', 'Content-Type: application/x-www-form-urlencoded'];
  });
  afterAll(() => server.close());

  const large = `${GRANT}&padding=${'x'.repeat(70_000)}`;
  test.each([
    ['of stated length', () => [`Content-Length: ${large.length}`], large],
    ['in chunks', () => ['Transfer-Encoding: chunked'], chunked(large)],
    ['in one chunk', () => ['Transfer-Encoding: chunked'], chunked(large, 100_000)],
  ])('a body of 70 KB %s is 413, a problem', async (_name, length, body) => {
    const request = rawRequest(PATH, [...headers, ...length(), `Authorization: ${basic(client)}`], body);
    const answer = await sendRaw(server.port, request);
    expect(answer.status).toBe(413);
    expect(answer.headers.get('content-type')).toEqual(['application/problem+json']);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 413, request_id: answer.headers.get('x-request-id')?.[0] });
  });

  test('a body of exactly 64 KiB is read, in chunks too', async () => {
    const body = `${GRANT}&padding=`.padEnd(64 * 1024, 'x');
    const stated = await server.ask('/api/auth/token', form(body, { authorization: basic(client) }));
    expect(stated.status).toBe(200);
    const request = rawRequest(
      PATH,
      [...headers, 'Transfer-Encoding: chunked', `Authorization: ${basic(client)}`],
      chunked(body),
    );
    expect((await sendRaw(server.port, request)).status).toBe(200);
    const more = await server.ask('/api/auth/token', form(`${body}x`, { authorization: basic(client) }));
    expect(more.status).toBe(413);
  });

  test('headers beyond what the server takes are 431, and it lives on', async () => {
    const request = rawRequest(PATH, [...headers, `X-Large: ${'x'.repeat(200_000)}`, 'Content-Length: 0']);
    const answer = await sendRaw(server.port, request);
    expect(answer.status).toBe(431);
    expect((await server.ask('/health')).status).toBe(200);
  });

  test('a large Authorization header is refused as a wrong one, not with 500', async () => {
    const authorization = `Basic ${Buffer.from(`${'i'.repeat(4_000)}:${'s'.repeat(4_000)}`).toString('base64')}`;
    const answer = await server.ask('/api/auth/token', form(GRANT, { authorization }));
    expect(answer.status).toBe(401);
  });

  test.each([
    ['two Authorization headers', [`Authorization: Basic ${btoa('a:b')}`, `Authorization: Basic ${btoa('c:d')}`], 400],
    ['two content types', ['Content-Type: application/json'], 400],
    ['a NUL byte in a header', ['X-Name: a\u0000b'], 400],
    ['a length that is no number', ['Content-Length: ten'], 400],
  ])('%s: %p is refused', async (_name, more, status) => {
    const body = more[0]?.startsWith('Content-Length') ? '' : GRANT;
    const length = body === '' ? [] : [`Content-Length: ${body.length}`];
    const answer = await sendRaw(server.port, rawRequest(PATH, [...headers, ...length, ...more], body));
    expect(answer.status).toBe(status);
  });

  test.each([['GET'], ['PUT'], ['DELETE'], ['PATCH'], ['HEAD'], ['OPTIONS']])(
    '%s is 405 with Allow',
    async (method) => {
      const answer = await server.ask('/api/auth/token', { method });
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.headers.get('x-request-id')).toMatch(/./);
    },
  );
});

describe('slow hashes', () => {
  eachDatabase('of chosen secrets', (open) => {
    let server: TestServer;
    let client: TestClient;
    beforeAll(async () => {
      server = await startTestServer(await open(), { settings: { hashCost: CHOSEN_SECRET_COST } });
      client = await server.register();
    });
    afterAll(() => server.close());
    const request = (who: TestClient): Promise<Response> =>
      server.ask('/api/auth/token', form(GRANT, { authorization: basic(who) }));

    test('a thousand requests at once of a client not seen before cost one, and all succeed', async () => {
      const verify = spyOn(Bun.password, 'verify');
      const answers = await Promise.all(Array.from({ length: 1_000 }, () => request(client)));
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      expect(verify).toHaveBeenCalledTimes(1);
      expect((await request(client)).status).toBe(200);
      expect(verify).toHaveBeenCalledTimes(1);
      verify.mockRestore();
    });

    test('each attempt with a wrong secret, or of an unknown client, costs one', async () => {
      const verify = spyOn(Bun.password, 'verify');
      for (const who of [
        { ...client, secret: 'a wrong secret, long enough' },
        { ...client, id: 'unknown' },
      ]) {
        verify.mockClear();
        expect((await request(who)).status).toBe(401);
        expect(verify).toHaveBeenCalledTimes(1);
      }
      verify.mockRestore();
    });

    test('beyond the queue: 503 with Retry-After, while a client that was seen before is served', async () => {
      await request(client);
      const guesses = Array.from({ length: 200 }, (_, at) => request({ id: `guess-${at}`, secret: 'x'.repeat(20) }));
      const registration = { client_id: 'crowded-out', client_secret: 'x'.repeat(20), app_name: 'a' };
      const known = await request(client);
      const answers = await Promise.all(guesses);
      expect(known.status).toBe(200);
      const turned = answers.filter(({ status }) => status === 503);
      expect(turned.length).toBeGreaterThan(0);
      expect(answers.filter(({ status }) => status === 401).length).toBe(200 - turned.length);
      expect(turned[0]!.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect(turned[0]!.headers.get('content-type')).toBe('application/problem+json');
      expect((await server.ask('/api/auth/register', json(registration))).status).toBe(200);
    });
  });
});
