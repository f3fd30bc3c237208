/** The cookie of a console session: its name, how it is read from a request, and how it is set. */
export interface SessionCookie {
  /** The session id that the request brings, or null. */
  read(headers: Headers): string | null;
  /** `Set-Cookie` for this id, for so many seconds. */
  set(id: string, maxAgeSeconds: number): string;
  /** `Set-Cookie` that takes it away. */
  clear(): string;
}

/**
 * `HttpOnly` and `SameSite=Strict`, on the API's paths alone; where the console is reached over https, `Secure` and with the
 * prefix by which a browser lets no plain site set it (RFC 6265bis §4.1.3.1). `__Host-` would ask for the path `/`.
 */
export function createSessionCookie(issuer: string): SessionCookie {
  const secure = issuer.startsWith('https:');
  const name = secure ? '__Secure-crypto-server-session' : 'crypto-server-session';
  const attributes = `Path=/api; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
  const prefix = `${name}=`;
  return {
    read: (headers) => {
      const pairs = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
      return pairs.find((pair) => pair.startsWith(prefix))?.slice(prefix.length) ?? null;
    },
    set: (id, maxAgeSeconds) => `${prefix}${id}; ${attributes}; Max-Age=${maxAgeSeconds}`,
    clear: () => `${prefix}; ${attributes}; Max-Age=0`,
  };
}
