import { request } from 'node:https';
import { isIP } from 'node:net';
import type { GivenJwk } from '../oauth/jwk';
import { isHostAddress, isPublicAddress } from './public-address';

/** Name → its addresses. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/**
 * Looks a name up in the hosts file and at the name servers, without a thread of the pool: the system's resolver holds one
 * for as long as a name server is silent, and secrets are hashed there too. The look-up of a silent name ends after half a
 * minute, and cannot be stopped. @throws Error when the name has no address.
 */
export const lookUp: Resolve = async (hostname) => {
  const found = await Bun.dns.lookup(hostname, { backend: 'c-ares' });
  return found.map(({ address }) => address);
};

/** What a fetch needs to know. */
export interface JwksFetchOptions {
  readonly resolve: Resolve;
  /** Lets a URL lead into private networks. */
  readonly allowPrivate: boolean;
  /** Certificates (PEM) to trust instead of the system's; null: the system's. */
  readonly authorities: string | null;
}

/** A set of keys is some KB; more is something else. */
const BODY_BYTES_MAX = 64 * 1024;

/** In total, from the name to the last byte: a client waits for it. */
const TIMEOUT_MS = 3_000;

/** Tried one after another, within the same time. */
const ADDRESSES_MAX = 4;

/** More keys than any rotation needs. */
const KEYS_MAX = 64;

/** A URL that nobody may be sent to, or an answer that is no set of keys. The message is for the operator. */
export class JwksFault extends Error {
  override readonly name = 'JwksFault';
}

/** A fetch that has begun. */
export interface JwksFetching {
  /** What comes of it, within 3 s. @throws JwksFault */
  readonly keys: Promise<readonly GivenJwk[]>;
  /** Resolves when nothing of it is left. That may be later: a look-up of a name goes on when nobody waits for it. */
  readonly over: Promise<void>;
}

/** Begins to fetch a JWK Set. */
export type FetchJwks = (uri: string) => JwksFetching;

/**
 * Fetches a JWK Set (RFC 7517 §5) from a URL that a stranger chose: https only, no redirect, every address of the name
 * checked, and the connection made to the address that was checked.
 */
export function createJwksFetch(options: JwksFetchOptions): FetchJwks {
  return (uri) => {
    const late = Promise.withResolvers<never>();
    const ended = new AbortController();
    const timer = setTimeout(() => {
      late.reject(new JwksFault(`no answer within ${TIMEOUT_MS / 1000} s`));
      ended.abort();
    }, TIMEOUT_MS);
    const fetched = fetchKeys(uri, options, ended.signal);
    const keys = Promise.race([fetched, late.promise])
      .catch((error: unknown) => {
        throw error instanceof JwksFault ? error : new JwksFault(error instanceof Error ? error.message : 'failed');
      })
      .finally(() => clearTimeout(timer));
    return { keys, over: settled(fetched) };
  };
}

function settled(work: Promise<unknown>): Promise<void> {
  return work.then(
    () => undefined,
    () => undefined,
  );
}

async function fetchKeys(uri: string, options: JwksFetchOptions, signal: AbortSignal): Promise<readonly GivenJwk[]> {
  const url = URL.canParse(uri) ? new URL(uri) : null;
  if (url === null || url.protocol !== 'https:') throw new JwksFault('not an https URL');
  if (url.username + url.password !== '') throw new JwksFault('a URL with credentials');
  const addresses = await checkedAddresses(url.hostname.replace(/^\[|\]$/g, ''), options);
  signal.throwIfAborted();
  return readKeys(await get(url, addresses, options.authorities, signal));
}

/** One address that is not allowed spoils them all: it is not by chance that it stands there. */
async function checkedAddresses(
  hostname: string,
  { resolve, allowPrivate }: JwksFetchOptions,
): Promise<readonly string[]> {
  const addresses = isIP(hostname) === 0 ? await resolve(hostname) : [hostname];
  const isAllowed = allowPrivate ? isHostAddress : isPublicAddress;
  if (addresses.length === 0) throw new JwksFault('the name has no address');
  if (!addresses.every(isAllowed)) throw new JwksFault('the name leads to an address that is not public');
  return addresses;
}

function get(url: URL, addresses: readonly string[], authorities: string | null, signal: AbortSignal): Promise<string> {
  const answered = Promise.withResolvers<string>();
  const checked = addresses.slice(0, ADDRESSES_MAX).map((address) => ({ address, family: isIP(address) }));
  const sent = request(
    url,
    {
      // A connection that was opened for someone else leads to an address that was not checked here.
      agent: false,
      signal,
      headers: { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' },
      ...(authorities === null ? {} : { ca: authorities }),
      lookup: (_hostname, { all }, found) => {
        if (all) found(null, checked);
        else found(null, checked[0]?.address ?? '', checked[0]?.family);
      },
    },
    (answer) => {
      const fail = (what: string): void => {
        answered.reject(new JwksFault(what));
        sent.destroy();
      };
      if (answer.statusCode !== 200) return fail(`answered ${answer.statusCode}`);
      if (!/^application\/(?:[\w.-]+\+)?json *(?:;|$)/i.test(answer.headers['content-type'] ?? '')) {
        return fail('answered with something else than JSON');
      }
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > BODY_BYTES_MAX) fail(`answered with more than ${BODY_BYTES_MAX} bytes`);
        else chunks.push(chunk);
      });
      answer.on('error', answered.reject);
      answer.on('end', () => answered.resolve(Buffer.concat(chunks).toString('utf8')));
    },
  );
  sent.on('error', answered.reject);
  sent.end();
  return answered.promise;
}

function readKeys(text: string): readonly GivenJwk[] {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    throw new JwksFault('answered with broken JSON');
  }
  const keys = isObject(set) ? set['keys'] : null;
  if (!Array.isArray(keys)) throw new JwksFault('answered with something else than a JWK Set');
  return keys.filter(isObject).slice(0, KEYS_MAX);
}

function isObject(value: unknown): value is GivenJwk {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
