/** Who may use the client: this machine while it listens on loopback without a password, else whoever knows the password. Apart from what is guarded, so that no route can forget to ask. */
import { isForwarded, isFromThisMachine } from '../../kit/http/local';
import type { ApiDescription } from '../../kit/http/openapi';
import { Problem } from '../../kit/http/problem';
import { receivedOf } from '../../kit/http/received';
import { comesFromAPage, createSameOrigin, isSafe } from '../../kit/http/same-origin';
import { createSessionCookie, type SessionCookie } from '../../kit/http/session-cookie';
import { pathOf } from '../../kit/http/url-path';
import type { Log } from '../../kit/logs';
import { sameText } from '../../kit/same-text';
import { createAttempts } from './attempts';
import { isOpen, usesTokens } from './paths';
import { ABSOLUTE_MS, createSessions, type SessionsDeps } from './sessions';

/** The name of the cookie of a signed-in browser. */
const COOKIE = 'crypto_client_session';

/** What signing in came to: the cookie to set (none where no password is needed), or why not. */
export type SignedIn = { readonly cookie: string | null } | Problem;

/** Stands before every route. */
export interface Access {
  /** False: whoever reaches the client may use it. */
  readonly required: boolean;
  /** What a document says of it (OpenAPI 3.1 §4.8.27). */
  readonly described: Pick<ApiDescription, 'securitySchemes' | 'security'>;
  /** Why the request may not go on (401, 403, 429), or null. */
  refusal(request: Request): Problem | null;
  /** True for a request that {@link Access.refusal} let pass for its password or its session. */
  isAdmitted(request: Request): boolean;
  /** True when the request could use what is guarded. */
  isSignedIn(request: Request): boolean;
  /** Opens a session for who knows the password. */
  signIn(request: Request, password: string): SignedIn;
  /** Ends the session of the request. @returns the cookie to set. @throws Problem 403 */
  signOut(request: Request): string;
  /** Calls `ended` once when the session that the request came with ends; never for a request without one. @returns how to stop watching. */
  watch(request: Request, ended: () => void): () => void;
  /** Ends all sessions, at the stop. */
  close(): void;
}

/** What {@link createAccess} needs. */
export interface AccessDeps extends SessionsDeps {
  readonly loopback: boolean;
  /** Null: none is needed, which only a client on loopback can have. */
  readonly password: string | null;
  /** The peer of a connection; empty when it is not known. */
  readonly addressOf: (received: Request) => string;
  readonly log: Log;
}

/** The rule of this client. @throws Error for a client that the network can reach and that has no password. */
export function createAccess(deps: AccessDeps): Access {
  const { password, loopback } = deps;
  if (password !== null) return guarded(password, deps);
  if (!loopback) throw new Error('Beyond loopback a password is needed.');
  return {
    required: false,
    described: { securitySchemes: {} },
    // A proxy on this machine would hand live tokens to whoever can reach it.
    refusal: (request) => (isDelicate(request) && isForwarded(request.headers) ? notThroughProxy() : null),
    isAdmitted: () => false,
    isSignedIn: () => true,
    signIn: () => ({ cookie: null }),
    signOut: () => plainCookie.clear(),
    watch: () => () => {},
    close: () => {},
  };
}

