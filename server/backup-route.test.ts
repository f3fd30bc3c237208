// POST /api/admin/backup: for the administrator alone, one at a time, and where the database has files.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { freshEmbedded } from '../db/testing';
import { ADMIN_SECRET, startTestServer, type TestServer } from './testing';

setDefaultTimeout(60_000);

let server: TestServer;
let close: () => Promise<void>;
/** Until it is resolved no backup comes to its end. */
const gate = Promise.withResolvers<void>();

const ask = (secret: string): Promise<Response> =>
  server.ask('/api/admin/backup', { method: 'POST', headers: { 'x-admin-secret': secret } });

beforeAll(async () => {
  const database = await freshEmbedded();
  const bytes = async function* () {
    yield Buffer.from('first ');
    await gate.promise;
    yield Buffer.from('last');
  };
  const change = (services: TestServer['services']) => ({ ...services, openBackup: async () => bytes() });
  server = await startTestServer(database, { change });
  close = database.close;
});
afterAll(async () => {
  await server.close();
  await close();
});

test('a backup is for the administrator, one at a time, and in the trail', async () => {
  expect((await ask('wrong')).status).toBe(401);
  const first = await ask(ADMIN_SECRET);
  expect([first.status, first.headers.get('cache-control')]).toEqual([200, 'no-store']);
  expect((await ask(ADMIN_SECRET)).status).toBe(409);
  gate.resolve();
  expect(await first.text()).toBe('first last');
  const next = await ask(ADMIN_SECRET);
  expect([next.status, await next.text()]).toEqual([200, 'first last']);
  const trail = await server.ask('/api/admin/audit?event=backup_made', { headers: { 'x-admin-secret': ADMIN_SECRET } });
  expect(((await trail.json()) as { items: unknown[] }).items).toHaveLength(2);
});
