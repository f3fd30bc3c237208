import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { VaultFault } from './fault';
import { parseVaultKey } from './key';
import { KEY_BYTES, SEAL_VERSION, seal, unseal } from './seal';
import { makeFirstVault } from './testing-first';
import { openVault } from './vault';

const TEXT = '{"clientId":"crypto-client-abc","clientSecret":"a-secret-that-must-not-be-seen"}';

// Some start processes, which may have to wait for their turn.
setDefaultTimeout(20_000);

let folder: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'vault-')), 'data', 'client');
});

afterEach(() => rmSync(join(folder, '..', '..'), { recursive: true }));

const open = (key: Uint8Array | null = null, previousKey: Uint8Array | null = null) =>
  openVault({ folder, key, previousKey, randomBytes });
const path = () => join(folder, 'vault.sqlite');

/** Runs one statement behind the vault's back. */
function tamper(statement: string): void {
  const database = new Database(path());
  database.run(statement);
  database.close();
}

describe('rows', () => {
  test('are there again after the next start', () => {
    const first = open();
    expect(first.read('credential', 'a')).toBeNull();
    first.write('credential', 'a', TEXT);
    first.close();
    const second = open();
    expect(second.read('credential', 'a')).toBe(TEXT);
    second.close();
  });

  test('of one name are one of each kind', () => {
    const vault = open();
    vault.write('credential', 'a', '1');
    vault.write('token', 'a', '2');
    vault.write('setting', 'a', '3');
    expect([vault.read('credential', 'a'), vault.read('token', 'a'), vault.read('setting', 'a')]).toEqual([
      '1',
      '2',
      '3',
    ]);
    vault.remove('token', 'a');
    expect([vault.read('credential', 'a'), vault.read('token', 'a')]).toEqual(['1', null]);
    vault.close();
  });

  test('are listed by name', () => {
    const vault = open();
    for (const name of ['b', 'a', 'c']) vault.write('credential', name, name.toUpperCase());
    expect(vault.list('credential')).toEqual([
      { name: 'a', text: 'A' },
      { name: 'b', text: 'B' },
      { name: 'c', text: 'C' },
    ]);
    expect(vault.list('token')).toEqual([]);
    vault.close();
  });

  test('are added once: the first one wins', () => {
    const [one, other] = [open(), open()];
    expect(one.add('credential', 'a', '1')).toBe(true);
    expect(other.add('credential', 'a', '2')).toBe(false);
    expect(other.read('credential', 'a')).toBe('1');
    one.close();
    other.close();
  });

  test('written in one go are kept together or not at all', () => {
    const vault = open();
    const broken = () =>
      vault.atomically(() => {
        vault.write('credential', 'a', '1');
        vault.atomically(() => vault.write('credential', 'b', '2'));
        throw new Error('crash');
      });
    expect(broken).toThrow('crash');
    expect(vault.list('credential')).toEqual([]);
    vault.close();
  });

  test('that another process has written are noticed, once; own ones are no news', () => {
    const [one, other] = [open(), open()];
    expect(one.changedElsewhere()).toBe(false);
    one.write('setting', 'a', '1');
    expect(one.changedElsewhere()).toBe(false);
    expect(other.changedElsewhere()).toBe(true);
    expect(other.changedElsewhere()).toBe(false);
    one.close();
    other.close();
  });

  test('cannot be read in any file', () => {
    const vault = open();
    vault.write('credential', 'a', TEXT);
    for (const name of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, name));
      expect(bytes.includes('a-secret-that-must-not-be-seen')).toBe(false);
      expect(bytes.includes('crypto-client-abc')).toBe(false);
    }
    vault.close();
  });
});

test('four processes that add the same row end with the same one', async () => {
  const script = `
    import { randomBytes } from 'node:crypto';
    import { openVault } from '${join(import.meta.dir, 'vault')}';
    const vault = openVault({ folder: '${folder}', key: null, previousKey: null, randomBytes });
    vault.add('credential', 'a', 'made ' + randomBytes(8).toString('hex'));
    console.log(vault.read('credential', 'a'));
  `;
  const run = () => Bun.spawn(['bun', '-e', script], { stdout: 'pipe', stderr: 'inherit' });
  const outputs = await Promise.all(Array.from({ length: 4 }, () => new Response(run().stdout).text()));
  expect(outputs[0]).toStartWith('made ');
  expect(new Set(outputs).size).toBe(1);
}, 20_000);

