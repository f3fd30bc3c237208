// The head of the trail as text and in a file.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readHead } from './head';
import { createHeadFile } from './head-file';

const HASH = 'ab'.repeat(32);

describe('a head as text', () => {
  test('is number and hash', () => {
    expect(readHead(`7:${HASH}`)).toEqual({ seq: 7, hash: HASH });
  });

  test.each(['', '7', `:${HASH}`, `-1:${HASH}`, `7:${HASH}a`, `7:${HASH.toUpperCase()}`, `9007199254740993:${HASH}`])(
    '%p is none',
    (text) => {
      expect(readHead(text)).toBeNull();
    },
  );
});

describe('a head in a file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'head-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('is for this user alone, and outlives a server; without the file there is none', () => {
    const path = join(folder, 'data', 'audit-head');
    expect(createHeadFile(path).read()).toBeNull();
    for (const seq of [7, 8]) createHeadFile(path).write({ seq, hash: HASH });
    expect(createHeadFile(path).read()).toEqual({ seq: 8, hash: HASH });
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual([`8:${HASH}\n`, 0o600]);
  });

  test('that holds something else is none', () => {
    const path = join(folder, 'audit-head');
    writeFileSync(path, 'something else');
    expect(createHeadFile(path).read()).toBeNull();
  });
});
