/** The cookie of a session: how it is read from a request, and how it is set. */
export interface SessionCookie {
  /** The session id that the request brings, or null. */
  read(headers: Headers): string | null;
  /** `Set-Cookie` for this id, for so many seconds. */
  set(id: string, maxAgeSeconds: number): string;
  /** `Set-Cookie` that takes it away. */
  clear(): string;
}

/** What a browser is told of the cookie. */
export interface SessionCookieOptions {
  readonly name: string;
  /** It is sent to the paths below this one alone. */
  readonly path: string;
  /** True: over https alone. */
  readonly secure: boolean;
}

/** A cookie that scripts cannot read and other sites cannot use (`HttpOnly`, `SameSite=Strict`; RFC 6265bis §4.1.2). */
export function createSessionCookie({ name, path, secure }: SessionCookieOptions): SessionCookie {
  const attributes = `Path=${path}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
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
