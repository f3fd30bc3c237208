// What servers of older versions left, in the hands of this one: migrated in its place, or restored from a backup.
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBackup } from '../db/backup';
import { checkBackup } from '../db/backup-file';
import type { Database } from '../db/connect';
import { openEmbedded } from '../db/embedded';
import { allMissing } from '../db/migrate';
import { restoreEmbedded } from '../db/restore';
import { signingKeys } from '../db/schema';
import { eachDatabase } from '../db/testing';
import { goBackWithRows, OLDER_VERSIONS } from '../db/testing-versions';
import { ADMIN_SECRET, json, START_MS, startTestServer, type TestServer } from './testing';
import { temporaryFolder } from './testing-process';

setDefaultTimeout(60_000);

const EARLY = { client_id: 'early', client_secret: 'the secret of early' };
const SHUT = { client_id: 'shut', client_secret: 'the secret of shut' };
const GENERATED = {
  client_id: '8307bbbc-c189-4997-9528-bdae7339eda4',
  client_secret: 'cs_4OeVLLLGYYcnyyQZEasvc_ManEptlRsEwVLcXrtXO5o1Vm7F',
};

const tokenOf = (server: TestServer, client: object): Promise<Response> => server.ask('/api/auth/token', json(client));
const administer = async (server: TestServer, path: string) =>
  (await server.ask(`/api/admin${path}`, { headers: { 'x-admin-secret': ADMIN_SECRET } })).json();

/** What holds of every version: it had these two clients, a tick and its candles, and a signing key. */
async function expectWhole(database: Database): Promise<void> {
  expect((await database.migrationStatus()).every(({ applied }) => applied)).toBe(true);
  const kids = (await database.rows.select().from(signingKeys)).map(({ kid }) => kid);
  const server = await startTestServer(database);
  try {
    expect((await tokenOf(server, SHUT)).status).toBe(401);
    const answer = await tokenOf(server, EARLY);
    expect(answer.status).toBe(200);
    const { access_token: token } = (await answer.json()) as { access_token: string };
    // With a key that was there: it still opens.
    expect(kids).toContain(JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid);
    expect(await (await server.read('/api/currency/btc', token)).json()).toMatchObject({ rate: 44816.21 });
    const candles = await server.read('/api/currency/btc/candles?interval=1d', token);
    expect(await candles.json()).toMatchObject([{ open: 45000, low: 44816.21, close: 44816.21, ticks: 2 }]);
    server.pass(3_000);
    await server.services.ticker.tick();
    expect(await administer(server, '/audit/verify')).toMatchObject({ fault: null });
  } finally {
    await server.close();
  }
}

test('every version but the newest left something, and the first, whose tables were never alone', () => {
  expect(OLDER_VERSIONS).toEqual(
    allMissing()
      .map(({ name }) => name)
      .slice(1, -1),
  );
});

eachDatabase('what an older server left', (open) => {
  test.each(OLDER_VERSIONS.map((version) => [version]))('is taken over whole: %s', async (version) => {
    const database = await open();
    await goBackWithRows(database, version);
    await database.migrate();
    await expectWhole(database);
    await database.close();
  });

  test('a trail goes on behind its last event, and who was deleted stays so', async () => {
    const database = await open();
    await goBackWithRows(database, '0002_authorization_server');
    await database.migrate();
    const server = await startTestServer(database);
    try {
      expect((await tokenOf(server, GENERATED)).status).toBe(200);
      const again = json({ ...EARLY, client_id: 'gone', app_name: 'Gone' });
      expect((await server.ask('/api/auth/register', again)).status).toBe(400);
      await server.register();
      const given = '/audit/verify?seq=10&hash=5fa70f20af2d802caf2688be18c7572ae7530155d3c02c0f3172a33b1c51ddc3';
      expect(await administer(server, given)).toMatchObject({ ok: true, first_seq: 1, findings: [] });
    } finally {
      await server.close();
      await database.close();
    }
  });
});

describe('a backup of an older version', () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);

  test.each(OLDER_VERSIONS.slice(0, 1))('is restored and brought up to date: %s', async (version) => {
    const file = join(folder.path, 'backup');
    const older = await openEmbedded({ folder: join(folder.path, 'older') });
    await older.migrate();
    await goBackWithRows(older, version);
    writeFileSync(
      file,
      await Array.fromAsync(await openBackup(older, { version: '0', at: new Date(START_MS) })).then(Buffer.concat),
    );
    await older.close();
    expect((await checkBackup(file)).migrations).toEqual(['0000_tables', version]);
    await restoreEmbedded({ file, folder: join(folder.path, 'restored'), aside: null });
    const restored = await openEmbedded({ folder: join(folder.path, 'restored') });
    await expectWhole(restored);
    await restored.close();
  });
});
