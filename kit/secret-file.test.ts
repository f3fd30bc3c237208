import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateFolder, replacePrivateFile, secretFile } from './secret-file';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'secret-file-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const mode = (path: string) => statSync(path).mode & 0o777;

describe('privateFolder', () => {
  test('makes every missing folder for this user alone', () => {
    privateFolder(join(root, 'a/b'));
    expect([mode(join(root, 'a')), mode(join(root, 'a/b'))]).toEqual([0o700, 0o700]);
  });

  test('tightens an existing one', () => {
    mkdirSync(join(root, 'open'), { mode: 0o755 });
    privateFolder(join(root, 'open'));
    expect(mode(join(root, 'open'))).toBe(0o700);
  });

  test('refuses a folder that everybody shares, and leaves it as it is', () => {
    const shared = join(root, 'shared');
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    expect(() => privateFolder(shared)).toThrow('choose a folder of its own');
    expect(mode(shared)).toBe(0o777);
  });

  test('refuses a file', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => privateFolder(join(root, 'file'))).toThrow();
  });
});

describe('secretFile', () => {
  test('makes the secret once, for this user alone, and leaves nothing else behind', () => {
    const path = join(root, 'admin-secret');
    expect(secretFile(path, () => 'made')).toEqual({ value: 'made', created: true });
    expect(secretFile(path, () => 'again')).toEqual({ value: 'made', created: false });
    expect(mode(path)).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe('made\n');
    expect(readdirSync(root)).toEqual(['admin-secret']);
  });

  test('tightens a file that others may read', () => {
    const path = join(root, 's');
    writeFileSync(path, 'theirs', { mode: 0o644 });
    expect(secretFile(path, () => 'mine').value).toBe('theirs');
    expect(mode(path)).toBe(0o600);
  });

  test('the first of two writers wins', () => {
    const path = join(root, 's');
    const late = secretFile(path, () => secretFile(path, () => 'first').value.replace('first', 'second'));
    expect(late).toEqual({ value: 'first', created: false });
    expect(readdirSync(root)).toEqual(['s']);
  });

  test('many processes agree on one value', async () => {
    const path = join(root, 's');
    const code = `import { secretFile } from ${JSON.stringify(join(import.meta.dir, 'secret-file.ts'))};
      console.log(JSON.stringify(secretFile(${JSON.stringify(path)}, () => String(process.pid))));`;
    const children = Array.from({ length: 4 }, () => Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe' }));
    const told = await Promise.all(children.map(async ({ stdout }) => JSON.parse(await new Response(stdout).text())));
    expect(new Set(told.map(({ value }) => value)).size).toBe(1);
    expect(told.filter(({ created }) => created)).toHaveLength(1);
  });

  test('an empty file is refused with what to do', () => {
    writeFileSync(join(root, 's'), '\n');
    expect(() => secretFile(join(root, 's'), () => 'x')).toThrow('is empty: write the secret into it or delete it');
  });
});

describe('replacePrivateFile', () => {
  test('makes the file for this user alone, replaces it whole, and leaves nothing beside it', () => {
    const path = join(root, 'state');
    for (const text of ['first\n', 'second\n']) {
      replacePrivateFile(path, text);
      expect([readFileSync(path, 'utf8'), mode(path)]).toEqual([text, 0o600]);
    }
    expect(readdirSync(root)).toEqual(['state']);
  });

  test('what the disk takes only a part of is an error, and the file before stays', async () => {
    const path = join(root, 'state');
    writeFileSync(path, 'before');
    const code = `import { replacePrivateFile } from ${JSON.stringify(join(import.meta.dir, 'secret-file.ts'))};
      replacePrivateFile(${JSON.stringify(path)}, 'x'.repeat(100_000));`;
    // A file may have 16 blocks here: the first write is cut short, the next one fails.
    const child = Bun.spawn(['sh', '-c', 'ulimit -f 16; exec "$@"', 'sh', process.execPath, '-e', code], {
      stderr: 'pipe',
    });
    expect(await new Response(child.stderr).text()).toContain('EFBIG');
    expect(readFileSync(path, 'utf8')).toBe('before');
    expect(readdirSync(root)).toEqual(['state']);
  });

  test('where no more files can be opened it is an error, and nothing is left', async () => {
    const path = join(root, 'state');
    const code = `import { openSync } from 'node:fs';
      import { replacePrivateFile } from ${JSON.stringify(join(import.meta.dir, 'secret-file.ts'))};
      try { for (;;) openSync('/dev/null'); } catch {}
      try { replacePrivateFile(${JSON.stringify(path)}, 'x'); } catch ({ code }) { console.log(code); }`;
    const child = Bun.spawn(['sh', '-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, '-e', code]);
    expect(await new Response(child.stdout).text()).toBe('EMFILE\n');
    expect(readdirSync(root)).toEqual([]);
  });

  test('a folder that is not there is an error, and makes none', () => {
    expect(() => replacePrivateFile(join(root, 'none', 'state'), 'x')).toThrow();
    expect(readdirSync(root)).toEqual([]);
  });
});
