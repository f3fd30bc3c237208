import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
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
import { KEY_BYTES, SEAL_VERSION, seal, unseal } from './seal';
import { openVault, parseVaultKey, type StoredCredential, VaultFault } from './vault';

const CREDENTIAL: StoredCredential = {
  clientId: 'crypto-client-abc',
  clientSecret: 'a-secret-that-must-not-be-seen',
  appName: 'crypto-client',
  origin: 'self-made',
  registered: false,
};

let folder: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'vault-')), 'data', 'client');
});

afterEach(() => rmSync(join(folder, '..', '..'), { recursive: true }));

const open = (key: Uint8Array | null = null) => openVault({ folder, key, randomBytes });
const path = () => join(folder, 'vault.sqlite');

/** Runs one statement behind the vault's back. */
function tamper(statement: string): void {
  const database = new Database(path());
  database.run(statement);
  database.close();
}

describe('the credential', () => {
  test('is there again after the next start', () => {
    const first = open();
    expect(first.read()).toBeNull();
    first.write(CREDENTIAL);
    first.close();
    const second = open();
    expect(second.read()).toEqual(CREDENTIAL);
    second.close();
  });

  test('is made once: the first one wins', () => {
    const [one, other] = [open(), open()];
    expect(one.readOrCreate(() => CREDENTIAL)).toEqual(CREDENTIAL);
    expect(other.readOrCreate(() => ({ ...CREDENTIAL, clientId: 'late' }))).toEqual(CREDENTIAL);
    one.close();
    other.close();
  });

  test('one that appears between look and write wins', () => {
    const [one, other] = [open(), open()];
    const got = one.readOrCreate(() => {
      other.write({ ...CREDENTIAL, clientId: 'quicker' });
      return CREDENTIAL;
    });
    expect(got.clientId).toBe('quicker');
    one.close();
    other.close();
  });

  test('is marked as registered, unless another has taken its place', () => {
    const vault = open();
    vault.write(CREDENTIAL);
    vault.markRegistered('somebody-else');
    expect(vault.read()?.registered).toBe(false);
    vault.markRegistered(CREDENTIAL.clientId);
    expect(vault.read()).toEqual({ ...CREDENTIAL, registered: true });
    vault.close();
  });

  test('cannot be read in any file', () => {
    const vault = open();
    vault.write(CREDENTIAL);
    for (const name of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, name));
      expect(bytes.includes(CREDENTIAL.clientSecret)).toBe(false);
      expect(bytes.includes(CREDENTIAL.clientId)).toBe(false);
    }
    vault.close();
  });
});

test('two processes that make the first credential end with the same one', async () => {
  const script = `
    import { randomBytes } from 'node:crypto';
    import { makeCredential } from '${join(import.meta.dir, '../account/self-made')}';
    import { openVault } from '${join(import.meta.dir, 'vault')}';
    const vault = openVault({ folder: '${folder}', key: null, randomBytes });
    console.log(JSON.stringify(vault.readOrCreate(() => makeCredential('x', randomBytes))));
  `;
  const run = () => Bun.spawn(['bun', '-e', script], { stdout: 'pipe', stderr: 'inherit' });
  const outputs = await Promise.all(Array.from({ length: 4 }, () => new Response(run().stdout).text()));
  expect(outputs[0]).toContain('crypto-client-');
  expect(new Set(outputs).size).toBe(1);
}, 20_000);

describe('files', () => {
  test('belong to this user alone: folder 0700, files 0600', () => {
    const vault = open();
    vault.write(CREDENTIAL);
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
    vault.write(CREDENTIAL);
    vault.close();
    expect(existsSync(join(folder, 'vault-key'))).toBe(false);
  });
});

describe('a vault that does not open', () => {
  const key = randomBytes(KEY_BYTES);

  beforeEach(() => {
    const vault = open(key);
    vault.write(CREDENTIAL);
    vault.close();
  });

  test('with another key says so, and nothing is lost', () => {
    const vault = open(randomBytes(KEY_BYTES));
    expect(() => vault.read()).toThrow(VaultFault);
    expect(() => vault.read()).toThrow(/VAULT_KEY/);
    expect(() => vault.readOrCreate(() => CREDENTIAL)).toThrow(VaultFault);
    expect(() => vault.write(CREDENTIAL)).toThrow(VaultFault);
    expect(() => vault.markRegistered(CREDENTIAL.clientId)).toThrow(VaultFault);
    vault.close();
    const right = open(key);
    expect(right.read()).toEqual(CREDENTIAL);
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

  test.each([
    ['a changed byte', "UPDATE credentials SET sealed = substr(sealed, 1, 30) || x'00' || substr(sealed, 32)"],
    ['a cut end', 'UPDATE credentials SET sealed = substr(sealed, 1, length(sealed) - 1)'],
    ['nothing', "UPDATE credentials SET sealed = x''"],
    ['another version', 'UPDATE credentials SET version = 2'],
  ])('with %s in its row', (_, statement) => {
    tamper(statement);
    const vault = open(key);
    expect(() => vault.read()).toThrow(VaultFault);
    vault.close();
  });

  test('made by a newer program is left alone', () => {
    tamper('PRAGMA user_version = 2');
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
    expect(() => openVault({ folder: file, key, randomBytes })).toThrow(/DATA_DIR/);
  });
});

describe('sealing', () => {
  const key = randomBytes(KEY_BYTES);

  test('gives every text back, under its own name alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (plain, name) => {
        const sealed = seal(plain, name, key, randomBytes);
        expect(unseal(sealed, name, SEAL_VERSION, key)).toBe(plain);
        expect(unseal(sealed, `${name}x`, SEAL_VERSION, key)).toBeNull();
      }),
    );
  });

  test('no single flipped bit goes unseen', () => {
    const sealed = seal('secret', 'default', key, randomBytes);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(unseal(changed, 'default', SEAL_VERSION, key)).toBeNull();
    }
  });

  test('the same text is never sealed the same way twice', () => {
    expect(seal('a', 'n', key, randomBytes)).not.toEqual(seal('a', 'n', key, randomBytes));
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
