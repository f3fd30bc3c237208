// A vault as version 1 of this program made it, byte for byte.
import { Database } from 'bun:sqlite';
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a file of version 1 with one credential, sealed with this key. */
export function makeFirstVault(folder: string, key: Uint8Array, text: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = new Database(join(folder, 'vault.sqlite'));
  database.run('CREATE TABLE credentials (name TEXT PRIMARY KEY, version INTEGER NOT NULL, sealed BLOB NOT NULL)');
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from('["crypto-client vault",1,"default"]'));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  const sealed = Buffer.concat([nonce, cipher.getAuthTag(), body]);
  database.query('INSERT INTO credentials VALUES (?, 1, ?)').run('default', sealed);
  database.run('PRAGMA user_version = 1');
  database.close();
}
