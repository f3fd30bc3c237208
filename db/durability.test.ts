// What was acknowledged is there after kill -9, on both databases.
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectPostgres, type Database } from './connect';
import { openEmbedded } from './embedded';
import { clients } from './schema';
import { findPostgres, START_TIMEOUT_MS, startPostgres } from './testing-postgres';

const ROUNDS = 3;

/** Rows that a round must have acknowledged before it is killed, in the middle of the next ones. */
const ROWS_BEFORE_KILL = 60;

setDefaultTimeout(2 * START_TIMEOUT_MS);

/** A process that opens a database by the expression `opening`, and writes row after row, printing each id once it is committed. */
function writer(round: number, imports: string, opening: string) {
  const script = `${imports}
    import { clients } from ${JSON.stringify(join(import.meta.dir, 'schema.ts'))};
    import { writeSync } from 'node:fs';
    const database = await ${opening};
    await database.migrate();
    for (let row = 0; ; row++) {
      const clientId = '${round}-' + row;
      await database.rows.insert(clients).values({ clientId, appName: 'app' });
      writeSync(1, clientId + '\\n');
    }`;
  return Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'pipe' });
}

/** Reads what the writer acknowledges; after enough rows `kill` is called, and the rest is read to the end. */
async function acknowledged(child: ReturnType<typeof writer>, kill: () => unknown): Promise<string[]> {
  let text = '';
  let killed: unknown = null;
  for await (const chunk of child.stdout) {
    text += new TextDecoder().decode(chunk);
    if (killed === null && text.split('\n').length > ROWS_BEFORE_KILL) killed = kill() ?? true;
  }
  await killed;
  await child.exited;
  return text.split('\n').slice(0, -1);
}

async function expectAll(database: Database, expected: readonly string[]) {
  const rows = await database.rows.select().from(clients);
  const present = new Set(rows.map(({ clientId }) => clientId));
  expect(expected.filter((clientId) => !present.has(clientId))).toEqual([]);
  expect(expected.length).toBeGreaterThanOrEqual(ROWS_BEFORE_KILL);
}

describe('Acknowledged rows survive kill -9', () => {
  const parent = mkdtempSync(join(tmpdir(), 'crypto-durable-'));
  afterAll(() => rmSync(parent, { recursive: true, force: true }));

  // Beside each other: both wait for processes of their own.
  test.concurrent('of the process with the embedded database', async () => {
    const folder = join(parent, 'database');
    const imports = `import { openEmbedded } from ${JSON.stringify(join(import.meta.dir, 'embedded.ts'))};`;
    for (let round = 0; round < ROUNDS; round++) {
      const child = writer(round, imports, `openEmbedded({ folder: ${JSON.stringify(folder)} })`);
      const expected = await acknowledged(child, () => child.kill('SIGKILL'));
      const database = await openEmbedded({ folder });
      await expectAll(database, expected);
      await database.close();
    }
  });

  test.concurrent.skipIf(!findPostgres())('of the PostgreSQL server', async () => {
    const server = await startPostgres();
    const imports = `import { connectPostgres } from ${JSON.stringify(join(import.meta.dir, 'connect.ts'))};`;
    for (let round = 0; round < ROUNDS; round++) {
      const child = writer(round, imports, `connectPostgres({ url: ${JSON.stringify(server.url)} })`);
      const expected = await acknowledged(child, () => server.kill9());
      await server.start();
      const database = connectPostgres({ url: server.url });
      await expectAll(database, expected);
      await database.close();
    }
    await server.close();
  });
});
