import { isLoopbackName } from '../../kit/http/origin';
import { Problem } from '../../kit/http/problem';

/** Where a forwarded request goes: to the servers of its credential, or to an address of its own. */
export type Target =
  /** Behind the base URL of whichever server is chosen, the query included. */
  { readonly kind: 'servers'; readonly path: string } | { readonly kind: 'address'; readonly url: string };

/** What limits the targets of one credential. */
export interface Limits {
  /** Base URLs of the credential's servers, without a slash at the end. */
  readonly servers: readonly string[];
  /** `PROXY_TARGETS`: base URLs likewise; null: the servers. */
  readonly allowed: readonly string[] | null;
  /** True for an address of this very client. */
  readonly isSelf: (url: URL) => boolean;
}

/**
 * Reads what stands behind `/proxy/{credential}/`: a path, or a whole http(s) URL. What is checked is the URL as the request
 * will be sent with it, so that no spelling means one thing here and another one there.
 * @param rest as it came, percent-encoded, without the query
 * @param query with its question mark, or empty
 * @throws Problem 400 for what can be no target, 403 for one that is not allowed, 508 for this client itself
 */
export function readTarget(rest: string, query: string, { servers, allowed, isSelf }: Limits): Target {
  const may = createReach(allowed ?? servers);
  if (!/^[a-z][a-z0-9+.-]*:\/?\//i.test(rest)) {
    const path = `/${rest}${query}`;
    for (const base of servers) judge(readUrl(`${base}${path}`), may, isSelf);
    return { kind: 'servers', path };
  }
  const url = readUrl(`${rest}${query}`);
  judge(url, may, isSelf);
  const path = pathBelow(servers, url);
  const isServers = path !== null && servers.every((base) => may(new URL(`${base}${path}`)));
  return isServers ? { kind: 'servers', path } : { kind: 'address', url: url.href };
}

/** What stands behind the base URL of one of the servers, with the query; null for an address of somebody else. Any other server will do then. */
function pathBelow(servers: readonly string[], url: URL): string | null {
  const base = servers.find((server) => createReach([server])(url));
  return base === undefined
    ? null
    : `${url.pathname}${url.search}`.slice(new URL(base).pathname.replace(/\/$/, '').length);
}

/** True for the addresses below these base URLs, compared by origin and by whole segments of the path. */
function createReach(bases: readonly string[]): (url: URL) => boolean {
  const reaches = bases.map((base) => {
    const { origin, pathname } = new URL(base);
    return { origin, prefix: pathname.replace(/\/+$/, '') };
  });
  return (url) => reaches.some(({ origin, prefix }) => url.origin === origin && isBelow(url.pathname, prefix));
}

/** True when the client listens at this address: a port of its own under a name of this machine, or under the one it listens on. */
export function createIsSelf(host: string, port: () => number | null): (url: URL) => boolean {
  return ({ hostname, port: given, protocol }) => {
    const number = given === '' ? (protocol === 'https:' ? 443 : 80) : Number(given);
    return number === port() && (isLoopbackName(hostname) || hostname.replace(/^\[|\]$/g, '') === host);
  };
}

function judge(url: URL, may: (url: URL) => boolean, isSelf: (url: URL) => boolean): void {
  if (isSelf(url)) throw new Problem(508, 'Loop Detected', 'The target is this client itself.');
  if (may(url)) return;
  const detail =
    'This address is not below one of PROXY_TARGETS, which are the servers of the credential when it is not set.';
  throw new Problem(403, 'Forbidden', detail);
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw badTarget('What follows the credential is neither a path nor an http or https URL.');
  // They would take the place of the token, and stand in logs.
  if (url.username !== '' || url.password !== '') throw badTarget('A target has no user name and no password.');
  url.hash = '';
  return url;
}

function badTarget(detail: string): Problem {
  return new Problem(400, 'Bad Request', detail);
}

/** Times that a path is decoded: some servers decode what a proxy before them has decoded already. */
const READINGS_MAX = 5;

/**
 * Servers differ in what they make of `%2e`, `%2f`, `\`, `;` and empty segments, and some decode more than once. A path is
 * below a prefix only when it begins with it as it is written, and by none of these readings climbs out of it.
 */
function isBelow(pathname: string, prefix: string): boolean {
  if (prefix === '') return true;
  if (pathname !== prefix && !pathname.startsWith(`${prefix}/`)) return false;
  let rest = pathname.slice(prefix.length);
  for (let readings = 0; readings < READINGS_MAX; readings++) {
    if (climbsOut(rest)) return false;
    const decoded = decodeOnce(rest);
    if (decoded === rest) return true;
    rest = decoded;
  }
  return false;
}

/** Of the characters that matter here none is beyond ASCII; what else is encoded stays so. */
function decodeOnce(text: string): string {
  return text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** True when there are more ways up than down at some point, of every reading the one that gets lowest; or a control. */
function climbsOut(path: string): boolean {
  if (/\p{Cc}/u.test(path)) return true;
  let depth = 0;
  for (const segment of path.split(/[/\\]/)) {
    // Some servers take `..;x` for `..`, and `a//..` for `a/..`.
    const name = segment.replace(/;.*$/, '').trim();
    if (name === '..') depth--;
    else if (name !== '' && name !== '.') depth++;
    if (depth < 0) return true;
  }
  return false;
}
