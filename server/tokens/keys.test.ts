// Signing keys of a running server: what callers see while keys come and go, on a clock that is moved.
import { describe, expect, test } from 'bun:test';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { connectPostgres } from '../../db/connect';
import { signingKeys } from '../../db/schema';
import { eachDatabase, freshDatabaseUrl } from '../../db/testing';
import { findPostgres } from '../../db/testing-postgres';
import { CLOCKS_APART_MS } from '../../kit/clocks';
import { START_MS, startTestServer, type TestServer, waitFor } from '../testing';
import { PUBLISHED_AHEAD_MS, RETIRING_MS, ROTATE_EVERY_MS, type SigningAlg } from './key-schedule';

const MINUTE_MS = 60_000;
const keySet = async (server: TestServer): Promise<JSONWebKeySet> =>
  (await (await server.ask('/.well-known/jwks.json')).json()) as JSONWebKeySet;
const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? '';
const statusOf = async (server: TestServer, token: string): Promise<number> =>
  (await server.read('/api/currency/', token)).status;
const statesOf = async ({ services }: TestServer): Promise<string> =>
  (await services.keyring.list()).map(({ state, alg }) => `${state} ${alg}`).join(', ');
const eventsOf = (server: TestServer): string[] =>
  server.logged.flatMap((line) => {
    const { 'event.action': event, 'user.name': actor } = JSON.parse(line) as Record<string, string>;
    return event?.startsWith('key_') ? [`${event} by ${actor}`] : [];
  });
const pass = async (server: TestServer, ms: number): Promise<void> => {
  server.pass(ms);
  await server.services.keyring.maintain();
};

