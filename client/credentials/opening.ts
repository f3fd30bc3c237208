import type { Log } from '../../kit/logs';
import type { RandomBytes } from '../ports';
import type { Vault } from '../vault/vault';
import { randomName } from './self-made';
import { type CredentialStore, createCredentialStore, ifReadable } from './store';

/** The vault, opened when it is first needed. */
export interface Opening {
  /** The credentials in it; null: it cannot be used, and the one of the environment can do without. Throws `VaultFault`. */
  store(): CredentialStore | null;
  /** The same, for what cannot do without. Throws `VaultFault`. */
  needed(): CredentialStore;
  /** What was chosen in it when it was opened; null: it is not open, or its choice does not open. */
  chosenAtFirst(): string | null;
  /** True when it is open and another process has written to it since this was asked before. */
  changedElsewhere(): boolean;
  /** A name of this vault that no other has. Throws `VaultFault`. */
  installation(): string;
}

/** What {@link createOpening} needs. */
export interface OpeningDeps {
  readonly vault: () => Vault;
  /** True when there is a credential that needs no vault. */
  readonly pinned: boolean;
  readonly randomBytes: RandomBytes;
  readonly log: Log;
}

const INSTALLATION = 'installation';

/** Opens the vault once; what goes wrong then is told once. */
export function createOpening({ vault, pinned, randomBytes, log }: OpeningDeps): Opening {
  let open: { readonly vault: Vault; readonly store: CredentialStore; readonly chosen: string | null } | null = null;
  let isAway = false;
  const opened = () => {
    if (open === null) {
      const here = vault();
      const store = createCredentialStore(here);
      open = { vault: here, store, chosen: ifReadable(store.chosen) };
    }
    return open;
  };
  return {
    store() {
      if (isAway) return null;
      try {
        return opened().store;
      } catch (error) {
        if (!pinned) throw error;
        isAway = true;
        log.warn('the vault cannot be used; the credential of the environment can do without', { error });
        return null;
      }
    },
    needed: () => opened().store,
    chosenAtFirst: () => open?.chosen ?? null,
    changedElsewhere: () => open?.vault.changedElsewhere() ?? false,
    installation() {
      const { vault } = opened();
      const kept = vault.read('setting', INSTALLATION);
      if (kept !== null) return kept;
      vault.add('setting', INSTALLATION, randomName(randomBytes));
      return vault.read('setting', INSTALLATION) ?? '';
    },
  };
}
