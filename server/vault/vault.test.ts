// What rests encrypted, under one key-encryption key and then another.
import { expect, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import { decodeProtectedHeader } from 'jose';
import { connectPostgres, type Database } from '../../db/connect';
import { sharedSecrets, signingKeys } from '../../db/schema';
import { eachDatabase, freshDatabaseUrl } from '../../db/testing';
import { findPostgres } from '../../db/testing-postgres';
import { CLOCKS_APART_MS } from '../../kit/clocks';
import { json, startTestServer, type TestServer, waitFor } from '../testing';
import { PUBLISHED_AHEAD_MS } from '../tokens/key-schedule';
import { SHARED_SECRETS } from './service';

const [OLD, NEW, OTHER] = [
  'the-old-key-encryption-key-of-tests',
  'the-new-key-encryption-key-of-tests',
  'another-key-encryption-key-of-tests',
];
const start = (database: Database, key: string, previousEncryptionKey: string | null = null, issuer?: string) =>
  startTestServer(database, {
    settings: { encryptionKey: () => key, previousEncryptionKey, ...(issuer === undefined ? {} : { issuer }) },
  });
const sealedIn = async ({ rows }: Database): Promise<string[]> => {
  const keys = (await rows.select().from(signingKeys)).flatMap(({ privateKey }) => privateKey ?? []);
  return [...keys, ...(await rows.select().from(sharedSecrets)).map(({ sealed }) => sealed)];
};
const secretsOf = ({ services }: TestServer): string[] =>
  SHARED_SECRETS.map((name) => services.vault.secretFor(name).toString('hex'));

eachDatabase('the vault', (open) => {
  test('shared secrets are random, made once and the same after a restart; nothing of them rests in clear', async () => {
    const database = await open();
    const first = await start(database, OLD);
    const secrets = secretsOf(first);
    expect(new Set(secrets).size).toBe(SHARED_SECRETS.length);
    for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(SHARED_SECRETS.every((name) => first.services.vault.shared(name).made)).toBe(true);
    await first.close();
    const second = await start(database, OLD);
    expect(secretsOf(second)).toEqual(secrets);
    expect(SHARED_SECRETS.some((name) => second.services.vault.shared(name).made)).toBe(false);
    const rest = (await sealedIn(database)).join(' ');
    for (const secret of secrets) {
      expect(rest).not.toContain(secret);
      expect(rest).not.toContain(Buffer.from(secret, 'hex').toString('base64url'));
    }
    await second.close();
  });

  test('a new key with the previous one beside it: all is sealed anew, and from then on the new one is enough', async () => {
    const database = await open();
    const first = await start(database, OLD);
    const [token, secrets, before] = [await first.token(), secretsOf(first), await sealedIn(database)];
    await first.close();
    const told: unknown[] = [];
    for (const previous of [OLD, OLD, null]) {
      const server = await start(database, NEW, previous, first.issuer);
      const lines = server.logged.filter((line) => line.includes('"keys_reencrypted"'));
      told.push(lines.map((line) => (JSON.parse(line) as Record<string, unknown>)['labels']));
      expect(secretsOf(server)).toEqual(secrets);
      expect((await server.read('/api/currency/', token)).status).toBe(200);
      expect((await server.read('/api/currency/', await server.token())).status).toBe(200);
      const after = await sealedIn(database);
      expect(after.filter((sealed) => before.includes(sealed))).toEqual([]);
      await server.close();
    }
    expect(told).toEqual([[{ count: before.length }], [], []]);
    await expect(start(database, OLD)).rejects.toMatchObject({ name: 'KeyUnreadable' });
  });

  test.each([
    ['a wrong key', OTHER, null, /^KEY_ENCRYPTION_KEY does not open the signing keys/],
    ['a wrong key and a wrong previous one', OTHER, NEW, /^Neither KEY_ENCRYPTION_KEY nor KEY_ENCRYPTION_KEY_PREVIOUS/],
  ])('%s: it does not start, and nothing is changed', async (_name, key, previous, message) => {
    const database = await open();
    await (await start(database, OLD)).close();
    const before = await sealedIn(database);
    await expect(start(database, key, previous)).rejects.toThrow(message);
    expect(await sealedIn(database)).toEqual(before);
    await (await start(database, OLD)).close();
  });

  test('rows under both keys, as a server that still runs leaves them, are all brought to the new one', async () => {
    const database = await open();
    const first = await start(database, OLD);
    const secrets = secretsOf(first);
    const old = await database.rows.select().from(signingKeys);
    await first.close();
    await (await start(database, NEW, OLD)).close();
    await database.rows
      .update(signingKeys)
      .set({ privateKey: old[0]!.privateKey })
      .where(eq(signingKeys.kid, old[0]!.kid));
    await expect(start(database, NEW)).rejects.toThrow(/though it opens others/);
    const running = await start(database, NEW, OLD);
    await database.rows
      .update(signingKeys)
      .set({ privateKey: old[0]!.privateKey })
      .where(eq(signingKeys.kid, old[0]!.kid));
    await running.services.vault.maintain();
    await running.close();
    const last = await start(database, NEW);
    expect(secretsOf(last)).toEqual(secrets);
    await last.close();
  });

  test.each([
    ['changed', (sealed: string) => `${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`],
    ['of a version nobody knows', (sealed: string) => sealed.replace('v1.', 'v9.')],
    ['cut', (sealed: string) => sealed.slice(0, 40)],
    ['empty', () => ''],
  ])('a private key that was tampered with (%s) is named', async (_name, change) => {
    const database = await open();
    await (await start(database, OLD)).close();
    const [key] = await database.rows.select().from(signingKeys);
    await database.rows
      .update(signingKeys)
      .set({ privateKey: change(key!.privateKey!) })
      .where(eq(signingKeys.kid, key!.kid));
    await expect(start(database, OLD)).rejects.toThrow(`the signing key ${key!.kid}, though it opens others`);
  });

  test('rows that were swapped do not open', async () => {
    const database = await open();
    await (await start(database, OLD)).close();
    const [one, two] = await database.rows.select().from(sharedSecrets);
    await database.rows.update(sharedSecrets).set({ sealed: two!.sealed }).where(eq(sharedSecrets.name, one!.name));
    await expect(start(database, OLD)).rejects.toThrow(`the shared secret ${one!.name}, though it opens others`);
  });

  test('a server left on the previous key says so, and signs with nothing that callers may not know', async () => {
    const database = await open();
    const left = await start(database, OLD);
    const client = await left.register();
    const fresh = await start(database, NEW, OLD, left.issuer);
    const both = [left, fresh];
    const ready = async () => (await left.ask('/health/ready')).json();
    const ask = () => left.ask('/api/auth/token', json({ client_id: client.id, client_secret: client.secret }));
    const kidOf = async (answer: Response) =>
      decodeProtectedHeader(((await answer.json()) as { access_token: string }).access_token).kid;
    /** Both clocks go on, the new one looks after the keys, and the other one hears of it. */
    const pass = async (ms: number): Promise<void> => {
      for (const server of both) server.pass(ms);
      for (const _ of Array(3)) await fresh.services.keyring.maintain();
      const kids = () => both.map(({ services }) => JSON.stringify(services.keyring.list()));
      await waitFor(() => new Set(kids()).size === 1, 'both to know the same keys');
      await left.services.keyring.changed();
    };
    expect(await ready()).toMatchObject({ status: 'ok', signing_keys: 'ok' });
    // What it holds goes on signing, though the rows were sealed anew.
    await fresh.services.keyring.rotate();
    await pass(PUBLISHED_AHEAD_MS);
    expect(await ready()).toMatchObject({ status: 'degraded', signing_keys: 'unreadable' });
    const known = await kidOf(await ask());
    await fresh.services.keyring.rotate();
    await pass(PUBLISHED_AHEAD_MS);
    expect(await kidOf(await ask())).toBe(known);
    await pass(CLOCKS_APART_MS);
    const refused = await ask();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    // A key of its own making is not known yet to those who keep the key set.
    const next = left.services.keyring.list().find(({ state }) => state === 'next')!.kid;
    await left.services.keyring.revoke(next);
    const own = left.services.keyring.list().find(({ state }) => state === 'next')!.kid;
    expect((await ask()).status).toBe(503);
    for (const server of both) server.pass(PUBLISHED_AHEAD_MS);
    expect(await kidOf(await ask())).toBe(own);
    await Promise.all(both.map((server) => server.close()));
  });
});

test.skipIf(!findPostgres())(
  'beside servers that still run with the previous key, and several that start with the new one',
  async () => {
    const url = await freshDatabaseUrl();
    const databases = Array.from({ length: 4 }, () => connectPostgres({ url }));
    const old = await start(databases[0]!, OLD);
    const client = await old.register();
    await old.token(client);
    const fresh = await Promise.all(databases.slice(1).map((database) => start(database, NEW, OLD, old.issuer)));
    // The old one hears that rows have changed which it can no longer open, and goes on with what it holds.
    await Bun.sleep(200);
    const token = await old.token(client);
    for (const server of [old, ...fresh]) expect((await server.read('/api/currency/', token)).status).toBe(200);
    // It may even make a key, under its own key-encryption key; the others open that too and seal it anew.
    const [signing] = await old.services.keyring.list();
    await old.services.keyring.revoke(signing!.kid);
    await waitFor(() => fresh.every(({ services }) => !services.keyring.isLive(signing!.kid)), 'all to hear');
    for (const server of fresh)
      expect((await server.read('/api/currency/', await server.token(client))).status).toBe(200);
    await Promise.all(fresh.map(({ services }) => services.vault.maintain()));
    await Promise.all([old, ...fresh].map((server) => server.close()));
    await (await start(databases[1]!, NEW)).close();
    await Promise.all(databases.map((database) => database.close()));
  },
);
