/** Methods that change nothing (RFC 9110 §9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** True for a request that only reads. */
export function isSafe(request: Request): boolean {
  return SAFE.has(request.method);
}

/**
 * Whether a page of this very server sent the request. A browser says so in `Sec-Fetch-Site`; one that does not, over plain
 * http, names the `Origin` of everything that is no mere reading. A reading without both is let through: the cookie is
 * `SameSite=Strict`, and no other site could see the answer.
 */
export function createSameOrigin(urls: readonly string[]): (request: Request) => boolean {
  const own = new Set(urls.map((url) => new URL(url).origin));
  return (request) => {
    const { headers } = request;
    const site = headers.get('sec-fetch-site');
    if (site !== null) return site === 'same-origin';
    const origin = headers.get('origin');
    if (origin === null) return isSafe(request);
    const host = headers.get('host');
    return own.has(origin) || origin === `http://${host}` || origin === `https://${host}`;
  };
}

/** True when a browser says from where its page sent the request. Programs that are none send neither header. */
export function comesFromAPage(headers: Headers): boolean {
  return headers.has('origin') || headers.has('sec-fetch-site');
}
