// `/api/currency/stream`: the rates over a WebSocket (RFC 6455), by contract §5.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import type { Database } from '../../../db/connect';
import { eachDatabase, embeddedDatabase } from '../../../db/testing';
import { type RawAnswer, rawRequest, sendRaw } from '../../../kit/http/testing';
import {
  ADMIN_SECRET,
  basic,
  challengeOf,
  form,
  json,
  startTestServer,
  type TestClient,
  type TestServer,
  waitFor,
} from '../../testing';
import { athOf, boundToken, createProver, nonceOf, prove } from '../../tokens/testing-proofs';
import { STREAMS_PER_CLIENT_MAX } from './hub';
import type { StreamMessage } from './model';
import { openSocket, type TestSocket } from './testing';
import { UPGRADE } from './testing-raw';

/** A server, a client of it with a token, and what tests do with them. */
function scene(open: () => Promise<Database>) {
  const sockets: TestSocket[] = [];
  const at = {} as { database: Database; server: TestServer; client: TestClient; token: string };
  beforeAll(async () => {
    at.database = await open();
    at.server = await startTestServer(at.database);
    at.client = await at.server.register();
  });
  beforeEach(async () => {
    at.token = await at.server.token(at.client);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close();
    await waitFor(() => at.server.services.streams.counts().websocket === 0, 'the sockets to be gone');
  });
  afterAll(() => at.server.close());
  return Object.assign(at, {
    enter: async (query = '', headers: Record<string, string> = bearer(at.token)): Promise<TestSocket> => {
      const socket = await openSocket(at.server, headers, query);
      sockets.push(socket);
      return socket;
    },
    /** @returns the number of the tick. */
    tick: async (): Promise<number> => {
      at.server.pass(3_000);
      return (await at.server.services.ticker.tick())!;
    },
    rates: () => [...at.server.services.feed.snapshot().rates],
    seq: () => at.server.services.feed.snapshot().seq,
    beat: () => at.server.services.streams.beat(),
    admin: async (path: string, init: RequestInit = { method: 'POST' }): Promise<Response> => {
      const headers = { ...(init.headers as object), 'x-admin-secret': ADMIN_SECRET };
      const answer = await at.server.ask(`/api/admin/${path}`, { ...init, headers });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer;
    },
  });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const symbolsOf = (message: StreamMessage): string[] =>
  'rates' in message ? message.rates.map(({ symbol }) => symbol) : [];
eachDatabase('a WebSocket of the rates', (open) => {
  const it = scene(open);

  test('begins with a snapshot, and goes on with an update for each tick that names the one before', async () => {
    const socket = await it.enter();
    expect(await socket.next()).toEqual({ type: 'snapshot', seq: it.seq(), rates: it.rates() });
    for (let count = 0; count < 3; count++) {
      const before = it.seq();
      expect(await it.tick()).toBe(before + 1);
      expect(await socket.next()).toEqual({ type: 'update', from_seq: before, seq: it.seq(), rates: it.rates() });
    }
  });

  test('all get the same, each the currencies that it asked for', async () => {
    const [all, some, more] = [
      await it.enter(),
      await it.enter('?symbols=eth,BTC'),
      await it.enter('?symbols=BTC,ETH,ETH'),
    ];
    await it.tick();
    expect(symbolsOf(await all.next())).toHaveLength(13);
    for (const socket of [some, more]) expect(symbolsOf(await socket.next())).toEqual(['BTC', 'ETH']);
    for (const socket of [some, more]) expect(symbolsOf(await socket.next())).toEqual(['BTC', 'ETH']);
    expect(await all.next()).toMatchObject({ type: 'update', rates: it.rates() });
  });

  test('a tick that another server made comes the same way', async () => {
    const socket = await it.enter();
    await socket.next();
    const before = it.seq();
    const other = await startTestServer(it.database);
    other.pass(it.server.now() - other.now() + 3_000);
    expect(await other.services.ticker.tick()).toBe(before + 1);
    expect(await socket.next()).toMatchObject({ type: 'update', from_seq: before, seq: before + 1 });
    await other.close();
  });

  test('a currency that comes or goes brings a fresh snapshot', async () => {
    const [all, some] = [await it.enter(), await it.enter('?symbols=BTC')];
    await Promise.all([all.next(), some.next()]);
    await it.admin('currencies', json({ symbol: 'NEW', name: 'Newcoin', rate: 1.5 }));
    expect(await all.next()).toEqual({ type: 'snapshot', seq: it.seq(), rates: it.rates() });
    expect(symbolsOf(await some.next())).toEqual(['BTC']);
    some.send({ type: 'subscribe', id: 1, symbols: ['NEW'] });
    expect(await some.next()).toMatchObject({ type: 'subscribed', symbols: ['NEW'] });
    expect(symbolsOf(await some.next())).toEqual(['NEW']);
    await it.admin('currencies/NEW/retire');
    expect(symbolsOf(await all.next())).not.toContain('NEW');
    expect(await some.next()).toMatchObject({ type: 'snapshot', rates: [] });
  });

  describe('closes with 4401 when its token', () => {
    const revokeKey = async () => {
      const { items } = (await (await it.admin('keys', {})).json()) as { items: { kid: string; state: string }[] };
      await it.admin(`keys/${items.find(({ state }) => state === 'active')!.kid}/revoke`);
    };
    test.each<[string, () => unknown, number]>([
      ['ends', () => it.server.pass(7_200_000), 0],
      [
        'is revoked',
        () => it.server.ask('/api/auth/revoke', form({ token: it.token }, { authorization: basic(it.client) })),
        1,
      ],
      ['was signed by a key that is revoked', revokeKey, 0],
      [
        'is one of all the tokens of a client that are revoked',
        () => it.admin(`clients/${it.client.id}/revoke-tokens`),
        1,
      ],
      ['belongs to a client that is disabled', () => it.admin(`clients/${it.client.id}/disable`), 1],
    ])('%s', async (_, end, left) => {
      const socket = await it.enter();
      await it.enter('', bearer(await it.server.token()));
      it.beat();
      await end();
      it.beat();
      expect(await socket.closed).toEqual({ code: 4401, reason: 'token ended' });
      expect(it.server.services.streams.counts().websocket).toBe(left);
    });
  });
});

embeddedDatabase('a WebSocket of the rates', (open) => {
  const it = scene(open);

  describe('subscribe', () => {
    test.each([
      [
        ['ETH', 'btc', ' BTC\n'],
        ['BTC', 'ETH'],
      ],
      [[], []],
      [undefined, []],
    ])('%j gives %j (none: all), then a fresh snapshot of it, then updates', async (asked, given) => {
      const socket = await it.enter('?symbols=XRP');
      await socket.next();
      socket.send({ type: 'subscribe', id: 'a', ...(asked && { symbols: asked }) });
      expect(await socket.next()).toEqual({ type: 'subscribed', id: 'a', symbols: given });
      const wanted = given.length > 0 ? given : it.rates().map(({ symbol }) => symbol);
      const snapshot = await socket.next();
      expect(snapshot).toMatchObject({ type: 'snapshot', seq: it.seq() });
      expect(symbolsOf(snapshot)).toEqual(wanted);
      await it.tick();
      const update = await socket.next();
      expect(update).toMatchObject({ type: 'update', from_seq: it.seq() - 1, seq: it.seq() });
      expect(symbolsOf(update)).toEqual(wanted);
    });

    test('is refused for a currency that is not there, and all stays as it was', async () => {
      const socket = await it.enter('?symbols=XRP');
      await socket.next();
      socket.send({ type: 'subscribe', id: 7, symbols: ['BTC', 'NOPE'] });
      expect(await socket.next()).toEqual({ type: 'error', id: 7, detail: 'There is no currency NOPE.' });
      socket.send({ type: 'subscribe', id: 8, symbols: [' '] });
      expect(await socket.next()).toEqual({ type: 'error', id: 8, detail: 'There is no currency.' });
      await it.tick();
      expect(symbolsOf(await socket.next())).toEqual(['XRP']);
    });
  });

  describe('a message', () => {
    const secret = 'eyJhbGciOiJub25lIn0.secret.';
    test.each([
      ['that is no JSON', 'nonsense', null, /JSON/],
      ['that is no object', '[1]', null, /^The message is not a JSON object\.$/],
      ['without a type', { id: 'x' }, 'x', /type/],
      ['of an unknown type', { type: secret, id: 'x' }, 'x', /type/],
      ['without an id', { type: 'subscribe', symbols: [] }, null, /^id must be a text /],
      ['with an id that is none', { type: 'subscribe', id: { secret } }, null, /^id must be a text /],
      ['with symbols that are none', { type: 'subscribe', id: 1, symbols: 'BTC' }, 1, /^symbols must be a list /],
      [
        'with too many symbols',
        { type: 'subscribe', id: 1, symbols: Array(101).fill('BTC') },
        1,
        /at most 100 symbols/,
      ],
      ['with a symbol that is none', { type: 'subscribe', id: 1, symbols: ['BTC', ''] }, 1, /^symbols\/1 must be the /],
      [
        'with a member too many',
        { type: 'subscribe', id: 1, [secret]: 1 },
        1,
        /^The message has a member that is not /,
      ],
      ['with a token that is none', { type: 'authorize', id: 1, token: [secret] }, 1, /^token must be an access token/],
      ['without a token', { type: 'authorize', id: 1 }, 1, /^token must be an access token/],
      ['with a token of nobody', { type: 'authorize', id: 1, token: secret }, 1, /token is not good/],
      ['in bytes', new Uint8Array([1, 2]), null, /JSON/],
    ])('%s is answered by an error that shows nothing of it', async (_, message, id, detail) => {
      const socket = await it.enter();
      await socket.next();
      if (message instanceof Uint8Array) socket.sendBytes(message);
      else socket.send(message);
      const answer = await socket.next();
      expect(answer).toEqual({ type: 'error', id, detail: expect.stringMatching(detail) });
      expect(JSON.stringify(answer)).not.toContain('secret');
      await it.tick();
      expect((await socket.next()).type).toBe('update');
      expect(it.server.logged.join()).not.toContain(secret);
    });

    test('of more than 32 KiB closes the connection with 1009, and the fifty-first within ten seconds with 1008', async () => {
      const [long, many] = [await it.enter(), await it.enter()];
      long.send({ type: 'subscribe', id: 1, symbols: ['x'.repeat(33_000)] });
      expect((await long.closed).code).toBe(1009);
      for (let count = 0; count < 50; count++) many.send({ type: 'subscribe', id: count });
      for (let count = 0; count < 1 + 50 * 2; count++) await many.next();
      it.server.pass(10_000);
      for (let count = 0; count < 51; count++) many.send({ type: 'subscribe', id: count });
      expect((await many.closed).code).toBe(1008);
      expect(many.waiting()).toBe(50 * 2);
    });
  });

  test('a heartbeat comes when nothing else has for ten seconds', async () => {
    const socket = await it.enter();
    await socket.next();
    await it.tick();
    await socket.next();
    it.server.pass(9_000);
    it.beat();
    it.server.pass(1_000);
    it.beat();
    it.beat();
    expect(await socket.next()).toEqual({ type: 'heartbeat', seq: it.seq() });
    await it.tick();
    expect((await socket.next()).type).toBe('update');
  });

  describe('authorize', () => {
    test('lets the connection go on under another token of the it.client, until that one ends', async () => {
      const socket = await it.enter();
      await socket.next();
      it.server.pass(7_000_000);
      const next = await it.server.token(it.client);
      socket.send({ type: 'authorize', id: 'next', token: next });
      const expires_at = new Date(it.server.now() + 7_200_000).toISOString();
      expect(await socket.next()).toEqual({ type: 'authorized', id: 'next', expires_at });
      it.server.pass(3_600_000);
      it.beat();
      expect((await socket.next()).type).toBe('heartbeat');
      it.server.pass(3_600_000);
      it.beat();
      expect(await socket.closed).toEqual({ code: 4401, reason: 'token ended' });
    });

    test('is refused with a token of another client, one that is revoked or ended, and one for something else', async () => {
      const socket = await it.enter();
      await socket.next();
      const [revoked, ended] = [await it.server.token(it.client), await it.server.token(it.client)];
      await it.server.ask('/api/auth/revoke', form({ token: revoked }, { authorization: basic(it.client) }));
      it.server.pass(7_100_000);
      socket.send({ type: 'authorize', id: 0, token: await it.server.token(it.client) });
      expect((await socket.next()).type).toBe('authorized');
      const refused = async (token: string, reason: string) => {
        const from = it.server.logged.length;
        socket.send({ type: 'authorize', id: 1, token });
        expect(await socket.next()).toEqual({ type: 'error', id: 1, detail: expect.stringMatching(/not good/) });
        expect(it.server.logged.slice(from).join()).toContain(`"event.reason":"${reason}"`);
      };
      await refused(revoked, 'token_revoked');
      await refused(await it.server.token(), 'token_of_another_client');
      await refused(await adminToken(), 'token_audience_other');
      it.server.pass(100_000);
      await refused(ended, 'token_expired');
      it.beat();
      await it.tick();
      expect((await socket.next()).type).toBe('update');
    });

    /** A token for the administration. */
    const adminToken = async (): Promise<string> => {
      const administrator = await it.server.register();
      const grants = { [`${it.server.issuer}/api/admin`]: ['admin'] };
      await it.admin(`clients/${administrator.id}`, json({ grants }, 'PATCH'));
      const resource = `${it.server.issuer}/api/admin`;
      const asked = form({ grant_type: 'client_credentials', resource }, { authorization: basic(administrator) });
      const answer = await it.server.ask('/api/auth/token', asked);
      return ((await answer.json()) as { access_token: string }).access_token;
    };

    test('takes a token that is bound to a key on a connection that was opened with that key only', async () => {
      const [prover, other] = [await createProver(), await createProver()];
      const bound = await boundToken(it.server, it.client, prover);
      const plain = await it.enter();
      await plain.next();
      plain.send({ type: 'authorize', id: 1, token: bound });
      expect((await plain.next()).type).toBe('error');
      const htu = `${it.server.issuer}/api/currency/stream`;
      const nonce = await nonceOf(it.server, it.client, prover);
      const proof = await prove(prover, { htm: 'GET', htu, iat: it.server.now() / 1000, nonce, ath: athOf(bound) });
      const proven = await it.enter('', { authorization: `DPoP ${bound}`, dpop: proof });
      await proven.next();
      for (const [token, answer] of [
        [await boundToken(it.server, it.client, prover), 'authorized'],
        [await boundToken(it.server, it.client, other), 'error'],
        [await it.server.token(it.client), 'error'],
      ] as const) {
        proven.send({ type: 'authorize', id: 1, token });
        expect((await proven.next()).type).toBe(answer);
      }
    });
  });

  /** Asks for an upgrade, byte by byte; answered when the connection has ended. */
  const askRaw = (headers: Record<string, string>): Promise<RawAnswer> => {
    const lines = Object.entries({ host: `localhost:${it.server.port}`, ...headers }).map((pair) => pair.join(': '));
    // A connection that is to be upgraded is not to be closed: of the two, the first is read.
    return sendRaw(it.server.port, rawRequest('GET /api/currency/stream', lines));
  };

  describe('lets in', () => {
    test('nobody without a token, and no token that is not good: as the other rates do', async () => {
      const ask = (headers: Record<string, string>) => it.server.ask('/api/currency/stream', { headers });
      const none = await ask({});
      expect(none.status).toBe(401);
      expect(challengeOf(none)['error']).toBeUndefined();
      const bad = await ask(bearer('nonsense'));
      expect(bad.status).toBe(401);
      expect(challengeOf(bad)).toMatchObject({ error: 'invalid_token' });
      const prover = await createProver();
      const bound = await boundToken(it.server, it.client, prover);
      expect((await ask({ authorization: `DPoP ${bound}` })).status).toBe(401);
      await expect(openSocket(it.server, bearer('nonsense'))).rejects.toThrow();
    });

    test.each<[string, Record<string, string>]>([
      ['no upgrade', {}],
      ['another version', { ...UPGRADE, 'sec-websocket-version': '8' }],
      ['a key that is none', { ...UPGRADE, 'sec-websocket-key': 'x' }],
    ])('nothing that is no WebSocket, with 426: %s', async (_, headers) => {
      const answer = await askRaw({ ...bearer(it.token), ...headers });
      expect(answer.status).toBe(426);
      expect(answer.headers.get('upgrade')).toEqual(['websocket']);
      expect(answer.headers.get('sec-websocket-version')).toEqual(['13']);
      expect(answer.headers.get('x-request-id')).toBeDefined();
      expect(JSON.parse(answer.body)).toMatchObject({ title: 'Upgrade Required', status: 426 });
    });

    test('no unknown currency: 404 before the upgrade', async () => {
      const answer = await it.server.read('/api/currency/stream?symbols=BTC,NOPE', it.token, UPGRADE);
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    });

    test(`no more than ${STREAMS_PER_CLIENT_MAX} of one client: 429 with Retry-After, until one leaves`, async () => {
      const all = await Promise.all(Array.from({ length: STREAMS_PER_CLIENT_MAX }, () => it.enter('?symbols=BTC')));
      const answer = await it.server.read('/api/currency/events', it.token);
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      await expect(openSocket(it.server, bearer(it.token))).rejects.toThrow();
      await it.enter('', bearer(await it.server.token()));
      all[0]!.close();
      await waitFor(() => it.server.services.streams.counts().websocket === STREAMS_PER_CLIENT_MAX, 'one to leave');
      await it.enter();
    });
  });

  test('the answer to the upgrade has an id, as every answer', async () => {
    const answer = askRaw({ ...bearer(it.token), ...UPGRADE, 'x-request-id': 'my-own-request' });
    await waitFor(() => it.server.services.streams.counts().websocket === 1, 'the socket');
    it.server.pass(7_200_000);
    it.beat();
    expect((await answer).status).toBe(101);
    expect((await answer).headers.get('x-request-id')).toEqual(['my-own-request']);
  });

  test('open streams and cuts are counted', async () => {
    const socket = await it.enter();
    const text = async () => (await it.server.ask('/metrics')).text();
    expect(await text()).toContain('crypto_server_stream_subscribers{kind="websocket"} 1\n');
    it.server.pass(7_200_000);
    it.beat();
    await socket.closed;
    expect(await text()).toContain('crypto_server_stream_subscribers{kind="websocket"} 0\n');
    expect(await text()).toMatch(/^crypto_server_stream_cuts_total\{reason="token_ended"\} [1-9]/m);
  });
});
