// Whoever takes the whole trail away, with its key, leaves a trace all the same.
import { expect, test } from 'bun:test';
import { auditChain, auditEvents, sharedSecrets } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { startTestServer, type TestServer } from '../testing';

const ANY = { client: null, outcome: null, requestId: null, from: null, to: null, cursor: null, limit: 10 };

eachDatabase('the trail of a database in use', (open) => {
  const begun = async ({ services: { audit } }: TestServer) => {
    await audit.flush();
    return (await audit.page({ ...ANY, event: 'audit_chain' })).items;
  };

  test('a first start says nothing; one that finds the trail and its key gone says so in the new trail', async () => {
    const database = await open();
    const first = await startTestServer(database);
    await first.register();
    expect(await begun(first)).toEqual([]);
    await first.close();

    await database.rows.delete(auditEvents);
    await database.rows.delete(sharedSecrets);
    const asMigrated = { prunedSeq: 0, prunedHash: '', lastSeq: 0, lastHash: '', mac: '' };
    await database.rows.update(auditChain).set(asMigrated);
    const second = await startTestServer(database);
    expect(await begun(second)).toMatchObject([{ outcome: 'failure', reason: 'begun_on_a_database_in_use' }]);
    await second.close();
  });
});
