/** What a loopback-bound server knows of its own names. */
export interface Names {
  /** Base URLs by which callers may reach it beyond the loopback names: `ISSUER`, `PUBLIC_URLS`. */
  readonly urls: readonly string[];
}

/**
 * The rule that keeps web pages away from a server on loopback (DNS rebinding, cross-site requests): the `Host` must be
 * a loopback name or one of our own, the `Origin` our own, and `Sec-Fetch-Site` `none` or `same-origin`.
 * @returns why the request is refused, or null when it may pass.
 */
export function createOriginRule(names: Names): (headers: Headers) => string | null {
  const own = names.urls.map((url) => new URL(url));
  const ownHosts = new Set(own.map((url) => url.hostname));
  const ownOrigins = new Set(own.map((url) => url.origin));
  // Nearly every request names one of a handful of hosts, so each spelling is judged once.
  const judged = new Map<string, boolean>();
  const known = (host: string): boolean => {
    const before = judged.get(host);
    if (before !== undefined) return before;
    const name = hostname(host);
    const answer = name !== null && (isLoopbackName(name) || ownHosts.has(name));
    if (judged.size < JUDGED_HOSTS_MAX) judged.set(host, answer);
    return answer;
  };
  return (headers) => {
    const host = headers.get('host');
    if (host === null || !known(host))
      return 'The Host header names neither this machine nor a public URL of this server.';
    const site = headers.get('sec-fetch-site');
    if (site !== null && site !== 'none' && site !== 'same-origin')
      return 'Requests from other sites are not answered.';
    const origin = headers.get('origin');
    if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}` && !ownOrigins.has(origin)) {
      return 'The Origin header names another site.';
    }
    return null;
  };
}

/** Hosts that are remembered: a caller who varies the header must not grow the memory. */
const JUDGED_HOSTS_MAX = 64;

/** True for `localhost`, names below it, 127.0.0.0/8 and [::1] (RFC 6761 §6.3, RFC 5735 §3). */
export function isLoopbackName(name: string): boolean {
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    name === '::1' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
  );
}

/** True for a `Host` header that names this machine's loopback, with or without a port. */
export function isLoopbackHost(host: string): boolean {
  const name = hostname(host);
  return name !== null && isLoopbackName(name);
}

/** `Host` header → host name in lower case, or null when it is not one. */
function hostname(host: string): string | null {
  if (!/^[A-Za-z0-9.:[\]_-]+$/.test(host)) return null;
  return URL.canParse(`http://${host}/`) ? new URL(`http://${host}/`).hostname : null;
}
