import { createBoundedMap } from '../../kit/bounded-map';
import type { GivenJwk } from '../oauth/jwk';
import type { FetchJwks } from './jwks-fetch';

/** The keys that clients publish at their `jwks_uri` (RFC 7591 §2). */
export interface JwksSource {
  /** The keys, at most {@link FRESH_MS} old while the place answers; null: there are none to be had. */
  keys(clientId: string, uri: string): Promise<readonly GivenJwk[] | null>;
  /** Other keys than those that `keys` gave; null: there are none, or it was asked too short a time ago. */
  refetch(clientId: string, uri: string, seen: readonly GivenJwk[]): Promise<readonly GivenJwk[] | null>;
}

/** What the source stands on. */
export interface JwksSourceOptions {
  readonly fetchKeys: FetchJwks;
  /** Milliseconds on a clock that never steps: set back, another one would keep old keys for as long. */
  readonly elapsed: () => number;
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

/** Clients whose places are remembered; each may hold 64 KB, which a stranger chooses. */
const PLACES_MAX = 256;

/** Fetches at the same time: whoever publishes keys slowly must not keep more than so many look-ups and connections open here. */
const FETCHES_MAX = 32;

/** Of these, so many of one client: the place it names now, and one it named a moment ago. Nobody can fill them all alone. */
const FETCHES_OF_CLIENT_MAX = 2;

interface Place {
  readonly uri: string;
  keys: readonly GivenJwk[] | null;
  fetchedAtMs: number;
  askedAtMs: number;
  refetchedAtMs: number;
  underWay: Promise<void> | null;
}

/** A source that asks each place at most once at a time, and remembers what it said. A client has one place, the last it named. */
export function createJwksSource({ fetchKeys, elapsed, failed }: JwksSourceOptions): JwksSource {
  const places = createBoundedMap<string, Place>(PLACES_MAX);
  const fetches = createSlots();

  const placeOf = (clientId: string, uri: string): Place => {
    const known = places.get(clientId);
    const place = known?.uri === uri ? known : newPlace(uri);
    // Behind all others, so that places named once cannot push out those in use.
    places.set(clientId, place);
    return place;
  };
  const ask = async (clientId: string, place: Place): Promise<void> => {
    place.askedAtMs = elapsed();
    const { keys, over } = fetchKeys(place.uri);
    fetches.takeUntil(over, clientId);
    try {
      place.keys = await keys;
      place.fetchedAtMs = elapsed();
    } catch (error) {
      failed(place.uri, error);
    }
  };
  const fetchOnce = (clientId: string, place: Place): Promise<void> => {
    if (place.underWay !== null) return place.underWay;
    if (fetches.areTaken(clientId)) {
      failed(place.uri, new Error('too many places are being asked already'));
      return Promise.resolve();
    }
    place.underWay = ask(clientId, place).finally(() => {
      place.underWay = null;
    });
    return place.underWay;
  };

  return {
    keys: async (clientId, uri) => {
      const place = placeOf(clientId, uri);
      const isFresh = place.keys !== null && elapsed() - place.fetchedAtMs < FRESH_MS;
      const mayAsk = place.underWay !== null || elapsed() - place.askedAtMs >= RETRY_MS;
      if (!isFresh && mayAsk) await fetchOnce(clientId, place);
      return elapsed() - place.fetchedAtMs < STALE_MS ? place.keys : null;
    },
    refetch: async (clientId, uri, seen) => {
      const place = placeOf(clientId, uri);
      // Somebody else has fetched them since.
      if (place.keys !== null && place.keys !== seen) return place.keys;
      const before = place.fetchedAtMs;
      const isTooSoon = elapsed() - place.refetchedAtMs < REFETCH_MS || elapsed() - place.askedAtMs < JUST_ASKED_MS;
      if (place.underWay === null && isTooSoon) return null;
      place.refetchedAtMs = elapsed();
      await fetchOnce(clientId, place);
      return place.fetchedAtMs > before ? place.keys : null;
    },
  };
}

function newPlace(uri: string): Place {
  const never = Number.NEGATIVE_INFINITY;
  return { uri, keys: null, fetchedAtMs: never, askedAtMs: never, refetchedAtMs: never, underWay: null };
}

/** Counts the fetches of all, and of each client. */
function createSlots() {
  const taken = new Map<string, number>();
  let all = 0;
  const add = (clientId: string, count: 1 | -1): void => {
    all += count;
    const own = (taken.get(clientId) ?? 0) + count;
    if (own === 0) taken.delete(clientId);
    else taken.set(clientId, own);
  };
  return {
    areTaken: (clientId: string): boolean => all >= FETCHES_MAX || (taken.get(clientId) ?? 0) >= FETCHES_OF_CLIENT_MAX,
    takeUntil: (over: Promise<void>, clientId: string): void => {
      add(clientId, 1);
      void over.then(() => add(clientId, -1));
    },
  };
}