describe('files', () => {
  test('belong to this user alone: folder 0700, files 0600', () => {
    const vault = open();
    vault.write('credential', 'a', TEXT);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const names = readdirSync(folder);
    expect(names).toContain('vault-key');
    for (const name of names) expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
    vault.close();
  });

  test('that others may read are tightened', () => {
    open().close();
    chmodSync(path(), 0o644);
    open().close();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  test('with a key of the user no key is kept', () => {
    const vault = open(randomBytes(KEY_BYTES));
    vault.write('credential', 'a', TEXT);
    vault.close();
    expect(existsSync(join(folder, 'vault-key'))).toBe(false);
  });
});

describe('a vault that does not open', () => {
  const key = randomBytes(KEY_BYTES);

  beforeEach(() => {
    const vault = open(key);
    vault.write('credential', 'a', TEXT);
    vault.close();
  });

  test('with another key says so, and nothing is lost', () => {
    expect(() => open(randomBytes(KEY_BYTES))).toThrow(VaultFault);
    expect(() => open(randomBytes(KEY_BYTES), randomBytes(KEY_BYTES))).toThrow(/VAULT_KEY/);
    const right = open(key);
    expect(right.read('credential', 'a')).toBe(TEXT);
    right.close();
  });

  test('whose key file is gone is refused before another key is made', () => {
    expect(() => open()).toThrow(/lost its key/);
    expect(existsSync(join(folder, 'vault-key'))).toBe(false);
  });

  test('whose key file holds no key says what it must hold', () => {
    writeFileSync(join(folder, 'vault-key'), 'nonsense\n');
    expect(() => open()).toThrow(/must hold 32 bytes/);
  });

  test('made by a newer program is left alone', () => {
    tamper('PRAGMA user_version = 3');
    expect(() => open(key)).toThrow(/newer crypto-client/);
  });

  test('and is no database at all says so', () => {
    renameSync(path(), `${path()}.old`);
    writeFileSync(path(), 'this is not a database, whatever its name says. '.repeat(100));
    expect(() => open(key)).toThrow(/cannot be opened/);
  });

  test('in a place that is a file says which folder', () => {
    const file = join(folder, 'vault-file');
    writeFileSync(file, '');
    expect(() => openVault({ folder: file, key, previousKey: null, randomBytes })).toThrow(/DATA_DIR/);
  });
});

describe('a row that was changed', () => {
  const key = randomBytes(KEY_BYTES);

  beforeEach(() => {
    const vault = open(key);
    for (const name of ['good', 'hit']) vault.write('credential', name, `text of ${name}`);
    vault.write('token', 'hit', 'a token');
    vault.close();
  });

  const HIT = "WHERE kind = 'credential' AND name = 'hit'";
  test.each([
    ['a changed byte', `UPDATE entries SET sealed = substr(sealed, 1, 30) || x'00' || substr(sealed, 32) ${HIT}`],
    ['a cut end', `UPDATE entries SET sealed = substr(sealed, 1, length(sealed) - 1) ${HIT}`],
    ['nothing', `UPDATE entries SET sealed = x'' ${HIT}`],
    ['another version', `UPDATE entries SET version = 7 ${HIT}`],
    ['the first version', `UPDATE entries SET version = 1 ${HIT}`],
    [
      'the bytes of another row',
      `UPDATE entries SET sealed = (SELECT sealed FROM entries WHERE kind = 'credential' AND name = 'good') ${HIT}`,
    ],
    [
      'the bytes of another kind',
      `UPDATE entries SET sealed = (SELECT sealed FROM entries WHERE kind = 'token' AND name = 'hit') ${HIT}`,
    ],
  ])('to %s is named with what to do; the others still open, and it is not written over', (_, statement) => {
    tamper(statement);
    const before = readFileSync(path());
    const vault = open(key);
    expect(() => vault.read('credential', 'hit')).toThrow(VaultFault);
    expect(() => vault.read('credential', 'hit')).toThrow(/The credential hit in the vault .* credentials remove hit/);
    expect(() => vault.write('credential', 'hit', 'x')).toThrow(VaultFault);
    expect(vault.add('credential', 'hit', 'x')).toBe(false);
    expect(vault.read('credential', 'good')).toBe('text of good');
    expect(vault.list('credential')).toEqual([
      { name: 'good', text: 'text of good' },
      { name: 'hit', text: null },
    ]);
    expect(vault.faults()).toEqual([expect.stringContaining('The credential hit')]);
    vault.close();
    expect(readFileSync(path()).equals(before)).toBe(true);
  });

  test('and is a token is written over: it can be had again', () => {
    tamper("UPDATE entries SET sealed = x'' WHERE kind = 'token'");
    const vault = open(key);
    expect(() => vault.read('token', 'hit')).toThrow(VaultFault);
    vault.write('token', 'hit', 'the next token');
    expect(vault.read('token', 'hit')).toBe('the next token');
    vault.close();
  });
});

describe('another key', () => {
  const [old, fresh] = [randomBytes(KEY_BYTES), randomBytes(KEY_BYTES)];
  const fill = (key: Uint8Array | null) => {
    const vault = open(key);
    for (const name of ['a', 'b', 'c']) vault.write('credential', name, `text of ${name}`);
    vault.write('token', 'a', 'a token');
    vault.close();
  };
  const whole = (key: Uint8Array | null, previous: Uint8Array | null = null) => {
    const vault = open(key, previous);
    const { resealed } = vault;
    expect(vault.list('credential').map(({ text }) => text)).toEqual(['text of a', 'text of b', 'text of c']);
    expect(vault.read('token', 'a')).toBe('a token');
    vault.close();
    return resealed;
  };

  test('with the one before beside it: all is sealed anew, and from then on it is enough', () => {
    fill(old);
    expect([whole(fresh, old), whole(fresh, old), whole(fresh)]).toEqual([4, 0, 0]);
    expect(() => open(old)).toThrow(VaultFault);
  });

  test('of the user after a key file: the file is the key before by itself, and can go', () => {
    fill(null);
    expect(whole(fresh)).toBe(4);
    rmSync(join(folder, 'vault-key'));
    expect(whole(fresh)).toBe(0);
  });

  test('in a file after one of the user', () => {
    fill(old);
    expect(whole(null, old)).toBe(4);
    expect(whole(null)).toBe(0);
  });

  test('leaves nothing in the file that the old key opens', () => {
    fill(old);
    const remains = new Database(path()).query<{ sealed: Uint8Array }, []>('SELECT sealed FROM entries').all();
    whole(fresh, old);
    const file = readFileSync(path());
    expect(remains).toHaveLength(4);
    for (const { sealed } of remains) expect(file.includes(Buffer.from(sealed))).toBe(false);
  });

  test('and a row that neither opens: it is named, and stays as it is', () => {
    fill(old);
    tamper("UPDATE entries SET sealed = x'00' WHERE kind = 'credential' AND name = 'b'");
    const vault = open(fresh, old);
    expect(vault.resealed).toBe(3);
    expect(vault.read('credential', 'c')).toBe('text of c');
    expect(() => vault.read('credential', 'b')).toThrow(/The credential b/);
    vault.close();
  });

  test.each([1, 2, 3, 4])(
    'and a process that dies at row %p: the next start does it, with nothing lost',
    async (row) => {
      fill(old);
      const script = `
      import { randomBytes } from 'node:crypto';
      import { openVault } from '${join(import.meta.dir, 'vault')}';
      const key = (hex) => Buffer.from(hex, 'hex');
      let rows = 0;
      openVault({
        folder: '${folder}', key: key('${fresh.toString('hex')}'), previousKey: key('${old.toString('hex')}'),
        randomBytes: (n) => (++rows === ${row} ? process.kill(process.pid, 'SIGKILL') : randomBytes(n)),
      });
    `;
      const child = Bun.spawn(['bun', '-e', script], { stderr: 'inherit' });
      await child.exited;
      expect(child.signalCode).toBe('SIGKILL');
      expect(whole(fresh, old)).toBe(4);
    },
  );
});

describe('a vault of version 1', () => {
  const key = randomBytes(KEY_BYTES);

  test('is brought into this version, with nothing lost', () => {
    makeFirstVault(folder, key, TEXT);
    for (const _ of ['first', 'again']) {
      const vault = open(key);
      expect(vault.read('credential', 'default')).toBe(TEXT);
      expect(vault.list('credential')).toHaveLength(1);
      vault.close();
    }
  });

  test('and another key at the same time', () => {
    makeFirstVault(folder, key, TEXT);
    const vault = open(randomBytes(KEY_BYTES), key);
    expect(vault.read('credential', 'default')).toBe(TEXT);
    vault.close();
  });

  test('whose row does not open is left as it is', () => {
    makeFirstVault(folder, key, TEXT);
    expect(() => open(randomBytes(KEY_BYTES))).toThrow(VaultFault);
    expect(() => open()).toThrow(/lost its key/);
    const database = new Database(path());
    expect(database.query('PRAGMA user_version').get()).toEqual({ user_version: 1 });
    database.close();
    const vault = open(key);
    expect(vault.read('credential', 'default')).toBe(TEXT);
    vault.close();
  });
});

describe('sealing', () => {
  const key = randomBytes(KEY_BYTES);
  const place = { kind: 'credential', name: 'default' };

  test('gives every text back, in its own place alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), fc.string(), (plain, kind, name) => {
        const sealed = seal(plain, { kind, name }, key, randomBytes);
        expect(unseal(sealed, { kind, name }, SEAL_VERSION, key)).toBe(plain);
        expect(unseal(sealed, { kind, name: `${name}x` }, SEAL_VERSION, key)).toBeNull();
        expect(unseal(sealed, { kind: `${kind}x`, name }, SEAL_VERSION, key)).toBeNull();
      }),
    );
  });

  test('no single flipped bit goes unseen', () => {
    const sealed = seal('secret', place, key, randomBytes);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(unseal(changed, place, SEAL_VERSION, key)).toBeNull();
    }
  });

  test('the same text is never sealed the same way twice', () => {
    expect(seal('a', place, key, randomBytes)).not.toEqual(seal('a', place, key, randomBytes));
  });
});

describe('VAULT_KEY', () => {
  const bytes = randomBytes(KEY_BYTES);

  test.each(['hex', 'base64', 'base64url'] as const)('is taken as %s', (encoding) => {
    expect(parseVaultKey(bytes.toString(encoding))).toEqual(bytes);
  });

  test.each(['', 'short', 'x'.repeat(64), bytes.toString('hex').slice(2), `${bytes.toString('base64url')}AA`])(
    '%p is refused',
    (text) => {
      expect(() => parseVaultKey(text)).toThrow('32 bytes');
    },
  );
});
