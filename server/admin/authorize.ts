import { Problem } from '../../kit/http/problem';
import { isSafe } from '../../kit/http/same-origin';
import type { SessionCookie } from '../../kit/http/session-cookie';
import { sameText } from '../../kit/same-text';
import { challengeOf } from '../oauth/bearer';
import type { Tell } from '../oauth/event';
import { hasParameter, queryOf } from '../oauth/query';
import type { Session, Sessions } from './sessions';

/** Who acts as the administrator, and how that is known. */
export interface Actor {
  readonly kind: 'secret' | 'token' | 'session';
  /** For the audit trail: `admin` by the secret, `console` by a session, or the client id of the token. */
  readonly name: string;
  /** Headers of the answer: what is left of the token's limit, the nonce of its next proof. */
  readonly headers: Readonly<Record<string, string>>;
  /** The session, where it is one. */
  readonly session: Session | null;
}

/** The administrator, as far as others need to know. */
export type Administrator = Pick<Actor, 'name' | 'headers'>;

/** Slows down who guesses. */
export interface FailedAttempts {
  /** @throws Problem 429 while this address has failed too often as this client. */
  check(client: string, address: () => string): void;
  /** Asks again after what was right. @throws Problem 429. */
  confirm(client: string, address: () => string): void | Promise<void>;
  /** Counts one failure. @throws Problem 429 when it was one too many. */
  count(client: string, address: () => string): void | Promise<void>;
}

/** An access token of an administrator. */
export interface AdminToken {
  readonly clientId: string;
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What authorization stands on. */
export interface AuthorizeOptions {
  readonly adminSecret: string;
  readonly sessions: Sessions;
  readonly cookie: SessionCookie;
  readonly isSameOrigin: (request: Request) => boolean;
  /** Whose access token, with scope `admin` for this API, the request brings; or the refusal, which has been told. @throws Problem 429, 503 */
  readonly adminToken: (request: Request) => Promise<AdminToken | Problem>;
  readonly failed: FailedAttempts;
  readonly addressOf: (request: Request) => string;
  readonly tell: Tell;
}

/** Knows the administrator. */
export interface Authorization {
  /** The administrator who asks. @throws Problem 401 with a challenge, 403 for what another site may have caused, 429. */
  authorize(request: Request): Promise<Actor>;
  /**
   * The administrator, at routes that others use too; null when the request does not show that it is his.
   * @throws Problem 429; 401 or 403 with a challenge for a DPoP-bound token that is not good: nobody else brings one here.
   */
  administratorOf(request: Request): Promise<Administrator | null>;
  /** True for the admin secret; a failure is counted and told as `event`. @throws Problem 429. */
  checkSecret(given: string, event: 'admin_access' | 'admin_sign_in', request: Request): Promise<boolean>;
}

/** The name under which failures of the administrator are counted. */
const COUNTED_AS = 'admin';

type Reason = 'credentials_missing' | 'admin_secret_wrong' | 'session_ended' | 'foreign_site' | 'csrf_token_wrong';

const NO_HEADERS = {};

/** The ways in, each asked only when its credential is there: the first one decides. */
export function createAuthorization(options: AuthorizeOptions): Authorization {
  const { adminSecret, sessions, cookie, isSameOrigin, adminToken, failed, addressOf, tell } = options;

  const checkSecret: Authorization['checkSecret'] = async (given, event, request) => {
    const address = (): string => addressOf(request);
    failed.check(COUNTED_AS, address);
    const isRight = sameText(given, adminSecret);
    await (isRight ? failed.confirm(COUNTED_AS, address) : failed.count(COUNTED_AS, address));
    if (isRight) return true;
    void tell({ event, outcome: 'failure', reason: 'admin_secret_wrong' }, request);
    return false;
  };
  const ofSession = async (id: string, request: Request): Promise<Actor | Reason> => {
    if (!isSameOrigin(request)) return 'foreign_site';
    const session = await sessions.find(id);
    if (session === null) return 'session_ended';
    if (!isSafe(request) && !sessions.isToken(session, request.headers.get('x-csrf-token') ?? ''))
      return 'csrf_token_wrong';
    return { kind: 'session', name: 'console', headers: NO_HEADERS, session };
  };
  const judge = async (request: Request): Promise<Actor | Reason | Problem> => {
    const { headers } = request;
    const secret = headers.get('x-admin-secret');
    if (secret !== null)
      return (await checkSecret(secret, 'admin_access', request))
        ? { kind: 'secret', name: 'admin', headers: NO_HEADERS, session: null }
        : 'admin_secret_wrong';
    // A token in the query string is refused as one (RFC 6750 §2), and not taken for nothing.
    if (headers.has('authorization') || hasParameter(queryOf(request.url), 'access_token')) {
      const token = await adminToken(request);
      return token instanceof Problem
        ? token
        : { kind: 'token', name: token.clientId, headers: token.headers, session: null };
    }
    const id = cookie.read(headers);
    return id === null ? 'credentials_missing' : ofSession(id, request);
  };

  return {
    authorize: async (request) => {
      const judged = await judge(request);
      if (judged instanceof Problem) throw judged;
      if (typeof judged !== 'string') return judged;
      // A wrong secret has been told where it was counted.
      if (judged !== 'admin_secret_wrong')
        void tell({ event: 'admin_access', outcome: 'failure', reason: judged }, request);
      throw refusal(judged);
    },
    administratorOf: async (request) => {
      const { headers } = request;
      // Others bring credentials of their own to these routes; only what can be an access token is looked at as one.
      const ofOthers = !headers.has('x-admin-secret') && headers.has('authorization') && !bringsToken(headers);
      if (ofOthers) return null;
      const judged = await judge(request);
      // Nobody else brings a proof: who does must hear of the nonce that it lacks (RFC 9449 §9).
      if (judged instanceof Problem && /^dpop /i.test(headers.get('authorization') ?? '')) throw judged;
      return judged instanceof Problem || typeof judged === 'string' ? null : judged;
    },
    checkSecret,
  };
}

/** A JWS in compact form (RFC 7515 §7.1); registration access tokens have no dots. */
function bringsToken(headers: Headers): boolean {
  return /^(?:bearer|dpop) +[\w-]+\.[\w-]+\.[\w-]+ *$/i.test(headers.get('authorization') ?? '');
}

function refusal(reason: Reason): Problem {
  switch (reason) {
    case 'foreign_site':
      return foreignSite();
    case 'csrf_token_wrong':
      return new Problem(403, 'Forbidden', 'The X-CSRF-Token header must hold the csrf_token of the session.');
    case 'session_ended':
      return unauthorized('The session has ended; sign in again.');
    case 'admin_secret_wrong':
      return unauthorized('The admin secret is wrong.');
    case 'credentials_missing':
      return unauthorized(
        'This is for the administrator: send X-Admin-Secret, an access token with the scope admin, or sign in.',
      );
  }
}

/** A 401 names a scheme by which one may come in (RFC 9110 §15.5.2). */
export function unauthorized(detail: string, error: { error?: string } = {}): Problem {
  const challenge = challengeOf('Bearer', { realm: 'crypto-server', scope: 'admin', ...error });
  return new Problem(401, 'Unauthorized', detail, { 'www-authenticate': challenge });
}

/** 403 for what a page of another site may have sent. */
export function foreignSite(): Problem {
  const detail = 'Sessions of the console are for its own pages; this request is not theirs.';
  return new Problem(403, 'Forbidden', detail);
}
