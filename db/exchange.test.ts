// A restored database and the one before, changing places while everything goes wrong.
import { afterEach, describe, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exchange, settle } from './exchange';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function makeDatabase(folder: string, name: string): void {
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'data', 'name'), name);
}

/** With a database that is there, unless it is null, and one to be restored. */
function folderWith(there: string | null) {
  const folder = mkdtempSync(join(tmpdir(), 'crypto-exchange-'));
  folders.push(folder);
  if (there !== null) makeDatabase(folder, there);
  const staging = join(folder, 'restoring-1');
  makeDatabase(staging, 'restored');
  return { folder, staging, before: there === null ? null : join(folder, 'data-before') };
}

const nameIn = (folder: string): string => readFileSync(join(folder, 'data', 'name'), 'utf8');

/** Does so many renames; those after it, up to the last that it fails at, throw. */
function failingAfter(count: number, failures: number): typeof renameSync {
  let at = 0;
  return (from, to) => {
    at++;
    if (at > count && at <= count + failures) throw new Error('no rename');
    renameSync(from, to);
  };
}

describe('a restored database', () => {
  test.each([['the one before'], [null]])('takes the place of %p', (there) => {
    const places = folderWith(there);
    exchange(places);
    expect(nameIn(places.folder)).toBe('restored');
    expect(readdirSync(places.folder).sort()).toEqual(there === null ? ['data'] : ['data', 'data-before']);
  });

  test.each([[0], [1], [2]])('that cannot take it (%i renames done) leaves all as it was', (done) => {
    const places = folderWith('the one before');
    writeFileSync(join(places.folder, 'unfinished'), '');
    expect(() => exchange(places, failingAfter(done, 1))).toThrow('no rename');
    expect(nameIn(places.folder)).toBe('the one before');
    expect(readdirSync(places.folder).sort()).toEqual(['data', 'restoring-1', 'unfinished']);
  });

  // A process that does nothing more once it has failed is a process that was killed.
  test.each([
    ['the one before', 0, 'the one before'],
    ['the one before', 1, 'the one before'],
    ['the one before', 2, 'restored'],
    [null, 1, 'restored'],
  ])('in the place of %p, killed after %i renames, is settled by the next start: %s', (there, done, then) => {
    const places = folderWith(there);
    expect(() => exchange(places, failingAfter(done, Number.POSITIVE_INFINITY))).toThrow('no rename');
    settle(places.folder);
    expect(nameIn(places.folder)).toBe(then);
    if (then === 'restored') expect(existsSync(join(places.folder, 'unfinished'))).toBe(false);
    expect(readdirSync(places.folder).filter((name) => name.startsWith('restor'))).toEqual([]);
    if (places.before !== null && then === 'restored')
      expect(readFileSync(join(places.before, 'name'), 'utf8')).toBe('the one before');
  });
});
