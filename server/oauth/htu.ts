/** Which URIs mean a request to this server (RFC 9449 §4.3): compared as RFC 3986 has it, not as browsers repair them. */

/** True for a URI that means `path` at one of our URLs; see {@link createTargets}. */
export type IsTarget = (path: string) => (htu: string) => boolean;

/** The names that a machine has for itself. */
const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/** One character of a path (`pchar`, RFC 3986 §3.3). */
const PCHAR = "(?:[\\w.~!$&'()*+,;=:@-]|%[\\da-f]{2})";

/** `http://host:port/path?query#fragment` (RFC 3986 §3, RFC 9110 §4.2), without a user. */
const HTTP_URI = new RegExp(
  `^(https?)://([\\w.~-]+|\\[[\\d:.a-f]+\\])(?::(\\d*))?((?:/${PCHAR}*)*)(?:\\?(?:${PCHAR}|[/?])*)?(?:#(?:${PCHAR}|[/?])*)?$`,
  'i',
);

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/**
 * Compares `htu` with a path below the base URLs by which we are known, both normalised (RFC 3986 §6.2.2.1, §6.2.2.2,
 * §6.2.3): letter case of scheme and host, escapes that need not be, default port; query and fragment are left aside
 * (RFC 9449 §4.3). What is no such URI, or has a detour in it, means nothing. A base URL on a loopback name stands for all
 * three of them.
 */
export function createTargets(urls: readonly string[]): IsTarget {
  const bases = new Set(urls.flatMap(namesOf).flatMap((url) => normalise(url)?.replace(/\/$/, '') ?? []));
  return (path) => {
    const wanted = normalisePath(path);
    return (htu) => {
      const given = normalise(htu);
      return given?.endsWith(wanted) === true && bases.has(given.slice(0, given.length - wanted.length));
    };
  };
}

function namesOf(base: string): string[] {
  const url = new URL(base);
  if (!LOOPBACK_HOSTS.includes(url.hostname)) return [url.href];
  return LOOPBACK_HOSTS.map((host) => `${url.protocol}//${host}${url.port && `:${url.port}`}${url.pathname}`);
}

function normalise(uri: string): string | null {
  const [, written, host, port = '', path = ''] = HTTP_URI.exec(uri) ?? [];
  if (written === undefined || host === undefined) return null;
  const scheme = written.toLowerCase();
  const shownPort = port === '' || port === DEFAULT_PORTS[scheme] ? '' : `:${port}`;
  return `${scheme}://${host.toLowerCase()}${shownPort}${normalisePath(path)}`;
}

/** Letters, digits and `-._~` mean the same with and without an escape; other escapes are written in capitals. */
function normalisePath(path: string): string {
  const plain = path.replace(/%[\da-f]{2}/gi, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escaped.toUpperCase();
  });
  return plain === '' ? '/' : plain;
}
