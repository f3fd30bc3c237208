import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { openEmbedded } from './embedded';
import { FolderBusy } from './folder-lock';
import { call, type Rows } from './rows';
import { currencyRates } from './schema';
import { embeddedDatabase } from './testing';
import { START_TIMEOUT_MS } from './testing-postgres';

setDefaultTimeout(START_TIMEOUT_MS);

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const parent = mkdtempSync(join(tmpdir(), 'crypto-embedded-'));
  folders.push(parent);
  return join(parent, 'database');
}

/** Another process that opens `folder`, forgets what it was given, says so, and waits; it ends with this one at the latest. */
async function holder(folder: string) {
  const script = `import { openEmbedded } from ${JSON.stringify(join(import.meta.dir, 'embedded.ts'))};
    await openEmbedded({ folder: ${JSON.stringify(folder)} });
    await Bun.sleep(1);
    Bun.gc(true);
    console.log('open');
    for await (const _ of Bun.stdin.stream());
    process.exit();`;
  const child = Bun.spawn([process.execPath, '-e', script], { stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' });
  for await (const _ of child.stdout) break;
  return child;
}

describe('The folder of an embedded database', () => {
  test('is readable by its owner only, and is still there after a close', async () => {
    const folder = newFolder();
    const first = await openEmbedded({ folder });
    await first.migrate();
    await first.rows.update(currencyRates).set({ rate: '1.50' });
    await first.close();
    const entries = readdirSync(folder, { recursive: true }) as string[];
    const open = ['', ...entries].filter((name) => (statSync(join(folder, name)).mode & 0o077) !== 0);
    expect(open).toEqual([]);
    const second = await openEmbedded({ folder });
    expect((await second.rows.select().from(currencyRates))[0]?.rate).toBe('1.50');
    await second.close();
  });

  test('is refused to a second process, and free as soon as the first is killed', async () => {
    const folder = newFolder();
    const first = await holder(folder);
    await expect(openEmbedded({ folder })).rejects.toThrow(FolderBusy);
    await expect(openEmbedded({ folder })).rejects.toThrow(folder);
    first.kill('SIGKILL');
    await first.exited;
    const second = await openEmbedded({ folder });
    await expect(openEmbedded({ folder })).rejects.toThrow(FolderBusy);
    await second.close();
  });

  test('whose first start was killed half way begins again', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'data', 'base'), { recursive: true });
    writeFileSync(join(folder, 'data', 'PG_VERSION'), '18');
    writeFileSync(join(folder, 'unfinished'), '');
    const database = await openEmbedded({ folder });
    await database.migrate();
    expect(existsSync(join(folder, 'unfinished'))).toBe(false);
    expect(await database.rows.select().from(currencyRates)).toHaveLength(13);
    await database.close();
  });

  test('whose restoration was killed half way gets the restored database, and nothing is left of it', async () => {
    const folder = newFolder();
    const first = await openEmbedded({ folder });
    await first.migrate();
    await first.rows.update(currencyRates).set({ rate: '1.50' });
    await first.close();
    mkdirSync(join(folder, 'restored'));
    renameSync(join(folder, 'data'), join(folder, 'restored', 'data'));
    mkdirSync(join(folder, 'restoring-1', 'data'), { recursive: true });
    const second = await openEmbedded({ folder });
    expect((await second.rows.select().from(currencyRates))[0]?.rate).toBe('1.50');
    await second.close();
    expect(readdirSync(folder).sort()).toEqual(['data', 'lock']);
  });

  test('that cannot be made gives its own error', async () => {
    const folder = newFolder();
    writeFileSync(folder, 'a file');
    await expect(openEmbedded({ folder })).rejects.toThrow(/EEXIST|ENOTDIR/);
  });
});

embeddedDatabase('While an embedded database answers query after query, a timer is not kept waiting', (open) => {
  const COUNT = 50;
  /** Some milliseconds of work. */
  const query = (rows: Pick<Rows, 'select'>) => call(rows, sql`(select count(*) from generate_series(1, 20000))`);
  const inOrder = async (rows: Pick<Rows, 'select'>) => {
    for (let count = 0; count < COUNT; count++) await query(rows);
  };
  test.each([
    ['one when the last is answered', inOrder],
    ['in one transaction', (rows: Rows) => rows.transaction(inOrder)],
    ['all asked at once', (rows: Rows) => Promise.all(Array.from({ length: COUNT }, () => query(rows)))],
  ])('%s', async (_how, run) => {
    const { rows } = await open();
    let fired = 0;
    const timer = setInterval(() => fired++, 1);
    await run(rows);
    clearInterval(timer);
    expect(fired).toBeGreaterThan(COUNT / 2);
  });
});
