// Whoever takes the whole trail away, with its key, leaves a trace all the same.
import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import type { Database } from '../../db/connect';
import { auditChain, auditEvents, clients, deletedClients, sharedSecrets, signingKeys } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { START_MS, startTestServer, type TestServer } from '../testing';
import { createVault } from '../vault/service';
import { createVaultStore } from '../vault/store';

const ANY = { client: null, outcome: null, requestId: null, from: null, to: null, cursor: null, limit: 10 };

eachDatabase('the trail of a database in use', (open) => {
  const begun = async ({ services: { audit } }: TestServer) =>
    (await audit.page({ ...ANY, event: 'audit_chain' })).items;

  test.each<[string, (database: Database) => Promise<unknown>]>([
    ['its key', ({ rows }) => rows.delete(sharedSecrets)],
    [
      'its key, and every key that signs,',
      async ({ rows }) => {
        await rows.delete(sharedSecrets);
        await rows.delete(signingKeys);
      },
    ],
    [
      'its key, every key that signs, and every client',
      async ({ rows }) => {
        await rows.delete(sharedSecrets);
        await rows.delete(signingKeys);
        await rows.delete(clients);
        await rows.delete(deletedClients);
      },
    ],
  ])('a first start says nothing; one that finds the trail, %s gone says so in the new trail', async (_name, take) => {
    const database = await open();
    const first = await startTestServer(database);
    await first.register();
    first.pass(3_000);
    await first.services.ticker.tick();
    expect(await begun(first)).toEqual([]);
    await first.close();

    await database.rows.delete(auditEvents);
    await take(database);
    const asMigrated = { prunedSeq: 0, prunedHash: '', lastSeq: 0, lastHash: '', mac: '' };
    await database.rows.update(auditChain).set(asMigrated);
    const second = await startTestServer(database);
    expect(await begun(second)).toMatchObject([
      { seq: 1, outcome: 'failure', actor: 'server', reason: 'begun_on_a_database_in_use' },
    ]);
    expect(second.services.audit.state().intact).toBe(false);
    expect(await second.services.audit.verify()).toMatchObject({
      fault: null,
      findings: [{ seq: 1, reason: 'begun_on_a_database_in_use', acknowledged: false }],
    });
    await second.close();
  });

  test('a first start that ended once it had made the key, and sealed nothing, is made good by the next one', async () => {
    const database = await open();
    const encryptionKey = (): string => 'the-key-encryption-key-of-a-first-start';
    const vault = createVault({
      store: createVaultStore(database.rows),
      encryptionKey,
      encryptionKeyName: 'KEY_ENCRYPTION_KEY',
      previousEncryptionKey: null,
      randomBytes,
      now: () => START_MS,
    });
    await vault.open();
    const server = await startTestServer(database, { settings: { encryptionKey } });
    await server.register();
    expect(await begun(server)).toEqual([]);
    expect(server.services.audit.state().intact).toBe(true);
    expect(await server.services.audit.verify()).toMatchObject({ fault: null, findings: [] });
    await server.close();
  });
});
