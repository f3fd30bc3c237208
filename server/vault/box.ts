import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

/** What is in the database does not open: the key-encryption key is another one, or somebody changed it. */
export class KeyUnreadable extends Error {
  override readonly name = 'KeyUnreadable';
}

/** Seals texts and opens them again. `name` says what the text is: under another name it does not open. */
export interface Box {
  seal(text: string, name: string): string;
  /** Null: sealed under another key or name, or changed since. */
  open(sealed: string, name: string): string | null;
}

const VERSION = 'v1';

/** AES-256-GCM under a key derived from the key-encryption key; the name is bound in, so that rows cannot be swapped. */
export function createBox(encryptionKey: string, randomBytes: (n: number) => Buffer): Box {
  const key = Buffer.from(hkdfSync('sha256', encryptionKey, '', 'crypto-server signing keys', 32));
  return {
    seal: (text, name) => {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(name));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      const parts = [iv, cipher.getAuthTag(), sealed].map((part) => part.toString('base64url'));
      return [VERSION, ...parts].join('.');
    },
    open: (sealed, name) => {
      const [version, iv = '', tag = '', text = ''] = sealed.split('.');
      if (version !== VERSION) return null;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: 16 });
        decipher.setAAD(Buffer.from(name)).setAuthTag(Buffer.from(tag, 'base64url'));
        return Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]).toString('utf8');
      } catch {
        return null;
      }
    },
  };
}
