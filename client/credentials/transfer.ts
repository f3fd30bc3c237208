import { Value } from '@sinclair/typebox/value';
import { t } from 'elysia';
import { nullable } from '../../kit/http/schemas';
import { SIGNING_ALGS } from '../auth/keys';
import { EnvelopeFault } from '../vault/envelope';
import type { Vault } from '../vault/vault';
import { createCredentialStore } from './store';
import { CREDENTIALS_MAX, ENVIRONMENT_NAME, NAME_PATTERN, type StoredCredential } from './stored';

const text = t.String({ maxLength: 8_192 });
const ms = nullable(t.Number());
const object = t.Record(t.String(), t.Unknown());

/** What an export holds, once it is open: everything of a credential but its token and what is under way. */
const Content = t.Object({
  credentials: t.Array(
    t.Object({
      name: t.String({ pattern: NAME_PATTERN.source }),
      clientId: nullable(text),
      appName: text,
      origin: t.UnionEnum(['self-made', 'configured'], { default: undefined }),
      registered: t.Boolean(),
      servers: nullable(t.Array(text)),
      issuer: nullable(text),
      scope: nullable(text),
      resource: nullable(text),
      secrets: t.Array(
        t.Object({ value: text, id: nullable(t.Integer()), sinceMs: t.Number(), expiresAtMs: ms, worked: t.Boolean() }),
      ),
      key: nullable(
        t.Object({ jwk: object, alg: t.UnionEnum([...SIGNING_ALGS], { default: undefined }), kid: nullable(text) }),
      ),
      dpopKey: nullable(object),
      rotatedAtMs: ms,
    }),
  ),
});

/** What came of an import, by name. */
export interface Imported {
  readonly added: readonly string[];
  /** There already, and the same. */
  readonly same: readonly string[];
  readonly replaced: readonly string[];
}

/** All credentials as text, for an envelope. Throws {@link EnvelopeFault} when a row does not open: an export that leaves something out is none. */
export function exportText(vault: Vault): string {
  const { credentials, unreadable } = createCredentialStore(vault).all();
  if (unreadable.length > 0)
    throw new EnvelopeFault(`Nothing was exported: ${unreadable.join(', ')} in the vault cannot be read.`);
  const all = [...credentials].map(([name, stored]) => ({ name, ...portable(stored) }));
  return JSON.stringify({ credentials: all });
}

/**
 * Keeps what an export holds. Names that are taken by something else are replaced only when `replace` says so; all of it
 * is kept or nothing. Throws {@link EnvelopeFault}.
 */
export function importText(vault: Vault, given: string, replace: boolean): Imported {
  const content: unknown = JSON.parse(given);
  if (!Value.Check(Content, content)) throw new EnvelopeFault('The export holds something else than credentials.');
  const store = createCredentialStore(vault);
  return vault.atomically(() => {
    const [added, same, replaced]: [string[], string[], string[]] = [[], [], []];
    for (const { name, ...stored } of content.credentials as readonly ({ name: string } & Omit<
      StoredCredential,
      'begun'
    >)[]) {
      const next: StoredCredential = { ...stored, begun: null };
      if (name === ENVIRONMENT_NAME)
        throw new EnvelopeFault(`Nothing was imported: ${name} is the name of the credential of CLIENT_ID.`);
      const kept = store.read(name);
      if (kept === null) added.push(name);
      else (isSame(kept, next) ? same : replaced).push(name);
      if (kept === null || !isSame(kept, next)) store.write(name, next);
    }
    if (replaced.length > 0 && !replace)
      throw new EnvelopeFault(
        `Nothing was imported: there are other credentials of these names already: ${replaced.join(', ')}. With --replace they are replaced.`,
      );
    if (store.all().credentials.size > CREDENTIALS_MAX)
      throw new EnvelopeFault(`Nothing was imported: there would be more than ${CREDENTIALS_MAX} credentials.`);
    return { added, same, replaced };
  });
}

function portable({ begun: _, ...stored }: StoredCredential): Omit<StoredCredential, 'begun'> {
  return stored;
}

function isSame(a: StoredCredential, b: StoredCredential): boolean {
  return Bun.deepEquals(portable(a), portable(b));
}