eachDatabase('signing keys', (open) => {
  test.each(['ES256', 'EdDSA', 'RS256'] satisfies SigningAlg[])(
    '%s: tokens are verified here, and by jose through the published keys with that algorithm alone',
    async (signingAlg) => {
      const server = await startTestServer(await open(), { settings: { signingAlg } });
      const token = await server.token();
      expect(decodeProtectedHeader(token)).toEqual({ alg: signingAlg, kid: kidOf(token), typ: 'at+jwt' });
      expect(await statusOf(server, token)).toBe(200);
      const published = await keySet(server);
      const keys = createLocalJWKSet(published);
      const expected = { issuer: server.issuer, algorithms: [signingAlg], currentDate: new Date(server.now()) };
      const { payload } = await jwtVerify(token, keys, { ...expected, audience: `${server.issuer}/api/currency` });
      expect(payload.jti).toBe(decodeJwt(token).jti!);
      for (const key of published.keys) {
        for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']) expect(key).not.toHaveProperty(secret);
        if (signingAlg === 'RS256') expect(Buffer.from(key.n!, 'base64url').length).toBeGreaterThanOrEqual(256);
      }
      await server.close();
    },
  );

  test('a month passes: the next key takes over, no token is refused, and the old key goes when its tokens have ended', async () => {
    const database = await open();
    const server = await startTestServer(database, { settings: { accessTokenTtlSeconds: 86_400 } });
    const client = await server.register();
    const first = kidOf(await server.token(client));
    expect(await statesOf(server)).toBe('active ES256, next ES256');
    const published = await keySet(server);

    await pass(server, ROTATE_EVERY_MS - MINUTE_MS);
    const last = await server.token(client);
    expect(kidOf(last)).toBe(first);
    await pass(server, MINUTE_MS);
    expect(await statesOf(server)).toBe('retiring ES256, active ES256, next ES256');
    const next = await server.token(client);
    expect(kidOf(next)).toBe(published.keys[1]!.kid!);
    expect([await statusOf(server, last), await statusOf(server, next)]).toEqual([200, 200]);

    const privateKeys = async () =>
      (await database.rows.select().from(signingKeys).orderBy(signingKeys.activeFrom)).map(
        ({ privateKey }) => privateKey === null,
      );
    expect(await privateKeys()).toEqual([false, false, false]);
    await pass(server, CLOCKS_APART_MS);
    expect(await privateKeys()).toEqual([true, false, false]);
    await pass(server, 86_400_000 - MINUTE_MS - CLOCKS_APART_MS - 1_000);
    expect(await statusOf(server, last)).toBe(200);
    await pass(server, RETIRING_MS);
    expect((await keySet(server)).keys.map(({ kid }) => kid)).not.toContain(first);
    expect(await privateKeys()).toEqual([false, false]);
    expect(eventsOf(server)).toEqual([
      'key_created by server',
      'key_activated by server',
      'key_created by server',
      'key_activated by server',
      'key_created by server',
      'key_retired by server',
      'key_removed by server',
    ]);
    await server.close();
  });

  test('a server whose own clock is a year ahead ends no key: it goes by the clock that all share', async () => {
    const server = await startTestServer(await open(), { settings: { databaseNow: async () => START_MS + MINUTE_MS } });
    const keys = async () => (await keySet(server)).keys.map(({ kid }) => kid);
    const before = await keys();
    for (let run = 0; run < 4; run++) await pass(server, 365 * 24 * 60 * MINUTE_MS);
    expect(await keys()).toEqual(before);
    await server.close();
  });

  test('on demand: at once when the next key is known to all, else at the time that the answer says', async () => {
    const server = await startTestServer(await open());
    const client = await server.register();
    const { keyring } = server.services;
    const [before, after] = [await server.token(client), (await keySet(server)).keys[1]!.kid!];
    const answer = await keyring.rotate();
    const at = new Date(server.now() + PUBLISHED_AHEAD_MS).toISOString();
    expect(answer.map(({ state, active_from }) => [state, active_from])).toEqual([
      ['active', new Date(server.now()).toISOString()],
      ['next', at],
    ]);
    expect(kidOf(await server.token(client))).toBe(kidOf(before));
    await keyring.rotate({ actor: 'admin', request: null });
    const requested = server.logged.filter((line) => line.includes('key_rotation_requested'));
    expect(requested.map((line) => JSON.parse(line) as Record<string, unknown>)).toMatchObject([
      { 'user.name': 'server', labels: { kid: after, alg: 'ES256', active_from: at } },
      { 'user.name': 'admin', labels: { kid: after, alg: 'ES256', active_from: at } },
    ]);
    await pass(server, PUBLISHED_AHEAD_MS);
    const rotated = await server.token(client);
    expect(kidOf(rotated)).toBe(after);
    expect([await statusOf(server, before), await statusOf(server, rotated)]).toEqual([200, 200]);

    server.pass(PUBLISHED_AHEAD_MS);
    const again = await keyring.rotate({ actor: 'admin', request: null });
    expect(again.map(({ state }) => state)).toEqual(['retiring', 'retiring', 'active', 'next']);
    expect(eventsOf(server).slice(-3)).toEqual([
      'key_retired by server',
      'key_activated by admin',
      'key_created by admin',
    ]);
    await server.close();
  });

  test('rotation while tokens are used: none is refused', async () => {
    const server = await startTestServer(await open());
    const client = await server.register();
    await server.token(client);
    const refused: number[] = [];
    const kids = new Set<string>();
    let going = true;
    const callers = Array.from({ length: 8 }, async () => {
      while (going) {
        const token = await server.token(client);
        kids.add(kidOf(token));
        const status = await statusOf(server, token);
        if (status !== 200) refused.push(status);
      }
    });
    for (let turn = 0; turn < 4; turn++) {
      server.pass(PUBLISHED_AHEAD_MS);
      const keys = await server.services.keyring.rotate();
      const active = keys.find(({ state }) => state === 'active')?.kid ?? '';
      await waitFor(() => kids.has(active), 'tokens of the new key');
    }
    going = false;
    await Promise.all(callers);
    expect(refused).toEqual([]);
    expect(kids.size).toBeGreaterThanOrEqual(4);
    await server.close();
  });

  test('another SIGNING_ALG is published at the start and signs once every cache knows it; tokens of both are good', async () => {
    const database = await open();
    const before = await startTestServer(database);
    const client = await before.register();
    const old = await before.token(client);
    await before.close();
    const settings = { issuer: before.issuer, signingAlg: 'EdDSA' as const };
    const server = await startTestServer(database, { settings });
    expect(await statesOf(server)).toBe('active ES256, next EdDSA');
    expect(decodeProtectedHeader(await server.token(client)).alg).toBe('ES256');
    await pass(server, PUBLISHED_AHEAD_MS);
    expect(await statesOf(server)).toBe('retiring ES256, active EdDSA, next EdDSA');
    const fresh = await server.token(client);
    expect(decodeProtectedHeader(fresh).alg).toBe('EdDSA');
    expect([await statusOf(server, old), await statusOf(server, fresh)]).toEqual([200, 200]);
    await server.close();
  });

  test('revoked: its tokens are dead before the answer, and the next key signs', async () => {
    const server = await startTestServer(await open());
    const client = await server.register();
    const [token, { keyring }] = [await server.token(client), server.services];
    const dead = kidOf(token);
    await keyring.revoke(dead, { actor: 'admin', request: null });
    expect(keyring.isLive(dead)).toBe(false);
    const at = new Date(server.now()).toISOString();
    const removed = new Date(server.now() + RETIRING_MS).toISOString();
    const view = keyring.list().find(({ kid }) => kid === dead);
    expect(view).toMatchObject({ state: 'revoked', revoked_at: at, retired_at: at, removed_at: removed });
    expect(await statusOf(server, token)).toBe(401);
    const fresh = await server.token(client);
    expect(await statusOf(server, fresh)).toBe(200);
    expect(kidOf(fresh)).not.toBe(dead);
    expect((await keySet(server)).keys.map(({ kid }) => kid)).not.toContain(dead);
    expect(eventsOf(server).slice(3)).toEqual([
      'key_revoked by admin',
      'key_activated by admin',
      'key_created by admin',
    ]);
    await keyring.revoke(dead);
    expect(eventsOf(server)).toHaveLength(6);
    await pass(server, RETIRING_MS);
    expect((await keyring.list()).map(({ kid }) => kid)).not.toContain(dead);
    await server.close();
  });

  test('every key revoked, one after another: there is always one that signs', async () => {
    const server = await startTestServer(await open());
    const client = await server.register();
    const { keyring } = server.services;
    for (let turn = 0; turn < 3; turn++) {
      for (const { kid, state } of await keyring.list()) if (state !== 'revoked') await keyring.revoke(kid);
      expect(await statusOf(server, await server.token(client))).toBe(200);
    }
    await expect(keyring.revoke('nobody')).rejects.toMatchObject({ status: 404 });
    await server.close();
  });

  test('a signature of one key under the name or the algorithm of another is refused', async () => {
    const server = await startTestServer(await open());
    const token = await server.token();
    const [header = '', payload = '', signature = ''] = token.split('.');
    const other = (await keySet(server)).keys[1]!.kid!;
    const withHeader = (change: Record<string, string>): string => {
      const changed = { ...(JSON.parse(Buffer.from(header, 'base64url').toString()) as object), ...change };
      return [Buffer.from(JSON.stringify(changed)).toString('base64url'), payload, signature].join('.');
    };
    for (const change of [{ kid: other }, { alg: 'EdDSA' }, { alg: 'none' }, { alg: 'HS256' }, { kid: 'nobody' }])
      expect(await statusOf(server, withHeader(change))).toBe(401);
    await server.close();
  });
});

