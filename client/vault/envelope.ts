import { scrypt } from 'node:crypto';
import type { RandomBytes } from '../ports';
import { decrypt, encrypt, KEY_BYTES, NONCE_BYTES } from './seal';

/** What an export calls itself. */
export const EXPORT_FORMAT = 'crypto-client export';

/** How an export of today is made; docs/vault.md says it in words. */
const VERSION = 1;

/** Cost of a guess (RFC 7914): 128 MiB and about half a second, far beyond what sign-in pages ask, for it is paid once. */
const COST = { name: 'scrypt', N: 131_072, r: 8, p: 1 } as const;

/** Twice of what {@link COST} takes (128·N·r bytes). */
const MEMORY_MAX = 256 * 1024 * 1024;

/** 128 bits: no two exports have the same key, whatever their passphrase. */
const SALT_BYTES = 16;

const CIPHER = 'AES-256-GCM';

/** Longest export that is read, in characters; a thousand credentials with RSA keys take less. */
const EXPORT_CHARACTERS_MAX = 16 * 1024 * 1024;

/** Shorter passphrases can be guessed by who has the file, in characters. */
export const PASSPHRASE_CHARACTERS_MIN = 12;

/** The export cannot be opened; the message says why, and what to do. */
export class EnvelopeFault extends Error {
  override readonly name = 'EnvelopeFault';
}

/** Encrypts a text under a passphrase, as JSON that says how. Rejects with {@link EnvelopeFault} for a short passphrase. */
export async function sealEnvelope(text: string, passphrase: string, randomBytes: RandomBytes): Promise<string> {
  if ([...passphrase].length < PASSPHRASE_CHARACTERS_MIN)
    throw new EnvelopeFault(`The passphrase is too short: it needs ${PASSPHRASE_CHARACTERS_MIN} characters or more.`);
  const salt = Buffer.from(randomBytes(SALT_BYTES));
  const head = {
    format: EXPORT_FORMAT,
    version: VERSION,
    kdf: { ...COST, salt: salt.toString('base64url') },
    cipher: CIPHER,
  };
  const sealed = encrypt(text, JSON.stringify(head), await keyOf(passphrase, salt), randomBytes(NONCE_BYTES));
  return `${JSON.stringify({ ...head, sealed: sealed.toString('base64url') }, null, 2)}\n`;
}

/** The text again. Rejects with {@link EnvelopeFault}: no export, one of a newer program, another passphrase, or changed. */
export async function openEnvelope(envelope: string, passphrase: string): Promise<string> {
  const { salt, sealed } = readEnvelope(envelope);
  const head = { format: EXPORT_FORMAT, version: VERSION, kdf: { ...COST, salt }, cipher: CIPHER };
  const key = await keyOf(passphrase, Buffer.from(salt, 'base64url'));
  const text = decrypt(Buffer.from(sealed, 'base64url'), JSON.stringify(head), key);
  if (text === null)
    throw new EnvelopeFault('The export does not open: the passphrase is another one, or the file was changed.');
  return text;
}

function readEnvelope(envelope: string): { readonly salt: string; readonly sealed: string } {
  const { format, version, kdf, cipher, sealed } = readObject(envelope);
  if (format !== EXPORT_FORMAT) throw new EnvelopeFault('This is no export of crypto-client.');
  if (version !== VERSION) throw new EnvelopeFault('This export was made by a newer crypto-client: use that one.');
  const { salt, ...cost } = typeof kdf === 'object' && kdf !== null ? { salt: null, ...kdf } : { salt: null };
  // Another cost could be one that takes this machine down, or one that makes guessing cheap.
  const isKnown = JSON.stringify(cost) === JSON.stringify(COST) && cipher === CIPHER;
  if (!isKnown || typeof salt !== 'string' || typeof sealed !== 'string')
    throw new EnvelopeFault('The export is not as its version must be: it was changed.');
  return { salt, sealed };
}

function readObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = text.length > EXPORT_CHARACTERS_MAX ? null : JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** A passphrase is the same however its accents were typed. */
function keyOf(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  const { N, r, p } = COST;
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, KEY_BYTES, { N, r, p, maxmem: MEMORY_MAX }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
