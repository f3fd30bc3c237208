// `backup` where it cannot come to its end: nothing half is left, and whatever it held is free.
import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import type { Database } from '../db/connect';
import { openEmbedded } from '../db/embedded';
import { createProgram, Refusal, runProgram } from '../kit/command';
import { readConfig, SETTINGS } from './config';
import { dataCommands } from './data-commands';
import { temporaryFolder } from './testing-process';

setDefaultTimeout(60_000);

const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder.path, ...path);
const DATA_DIR = at('data');

/** Runs the command in this process, so that what it does not give up stays held. `answer` is what a running server sends. */
async function backup(answer: () => Response, ...flags: string[]): Promise<[number, string]> {
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  const write = { out: say, err: say };
  const program = createProgram({ name: 'crypto-server', version: '0', about: '', settings: SETTINGS, write });
  const env = { DATA_DIR, ADMIN_SECRET: 'the-admin-secret-of-tests', PORT: '1' };
  dataCommands(program, {
    configure: () => readConfig({ env, flags: {}, readFile: () => '', terminal: false }),
    write,
    fetch: async () => answer(),
    confirm: null,
    now: Date.now,
    explained: (step) =>
      step.catch((error: unknown) => {
        throw new Refusal(`explained: ${error instanceof Error ? error.message : ''}`);
      }),
  });
  return [await runProgram(program, ['backup', at('made', 'backup'), ...flags], write), said.join('')];
}

const nobody = (): Response => {
  throw new Error('no server is asked');
};

let database: Database;
beforeAll(async () => {
  database = await openEmbedded({ folder: join(DATA_DIR, 'database') });
  await database.migrate();
});
beforeEach(() => {
  rmSync(at('made'), { recursive: true, force: true });
  mkdirSync(at('made'));
});
afterAll(async () => {
  await database.close();
  folder.remove();
});

describe('a running server that breaks off', () => {
  const pieces = async function* () {
    yield Buffer.from('{"format":"crypto-server backup 1"');
    throw new Error('the connection is gone');
  };
  const cut = (): Response => new Response(pieces());
  const early = (): Response => new Response('{"format":"crypto-server backup 1"}\n');

  test.each([
    ['with the connection', cut, /broke off/],
    ['with an end that looks like one', early, /no backup|cut off/],
    ['before its first byte', () => new Response(null), /no backup|cut off/],
  ])('%s: is said in a line, and leaves no file', async (_, answer, why) => {
    expect(await backup(answer)).toEqual([1, expect.stringMatching(why)]);
    expect(readdirSync(at('made'))).toEqual([]);
  });

  test('the backup before stays, though it was to be replaced', async () => {
    writeFileSync(at('made', 'backup'), 'the one before');
    expect((await backup(cut, '--force'))[0]).toBe(1);
    expect(readdirSync(at('made'))).toEqual(['backup']);
    expect(readFileSync(at('made', 'backup'), 'utf8')).toBe('the one before');
  });
});

test('a database of a newer version is refused in a line, and nobody holds it afterwards', async () => {
  await database.rows.execute(
    sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 9999999999999)`,
  );
  await database.close();
  expect(await backup(nobody)).toEqual([
    1,
    expect.stringContaining('explained: The database was made by a newer version'),
  ]);
  expect(readdirSync(at('made'))).toEqual([]);
  database = await openEmbedded({ folder: join(DATA_DIR, 'database') });
});
