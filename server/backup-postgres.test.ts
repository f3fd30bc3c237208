// The commands of docs/backup.md for PostgreSQL, run as they stand there while a server is being written to.
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectPostgres } from '../db/connect';
import { freshDatabaseUrl } from '../db/testing';
import { findPostgres } from '../db/testing-postgres';
import { startTestServer, type TestClient } from './testing';
import { temporaryFolder } from './testing-process';

setDefaultTimeout(120_000);

const TOOLS = ['pg_dump', 'pg_restore', 'createdb'];
const folder = temporaryFolder();
afterAll(folder.remove);

/** The commands of the page's part about PostgreSQL. */
function commands(): string {
  const page = readFileSync(join(import.meta.dir, '../docs/backup.md'), 'utf8');
  const [, script = ''] = /## PostgreSQL[\s\S]*?```sh\n([\s\S]*?)```/.exec(page) ?? [];
  expect(script).toContain('pg_restore');
  return script;
}

test.skipIf(!findPostgres() || TOOLS.some((tool) => Bun.which(tool) === null))(
  'a dump that is made while a server is written to holds all that was acknowledged before, and a server starts on it',
  async () => {
    const url = await freshDatabaseUrl();
    // A server's own role makes no databases, and is no superuser: what it needs it must own.
    const restoredUrl = url.replace(/[^/]+$/, 'restored').replace('postgres@', 'crypto@');
    const first = connectPostgres({ url });
    await first.rows.execute('create role crypto login');
    const server = await startTestServer(first);
    const before: TestClient[] = [await server.register(), await server.register()];
    const token = await server.token(before[0]);
    let going = true;
    const others = (async () => {
      while (going) await server.register();
    })();
    const env = { ...process.env, DATABASE_URL: url, RESTORED_URL: restoredUrl, MAINTENANCE_URL: url };
    const shell = Bun.spawn(['sh', '-ec', commands()], { cwd: folder.path, env, stdout: 'ignore', stderr: 'pipe' });
    const [said, code] = await Promise.all([new Response(shell.stderr).text(), shell.exited]);
    going = false;
    await others;
    await server.close();
    await first.close();
    expect([code, said]).toEqual([0, '']);

    const restored = connectPostgres({ url: restoredUrl });
    expect((await restored.migrationStatus()).every(({ applied }) => applied)).toBe(true);
    const again = await startTestServer(restored, { port: server.port });
    try {
      for (const client of before) expect(await again.token(client)).toBeString();
      // Signed before, with a key that came back encrypted.
      expect((await again.read('/api/currency/btc', token)).status).toBe(200);
      const verdict = await again.ask('/api/admin/audit/verify', {
        headers: { 'x-admin-secret': 'the-admin-secret-of-tests' },
      });
      expect(await verdict.json()).toMatchObject({ ok: true });
    } finally {
      await again.close();
      await restored.close();
    }
  },
);
