import { VaultFault } from '../vault/fault';
import type { Vault } from '../vault/vault';

/** A credential as it is kept. */
export interface StoredCredential {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly appName: string;
  /** Made by this client, or given to it by its user. */
  readonly origin: 'self-made' | 'configured';
  /** True once the server has confirmed the registration. */
  readonly registered: boolean;
}

/** One place for one credential. Every method throws `VaultFault` when the row does not open. */
export interface CredentialStore {
  read(): StoredCredential | null;
  /** What is kept already, else what `make` gives: of several processes the first one wins. */
  readOrCreate(make: () => StoredCredential): StoredCredential;
  write(credential: StoredCredential): void;
  /** Marks the registration of this client id, unless another credential has taken its place. */
  markRegistered(clientId: string): void;
}

const NAME = 'default';

/** The place for the one credential in the vault, which is opened when it is needed. */
export function createCredentialStore(vault: () => Vault): CredentialStore {
  const read = (): StoredCredential | null => {
    const text = vault().read('credential', NAME);
    return text === null ? null : JSON.parse(text);
  };
  const write = (credential: StoredCredential): void => vault().write('credential', NAME, JSON.stringify(credential));
  return {
    read,
    readOrCreate(make) {
      const kept = read();
      if (kept !== null) return kept;
      vault().add('credential', NAME, JSON.stringify(make()));
      const winner = read();
      if (winner === null) throw new VaultFault('The credential vanished while it was being made; start again.');
      return winner;
    },
    write,
    markRegistered(clientId) {
      vault().atomically(() => {
        const kept = read();
        if (kept?.clientId === clientId && !kept.registered) write({ ...kept, registered: true });
      });
    },
  };
}
