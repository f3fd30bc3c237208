import type { CredentialStore } from './store';
import type { StoredCredential } from './stored';

/** Where a credential is kept; one of the environment is kept in memory alone. */
export interface Place {
  readonly read: () => StoredCredential;
  /** Changes what is kept; null leaves it. @returns what is kept now, or null when the credential is gone or another has its name. Throws `VaultFault`. */
  readonly update: (change: (kept: StoredCredential) => StoredCredential | null) => StoredCredential | null;
  /** Takes over what another process has kept meanwhile. @returns false when that is another credential, or none. */
  readonly refresh: () => boolean;
}

/** In memory. */
export function inMemory(given: StoredCredential): Place {
  let current = given;
  return {
    read: () => current,
    update(change) {
      current = change(current) ?? current;
      return current;
    },
    refresh: () => true,
  };
}

/** In the vault, with what was read last at hand. Null: there is none of that name. Throws `VaultFault`. */
export function inVault(store: CredentialStore, name: string): Place | null {
  const found = store.read(name);
  if (found === null) return null;
  let current = found;
  return {
    read: () => current,
    update(change) {
      let isOurs = false;
      const kept = store.update(name, (now) => {
        // What was asked for one credential says nothing of another that has its name meanwhile.
        isOurs = isSame(now, current);
        return isOurs ? change(now) : null;
      });
      if (kept === null || !isOurs) return null;
      current = kept;
      return kept;
    },
    refresh() {
      const kept = store.read(name);
      if (kept === null || !isSame(kept, current)) return false;
      current = kept;
      return true;
    },
  };
}

function isSame(one: StoredCredential, other: StoredCredential): boolean {
  return identityOf(one) === identityOf(other);
}

/** All of a credential that its tokens depend on; its secrets may change under way. */
function identityOf({ clientId, origin, servers, issuer, scope, resource, key, dpopKey }: StoredCredential): string {
  return JSON.stringify([clientId, origin, servers, issuer, scope, resource, key, dpopKey]);
}
