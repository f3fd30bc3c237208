import { createHash } from 'node:crypto';
import type { AccessToken } from '../auth/token';
import type { Vault } from '../vault/vault';

/** Everything that makes the token another one. */
export interface TokenParts {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string | null;
  readonly resource: string | null;
  /** By what it was asked for: a secret, or the thumbprint of a key. */
  readonly proof: { readonly kind: 'secret' | 'key'; readonly value: string };
  /** Thumbprint of the key that it is bound to, or null. */
  readonly jkt: string | null;
}

/** The token of one credential between two starts, sealed in the vault: one row, in which the last one takes the place of the one before. */
export interface KeptToken {
  /** The token, if it belongs to one of these and has not ended; null when there is none or it cannot be read. */
  load(candidates: readonly TokenParts[]): AccessToken | null;
  /** Keeps it; that it could not is told once and hinders nobody. */
  save(parts: TokenParts, token: AccessToken): void;
}

/** What {@link keptToken} needs. */
export interface KeptTokenDeps {
  readonly name: string;
  readonly vault: () => Pick<Vault, 'read' | 'write'>;
  readonly now: () => number;
  /** Told when the vault cannot be used. */
  readonly onFault: (error: unknown) => void;
}

interface Row {
  readonly key: string;
  readonly token: AccessToken;
}

/** The place for the token of this credential. */
export function keptToken({ name, vault, now, onFault }: KeptTokenDeps): KeptToken {
  let isTold = false;
  const quietly = <T>(work: () => T): T | null => {
    try {
      return work();
    } catch (error) {
      if (!isTold) onFault(error);
      isTold = true;
      return null;
    }
  };
  return {
    load: (candidates) =>
      quietly(() => {
        const text = vault().read('token', name);
        if (text === null) return null;
        const { key, token }: Row = JSON.parse(text);
        const isOurs = candidates.some((parts) => keyOf(parts) === key);
        return isOurs && token.expiresAtMs > now() ? token : null;
      }),
    save: (parts, token) =>
      void quietly(() => vault().write('token', name, JSON.stringify({ key: keyOf(parts), token } satisfies Row))),
  };
}

/** A digest, so that the row of a token tells nothing of the secret. */
function keyOf({ issuer, clientId, scope, resource, proof, jkt }: TokenParts): string {
  const parts = [issuer, clientId, scope, resource, proof.kind, proof.value, jkt];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