describe.skipIf(!findPostgres())('signing keys of several servers on one PostgreSQL', () => {
  const servers = async (count: number) => {
    const url = await freshDatabaseUrl();
    const databases = Array.from({ length: count }, () => connectPostgres({ url }));
    const first = await startTestServer(databases[0]!);
    const settings = { issuer: first.issuer };
    const more = await Promise.all(databases.slice(1).map((database) => startTestServer(database, { settings })));
    const all = [first, ...more];
    const close = async (): Promise<void> => {
      await Promise.all(all.map((server) => server.close()));
      await Promise.all(databases.map((database) => database.close()));
    };
    return { all, first, second: more[0]!, close };
  };

  test('servers that start at once on an empty database agree', async () => {
    const url = await freshDatabaseUrl();
    const databases = Array.from({ length: 3 }, () => connectPostgres({ url }));
    const all = await Promise.all(databases.map((database) => startTestServer(database)));
    const sets = await Promise.all(all.map(async (server) => JSON.stringify(await keySet(server))));
    expect(new Set(sets).size).toBe(1);
    expect(all.flatMap(eventsOf)).toHaveLength(3);
    const secrets = all.map(({ services }) => services.vault.secretFor('audit').toString('hex'));
    expect(new Set(secrets).size).toBe(1);
    expect(all.filter(({ services }) => services.vault.shared('audit').made)).toHaveLength(1);
    await Promise.all(all.map((server) => server.close()));
    await Promise.all(databases.map((database) => database.close()));
  });

  test('a key revoked on one is dead on both within a second, and both sign with the next', async () => {
    const { first, second, close } = await servers(2);
    const token = await second.token();
    await first.services.keyring.revoke(kidOf(token));
    expect(await statusOf(first, token)).toBe(401);
    await waitFor(() => !second.services.keyring.isLive(kidOf(token)), 'the other server to hear', 1_000);
    expect(await statusOf(second, token)).toBe(401);
    const fresh = await second.token();
    expect([await statusOf(first, fresh), await statusOf(second, fresh)]).toEqual([200, 200]);
    await close();
  });

  test('maintained by many at once, the keys turn over once', async () => {
    const { all, first, close } = await servers(3);
    for (const server of all) server.pass(ROTATE_EVERY_MS);
    await Promise.all(all.map(({ services }) => services.keyring.maintain()));
    expect(all.flatMap(eventsOf)).toHaveLength(5);
    await waitFor(async () => {
      const sets = await Promise.all(all.map(async (server) => JSON.stringify(await keySet(server))));
      return new Set(sets).size === 1;
    }, 'all to agree');
    expect(await statesOf(first)).toBe('retiring ES256, active ES256, next ES256');
    await close();
  });

  test('a server whose clock is too far behind signs with a key that all know, though it thinks it the next one', async () => {
    const { first, second, close } = await servers(2);
    const client = await second.register();
    await second.token(client);
    second.pass(ROTATE_EVERY_MS - CLOCKS_APART_MS + 1);
    await pass(first, ROTATE_EVERY_MS);
    await pass(first, CLOCKS_APART_MS);
    await waitFor(async () => (await second.services.keyring.list()).length === 3, 'the other server to hear');
    const token = await second.token(client);
    expect([await statusOf(first, token), await statusOf(second, token)]).toEqual([200, 200]);
    await close();
  });
});
