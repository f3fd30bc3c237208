import type { NamedEvent } from '../oauth/event';
import type { EventName } from '../oauth/words';
import { type KeyPair, makeKeyPair } from './key-pair';
import { keepUp, type MakeKey, nextKey, type SigningAlg, signingKey, type TimedKey } from './key-schedule';
import type { KeyTables, StoredKey } from './store';

/** Thrown out of a transaction that needs a key which is not there yet: making one takes too long to hold a lock meanwhile. */
class SpareWanted extends Error {
  readonly alg: SigningAlg;
  constructor(alg: SigningAlg) {
    super(`a key for ${alg} is wanted`);
    this.alg = alg;
  }
}

/** Does work that may need new keys, again each time that one more had to be made for it. */
export async function withSpares<T>(
  seal: (text: string, kid: string) => string,
  work: (make: MakeKey<StoredKey>) => Promise<T>,
): Promise<T> {
  const spares: KeyPair[] = [];
  for (;;) {
    try {
      return await work(useSpares([...spares], seal));
    } catch (error) {
      if (!(error instanceof SpareWanted)) throw error;
      spares.push(await makeKeyPair(error.alg));
    }
  }
}

function useSpares(spares: KeyPair[], seal: (text: string, kid: string) => string): MakeKey<StoredKey> {
  return (alg, createdAt, activeFrom) => {
    const place = spares.findIndex((spare) => spare.alg === alg);
    const [spare] = place < 0 ? [] : spares.splice(place, 1);
    if (spare === undefined) throw new SpareWanted(alg);
    const { kid, publicJwk, privateText } = spare;
    const privateKey = seal(privateText, kid);
    return {
      kid,
      alg,
      publicJwk: { ...publicJwk },
      privateKey,
      createdAt,
      activeFrom,
      retiredAt: null,
      revokedAt: null,
    };
  };
}

/** The algorithm of the key whose turn comes last; null when there is none. */
export function newestAlg(keys: readonly TimedKey[]): SigningAlg | null {
  const newest = keys.toSorted((a, b) => a.activeFrom.getTime() - b.activeFrom.getTime()).at(-1);
  return newest === undefined ? null : (newest.alg as SigningAlg); // Only `withSpares` makes keys.
}

/** True when the table is not as it should be at this moment. */
export function isDue(keys: readonly TimedKey[], at: Date): boolean {
  const wanted = (alg: SigningAlg): never => {
    throw new SpareWanted(alg);
  };
  try {
    const kept = keepUp(keys, at, { make: wanted, alg: newestAlg(keys) ?? 'ES256' });
    return kept.length !== keys.length || kept.some((key, place) => key !== keys[place]);
  } catch (error) {
    if (error instanceof SpareWanted) return true;
    throw error;
  }
}

/** That somebody wants the next key to take over, and when it will; null: it has. */
export function requestOf({ before, after }: KeyTables, at: Date, actor: string): NamedEvent | null {
  const next = nextKey(after, at);
  const signs = signingKey(after, at.getTime());
  if (next === undefined || signs?.kid !== signingKey(before, at.getTime())?.kid) return null;
  const details = { kid: next.kid, alg: next.alg, active_from: next.activeFrom.toISOString() };
  return { event: 'key_rotation_requested', outcome: 'success', actor, details };
}

/**
 * What a change of the table means. A key has become active when it is given its successor, since each is given one in its
 * first moments, and by one server alone; it has retired when its private key is wiped,
 * which like its removal comes by time and not by anybody's wish.
 */
export function eventsOf({ before, after }: KeyTables, actor: string): NamedEvent[] {
  const event = (name: EventName, { kid, alg }: TimedKey, by = actor): NamedEvent => ({
    event: name,
    outcome: 'success',
    actor: by,
    details: { kid, alg },
  });
  const removed = before.filter(({ kid }) => !after.some((key) => key.kid === kid));
  const changed = after.flatMap((key) => {
    const was = before.find(({ kid }) => kid === key.kid);
    const revoked = key.revokedAt !== null && was?.revokedAt === null;
    const retired = !revoked && key.privateKey === null && was !== undefined && was.privateKey !== null;
    return [
      ...(was === undefined ? [event('key_created', key)] : []),
      ...(key.retiredAt !== null && (was?.retiredAt ?? null) === null && !revoked ? [event('key_activated', key)] : []),
      ...(revoked ? [event('key_revoked', key)] : []),
      ...(retired ? [event('key_retired', key, 'server')] : []),
    ];
  });
  return [...changed, ...removed.map((key) => event('key_removed', key, 'server'))];
}