function guarded(password: string, { addressOf, log, ...deps }: AccessDeps): Access {
  const sessions = createSessions(deps);
  const attempts = createAttempts(deps.clock);
  const admitted = new WeakSet<Request>();

  const check = (given: string, request: Request): Problem | null => {
    const address = addressOf(receivedOf(request));
    const refusal = attempts.refusal(address);
    if (refusal !== null) return refusal;
    if (sameText(given, password)) return null;
    attempts.count(address);
    log.warn('sign_in_failed', { 'source.address': address });
    return unauthorized('The password is wrong.');
  };
  const judge = (request: Request): Problem | null => {
    const { headers } = request;
    const authorization = headers.get('authorization');
    if (authorization !== null) {
      // Before the password is looked at: another site must not use up the attempts of who visits it.
      if (comesFromAPage(headers) && !isByOwnPage(request)) return foreignSite();
      const given = passwordIn(authorization);
      return given === null ? unauthorized(NEEDED) : check(given, request);
    }
    const id = plainCookie.read(headers);
    if (id === null) return unauthorized(NEEDED);
    if (!sessions.isLive(id)) return unauthorized('The session has ended: sign in again.');
    return isByOwnPage(request) ? null : foreignSite();
  };
  const refusal = (request: Request): Problem | null => {
    const path = pathOf(request.url);
    if (isOpen(path)) return null;
    if (path === '/metrics' && isFromThisMachine(addressOf(receivedOf(request)), request.headers)) return null;
    const refused = judge(request);
    if (refused === null) admitted.add(receivedOf(request));
    return refused;
  };
  return {
    required: true,
    described: DESCRIBED,
    refusal,
    isAdmitted: (request) => admitted.has(receivedOf(request)),
    isSignedIn: (request) => judge(request) === null,
    signIn: (request, given) => {
      // Another site must not sign anybody in either.
      if (comesFromAPage(request.headers) && !isSameOrigin(request)) return foreignSite();
      const wrong = check(given, request);
      if (wrong !== null) return wrong;
      // A new id for every sign-in: one that somebody else knew before is worth nothing.
      const id = sessions.open(plainCookie.read(request.headers));
      return { cookie: cookieFor(request).set(id, ABSOLUTE_MS / 1000) };
    },
    signOut: (request) => {
      const id = plainCookie.read(request.headers);
      if (id !== null && !isSameOrigin(request)) throw foreignSite();
      if (id !== null) sessions.close(id);
      return cookieFor(request).clear();
    },
    watch: (request, ended) => {
      const id = request.headers.has('authorization') ? null : plainCookie.read(request.headers);
      return id === null ? () => {} : sessions.watch(id, ended);
    },
    close: sessions.closeAll,
  };
}

const DESCRIBED = {
  securitySchemes: {
    password: { type: 'http', scheme: 'basic', description: 'Any name, and the password of the dashboard.' },
    session: { type: 'apiKey', in: 'cookie', name: COOKIE, description: 'What signing in on the page sets.' },
  },
  security: [{ password: [] }, { session: [] }],
};

const isSameOrigin = createSameOrigin([]);

const NEEDED =
  'Sign in on the page at /, or send the password of the dashboard by HTTP Basic (any name): see DASHBOARD_PASSWORD.';

const plainCookie = createSessionCookie({ name: COOKIE, path: '/', secure: false });
const secureCookie = createSessionCookie({ name: COOKIE, path: '/', secure: true });

/** Where a proxy in front has ended https, a browser says by the Origin of what it posts that it came so. */
function cookieFor({ url, headers }: Request): SessionCookie {
  return url.startsWith('https:') || headers.get('origin')?.startsWith('https:') ? secureCookie : plainCookie;
}

/** True for what hands out tokens or changes something. */
function isDelicate(request: Request): boolean {
  return !isSafe(request) || usesTokens(pathOf(request.url));
}

/**
 * True for what a page of this client sent, and for what a person typed where nothing delicate comes of it. Other ports of
 * the same machine are the same site to a browser, which sends them the cookie.
 */
function isByOwnPage(request: Request): boolean {
  if (isSameOrigin(request)) return true;
  return !isDelicate(request) && request.headers.get('sec-fetch-site') === 'none';
}

/** The password of HTTP Basic (RFC 7617), whatever the name; null for what is none. */
function passwordIn(authorization: string): string | null {
  const [, pair] = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization) ?? [];
  if (pair === undefined) return null;
  const text = Buffer.from(pair, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : text.slice(colon + 1);
}

/** A 401 names a scheme (RFC 9110 §15.5.2); one of its own keeps browsers from asking for a password where the page does. */
function unauthorized(detail: string): Problem {
  return new Problem(401, 'Unauthorized', detail, { 'www-authenticate': 'DashboardPassword realm="crypto-client"' });
}

/** 403 for what a page of another site may have sent. */
function foreignSite(): Problem {
  return new Problem(403, 'Forbidden', 'Only the pages of this client may ask for this; this request is not theirs.');
}

/** What a proxy on this machine is told where there is no password. */
function notThroughProxy(): Problem {
  const detail =
    'Tokens and changes are not to be had through a proxy while there is no password: ask the client directly, on its own machine, or set DASHBOARD_PASSWORD.';
  return new Problem(403, 'Forbidden', detail);
}
