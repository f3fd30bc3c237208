// POST /api/admin/backup that is broken off: the server takes its copy away and takes the next one.
import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../db/connect';
import { openEmbedded } from '../db/embedded';
import { ADMIN_SECRET, startTestServer, type TestServer, waitFor } from './testing';
import { temporaryFolder } from './testing-process';

setDefaultTimeout(60_000);

const folder = temporaryFolder();
const database = join(folder.path, 'database');
let opened: Database;
let server: TestServer;
/** What the server does between the request and its copy. */
let beforeCopy: () => Promise<void> = async () => {};

beforeAll(async () => {
  opened = await openEmbedded({ folder: database });
  await opened.migrate();
  const change = (services: TestServer['services']): TestServer['services'] => ({
    ...services,
    openBackup: async () => {
      await beforeCopy();
      return services.openBackup!();
    },
  });
  server = await startTestServer(opened, { change });
});
beforeEach(() => {
  beforeCopy = async () => {};
});
afterAll(async () => {
  await server.close();
  await opened.close();
  folder.remove();
});

const copies = (): string[] => readdirSync(database).filter((name) => name.startsWith('copy-'));
const ask = (init: RequestInit = {}): Promise<Response> =>
  server.ask('/api/admin/backup', { ...init, method: 'POST', headers: { 'x-admin-secret': ADMIN_SECRET } });
/** A whole one, once there is a place for it. */
const next = (): Promise<void> =>
  waitFor(async () => {
    const answer = await ask();
    const bytes = await answer.bytes();
    return answer.ok && Buffer.from(bytes).subarray(-65).toString().endsWith('\n');
  }, 'the next backup');

test('by its caller, in the middle of it', async () => {
  const leaving = new AbortController();
  const answer = await ask({ signal: leaving.signal });
  const reader = answer.body!.getReader();
  await reader.read();
  expect(copies()).toHaveLength(1);
  leaving.abort();
  await reader.read().catch(() => {});
  await waitFor(() => copies().length === 0, 'the copy to be gone');
  await next();
});

test('by its caller, while the files are copied', async () => {
  const leaving = new AbortController();
  const gate = Promise.withResolvers<void>();
  let begun = false;
  beforeCopy = () => {
    begun = true;
    return gate.promise;
  };
  const answer = ask({ signal: leaving.signal }).catch(() => 'gone');
  await waitFor(() => begun, 'the backup to begin');
  leaving.abort();
  expect(await answer).toBe('gone');
  beforeCopy = async () => {};
  gate.resolve();
  await next();
  expect(copies()).toEqual([]);
});

test('by the server, which stops', async () => {
  const reader = (await ask()).body!.getReader();
  await reader.read();
  expect(copies()).toHaveLength(1);
  await server.close();
  // The caller must not take what he has for all of it.
  const rest = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  await expect(rest()).rejects.toThrow();
  await waitFor(() => copies().length === 0, 'the copy to be gone');
});
