/** What rests encrypted in the database, under the key-encryption key: private signing keys and the secrets that all replicas share. Apart, because it is opened before everything else. */
import { type Box, createBox, KeyUnreadable } from './box';
import type { SealedRow, VaultStore } from './store';

/** What shared secrets are for. */
export const SHARED_SECRETS = ['audit', 'dpop-nonce', 'console', 'redis'] as const;

/** The purpose of a shared secret. */
export type SharedSecret = (typeof SHARED_SECRETS)[number];

/** A random secret that every server on this database has. */
export interface SharedBytes {
  /** 32 bytes. */
  readonly secret: Buffer;
  /** True when this start of this server made it: whatever was kept under one before can not be checked any more. */
  readonly made: boolean;
}

/** Opens what is sealed. Nothing but `open` may be called before it was opened. */
export interface Vault {
  /**
   * Opens everything, seals anew under the present key what only the previous one opens, and makes the shared secrets that
   * are missing. @returns how many were sealed anew. @throws KeyUnreadable when something opens under neither key.
   */
  open(): Promise<number>;
  /** Seals anew what a server that still has the previous key alone has sealed meanwhile; nothing without a previous key. @returns how many. */
  maintain(): Promise<number>;
  /** Encrypts a private key. */
  seal(text: string, name: string): string;
  /** Decrypts one, under the previous key too; null when neither opens it. */
  unseal(sealed: string, name: string): string | null;
  shared(name: SharedSecret): SharedBytes;
  /** The bytes alone. */
  secretFor(name: SharedSecret): Buffer;
}

/** What the vault stands on. */
export interface VaultOptions {
  readonly store: VaultStore;
  /**
   * The key-encryption key. Asked for only once it is known whether the database already holds something encrypted, since a
   * new one may be made only while it does not.
   */
  readonly encryptionKey: (holdsKeys: boolean) => string;
  /** What the operator knows it by. */
  readonly encryptionKeyName: string;
  /** The one before; null: there is none. */
  readonly previousEncryptionKey: string | null;
  readonly randomBytes: (n: number) => Buffer;
  readonly now: () => number;
}

/** Bytes of a shared secret: as many as SHA-256 gives (RFC 2104 §3). */
const SHARED_SECRET_BYTES = 32;

/** The vault of one server. */
export function createVault(options: VaultOptions): Vault {
  const { store, encryptionKey, encryptionKeyName, previousEncryptionKey, randomBytes, now } = options;
  let boxes: Boxes | null = null;
  const values = new Map<string, SharedBytes>();
  const opened = (): Boxes => boxes ?? missing('The vault has not been opened.');
  const shared = (name: SharedSecret): SharedBytes => values.get(name) ?? missing(`There is no secret ${name} yet.`);
  return {
    open: () =>
      store.change((rows) => {
        boxes ??= createBoxes(encryptionKey(rows.length > 0), previousEncryptionKey, randomBytes);
        const texts = openAll(rows, boxes, encryptionKeyName);
        const sealed: MadeSecret[] = [];
        for (const name of SHARED_SECRETS) {
          const there = texts.get(sealName({ kind: 'shared secret', name }));
          const text = there ?? randomBytes(SHARED_SECRET_BYTES).toString('base64url');
          if (there === undefined) sealed.push(sealSecret(name, text, boxes));
          values.set(name, { secret: Buffer.from(text, 'base64url'), made: there === undefined });
        }
        return { made: sealed, resealed: resealAll(rows, boxes) };
      }, new Date(now())),
    maintain: async () => {
      if (previousEncryptionKey === null) return 0;
      return store.change((rows) => ({ made: [], resealed: resealAll(rows, opened()) }), new Date(now()));
    },
    seal: (text, name) => opened().present.seal(text, name),
    unseal: (sealed, name) => opened().present.open(sealed, name) ?? opened().previous?.open(sealed, name) ?? null,
    shared,
    secretFor: (name) => shared(name).secret,
  };
}

interface Boxes {
  readonly present: Box;
  readonly previous: Box | null;
}

function createBoxes(present: string, previous: string | null, randomBytes: (n: number) => Buffer): Boxes {
  return {
    present: createBox(present, randomBytes),
    previous: previous === null ? null : createBox(previous, randomBytes),
  };
}

/** What is bound into a sealed text. Thumbprints of keys hold no colon, so that no secret can stand in for a key. */
export function sealName({ kind, name }: Pick<SealedRow, 'kind' | 'name'>): string {
  return kind === 'signing key' ? name : `shared secret:${name}`;
}

/** Every text, by the name it is sealed under. @throws KeyUnreadable */
function openAll(rows: readonly SealedRow[], { present, previous }: Boxes, keyName: string): Map<string, string> {
  const texts = new Map<string, string>();
  const shut: SealedRow[] = [];
  for (const row of rows) {
    const text = present.open(row.sealed, sealName(row)) ?? previous?.open(row.sealed, sealName(row)) ?? null;
    if (text === null) shut.push(row);
    else texts.set(sealName(row), text);
  }
  const [first] = shut;
  if (first !== undefined)
    throw unreadable(first, { keyName, hasPrevious: previous !== null, othersOpen: texts.size > 0 });
  return texts;
}

/** When others open, the key is right for them, and this one row is what is wrong. */
function unreadable(
  { kind, name }: SealedRow,
  { keyName, hasPrevious, othersOpen }: { keyName: string; hasPrevious: boolean; othersOpen: boolean },
): KeyUnreadable {
  const keys = hasPrevious ? `Neither ${keyName} nor KEY_ENCRYPTION_KEY_PREVIOUS opens` : `${keyName} does not open`;
  if (othersOpen)
    return new KeyUnreadable(
      `${keys} the ${kind} ${name}, though it opens others: that row was changed, or encrypted under another key; ` +
        'give that one as KEY_ENCRYPTION_KEY_PREVIOUS, or restore the row from a backup.',
    );
  return new KeyUnreadable(
    `${keys} the signing keys in this database; give the one they were encrypted with as KEY_ENCRYPTION_KEY.`,
  );
}

/** The rows that only the previous key opens, sealed under the present one. */
function resealAll(rows: readonly SealedRow[], { present, previous }: Boxes) {
  if (previous === null) return [];
  return rows.flatMap((row) => {
    if (present.open(row.sealed, sealName(row)) !== null) return [];
    const text = previous.open(row.sealed, sealName(row));
    return text === null ? [] : [{ ...row, was: row.sealed, sealed: present.seal(text, sealName(row)) }];
  });
}

type MadeSecret = SealedRow & { readonly kind: 'shared secret' };

function sealSecret(name: SharedSecret, text: string, { present }: Boxes): MadeSecret {
  const kind = 'shared secret';
  return { kind, name, sealed: present.seal(text, sealName({ kind, name })) };
}

function missing(message: string): never {
  throw new Error(message);
}
