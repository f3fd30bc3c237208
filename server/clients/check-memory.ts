import { createHmac, timingSafeEqual } from 'node:crypto';
import { createBoundedMap } from '../../kit/bounded-map';

/** What a check found to be right. */
export interface Checked<C> {
  readonly clientId: string;
  readonly secret: string;
  readonly secretId: number;
  /** When the secret ends, in milliseconds since the epoch; null: never. */
  readonly expiresAtMs: number | null;
  readonly client: C;
}

/** A client whose secret was recalled. */
export interface Recalled<C> {
  readonly client: C;
  readonly secretId: number;
}

/** Successful checks of secrets, so that each look-up and each slow hash is paid once. */
export interface CheckMemory<C> {
  /** The client whose live secret this was found to be, or null when a check must decide. */
  recall(clientId: string, secret: string): Recalled<C> | null;
  /** To be taken before the rows of a check are read; hand it to `remember`. */
  ticket(clientId: string): number;
  /** Remembers a check, unless its client was forgotten since the ticket: the rows it rests on may have changed. */
  remember(ticket: number, checked: Checked<C>): void;
  /** Drops one client, or all (null): after any change of it. */
  forget(clientId: string | null): void;
}

interface Remembered<C> {
  readonly mac: Buffer;
  readonly expiresAtMs: number | null;
  readonly recalled: Recalled<C>;
}

/** Clients share counters of forgetting, so that these need no tidying up. A clash costs one check more. */
const COUNTERS = 4_096;

/**
 * Keeps no secret, but an HMAC under a key of this process over client id and secret, each with its length in front so that no two pairs
 * make the same bytes. `max` clients, beyond it the oldest goes; of each as many secrets as can be live.
 */
export function createCheckMemory<C>(options: {
  readonly max: number;
  readonly secretsMax: number;
  readonly key: Buffer;
  readonly now: () => number;
}): CheckMemory<C> {
  const remembered = createBoundedMap<string, readonly Remembered<C>[]>(options.max);
  const forgotten = new Uint32Array(COUNTERS);
  const counterOf = (clientId: string): number => Bun.hash.crc32(clientId) % COUNTERS;
  const seal = (clientId: string, secret: string): Buffer => {
    const mac = createHmac('sha256', options.key);
    const parts = [clientId, secret].map((part) => `${Buffer.byteLength(part)}:${part}`);
    return mac.update(parts.join('')).digest();
  };
  return {
    recall: (clientId, secret) => {
      // Made before looking, so that being remembered cannot be told by the time.
      const mac = seal(clientId, secret);
      const found = remembered.get(clientId)?.find((one) => timingSafeEqual(one.mac, mac));
      if (found === undefined) return null;
      return found.expiresAtMs === null || options.now() < found.expiresAtMs ? found.recalled : null;
    },
    ticket: (clientId) => forgotten[counterOf(clientId)] ?? 0,
    remember: (ticket, { clientId, secret, secretId, expiresAtMs, client }) => {
      if (ticket !== forgotten[counterOf(clientId)]) return;
      const others = (remembered.get(clientId) ?? []).filter(({ recalled }) => recalled.secretId !== secretId);
      const latest = { mac: seal(clientId, secret), expiresAtMs, recalled: { client, secretId } };
      remembered.set(clientId, [latest, ...others].slice(0, options.secretsMax));
    },
    forget: (clientId) => {
      if (clientId === null) {
        remembered.clear();
        forgotten.forEach((count, at) => {
          forgotten[at] = count + 1;
        });
        return;
      }
      const counter = counterOf(clientId);
      forgotten[counter] = (forgotten[counter] ?? 0) + 1;
      remembered.delete(clientId);
    },
  };
}
