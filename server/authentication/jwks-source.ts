import type { GivenJwk } from './assertion-keys';
import type { FetchJwks } from './jwks-fetch';

/** The keys that clients publish at their `jwks_uri` (RFC 7591 §2). */
export interface JwksSource {
  /** The keys, at most {@link FRESH_MS} old while the place answers; null: there are none to be had. */
  keys(uri: string): Promise<readonly GivenJwk[] | null>;
  /** Newer keys than `keys` gave; null: there are none, or it was asked too short a time ago. */
  refetch(uri: string): Promise<readonly GivenJwk[] | null>;
}

/** What the source stands on. */
export interface JwksSourceOptions {
  readonly fetchKeys: FetchJwks;
  readonly now: () => number;
  /** Is told why a place did not give its keys. */
  readonly failed: (uri: string, error: unknown) => void;
}

/** Keys are used this long without asking again. */
const FRESH_MS = 5 * 60_000;

/** While the place does not answer, keys are used this long: an outage of it must not be one of the client. */
const STALE_MS = 60 * 60_000;

/** An unknown key id makes us ask again at most this often, so that nobody can make us flood a stranger. */
const REFETCH_MS = 30_000;

/** What came a moment ago is not out of date. */
const JUST_ASKED_MS = 1_000;

/** After a failure it is asked again only then; every request of the client would wait for it otherwise. */
const RETRY_MS = 10_000;

/** Places remembered; each may hold 64 KB, which a stranger chooses. */
const PLACES_MAX = 256;

/** Fetches at the same time: whoever publishes keys slowly must not keep more than so many look-ups and connections open here. */
const FETCHES_MAX = 32;

interface Place {
  keys: readonly GivenJwk[] | null;
  fetchedAtMs: number;
  askedAtMs: number;
  refetchedAtMs: number;
  underWay: Promise<void> | null;
}

/** A source that asks each place at most once at a time, and remembers what it said. */
export function createJwksSource({ fetchKeys, now, failed }: JwksSourceOptions): JwksSource {
  const places = new Map<string, Place>();
  let fetches = 0;

  const placeOf = (uri: string): Place => {
    const known = places.get(uri);
    if (known !== undefined) {
      // Behind all others, so that places named once cannot push out those in use.
      places.delete(uri);
      places.set(uri, known);
      return known;
    }
    const oldest = places.keys().next();
    if (places.size >= PLACES_MAX && !oldest.done) places.delete(oldest.value);
    const never = Number.NEGATIVE_INFINITY;
    const place: Place = { keys: null, fetchedAtMs: never, askedAtMs: never, refetchedAtMs: never, underWay: null };
    places.set(uri, place);
    return place;
  };
  const ask = async (uri: string, place: Place): Promise<void> => {
    place.askedAtMs = now();
    fetches += 1;
    const { keys, over } = fetchKeys(uri);
    void over.then(() => {
      fetches -= 1;
    });
    try {
      place.keys = await keys;
      place.fetchedAtMs = now();
    } catch (error) {
      failed(uri, error);
    }
  };
  const fetchOnce = (uri: string, place: Place): Promise<void> => {
    if (place.underWay !== null) return place.underWay;
    if (fetches >= FETCHES_MAX) {
      failed(uri, new Error(`${FETCHES_MAX} places are being asked already`));
      return Promise.resolve();
    }
    place.underWay = ask(uri, place).finally(() => {
      place.underWay = null;
    });
    return place.underWay;
  };

  return {
    keys: async (uri) => {
      const place = placeOf(uri);
      const isFresh = place.keys !== null && now() - place.fetchedAtMs < FRESH_MS;
      if (!isFresh && (place.underWay !== null || now() - place.askedAtMs >= RETRY_MS)) await fetchOnce(uri, place);
      return now() - place.fetchedAtMs < STALE_MS ? place.keys : null;
    },
    refetch: async (uri) => {
      const place = placeOf(uri);
      const before = place.fetchedAtMs;
      const isTooSoon = now() - place.refetchedAtMs < REFETCH_MS || now() - place.askedAtMs < JUST_ASKED_MS;
      if (place.underWay === null && isTooSoon) return null;
      place.refetchedAtMs = now();
      await fetchOnce(uri, place);
      return place.fetchedAtMs > before ? place.keys : null;
    },
  };
}
