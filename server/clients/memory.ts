import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a slow check found to be right. */
export interface Checked<C> {
  readonly clientId: string;
  readonly secretId: number;
  readonly hash: string;
  readonly secret: string;
  readonly client: C;
}

/** Successful checks of secrets, so that each slow one is paid once. */
export interface CheckMemory<C> {
  /** The client whose secret this was found to be, or null when the slow check must decide. */
  recall(clientId: string, secret: string): C | null;
  /** To be taken before the rows of a check are read; hand it to `remember`. */
  ticket(): number;
  /** Remembers a check, unless something was forgotten since the ticket: the rows it rests on may have changed. */
  remember(ticket: number, checked: Checked<C>): void;
  /** Drops one client, or all (null): after any change of it. */
  forget(clientId: string | null): void;
}

interface Remembered<C> {
  readonly checked: Omit<Checked<C>, 'secret'>;
  readonly mac: Buffer;
}

/** Length of a stored argon2id hash. */
const HASH_CHARACTERS = 118;

/**
 * Keeps no secret, but an HMAC under a key of this process over client, secret id, stored hash and secret, each with its
 * length in front so that no two lists of parts make the same bytes. `max` clients; beyond it the oldest goes.
 */
export function createCheckMemory<C>(options: { max: number; key: Buffer }): CheckMemory<C> {
  const remembered = new Map<string, Remembered<C>>();
  // Sealed like the others when a client is not remembered, so that being remembered cannot be told by the time.
  const decoy = { clientId: '', secretId: 0, hash: 'x'.repeat(HASH_CHARACTERS) };
  let forgotten = 0;
  const seal = ({ clientId, secretId, hash }: Omit<Checked<C>, 'secret' | 'client'>, secret: string): Buffer => {
    const mac = createHmac('sha256', options.key);
    const parts = [clientId, String(secretId), hash, secret];
    return mac.update(parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('')).digest();
  };
  return {
    recall: (clientId, secret) => {
      const found = remembered.get(clientId);
      if (found === undefined) {
        seal(decoy, secret);
        return null;
      }
      return timingSafeEqual(seal(found.checked, secret), found.mac) ? found.checked.client : null;
    },
    ticket: () => forgotten,
    remember: (ticket, { secret, ...checked }) => {
      if (ticket !== forgotten) return;
      remembered.delete(checked.clientId);
      const oldest = remembered.keys().next();
      if (remembered.size >= options.max && !oldest.done) remembered.delete(oldest.value);
      remembered.set(checked.clientId, { checked, mac: seal(checked, secret) });
    },
    forget: (clientId) => {
      forgotten += 1;
      if (clientId === null) remembered.clear();
      else remembered.delete(clientId);
    },
  };
}
