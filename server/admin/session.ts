import { Elysia } from 'elysia';
import { readJsonObject } from '../../kit/http/json';
import { comesFromAPage } from '../../kit/http/same-origin';
import type { SessionCookie } from '../../kit/http/session-cookie';
import type { AuthMethod } from '../oauth/client';
import type { Tell } from '../oauth/event';
import { type Access, done, reply } from './access';
import { type Authorization, foreignSite, unauthorized } from './authorize';
import { Done, SessionView, SignIn } from './model';
import type { Session, Sessions } from './sessions';

/** What the routes of a session need. */
export interface SessionRoutesOptions {
  readonly access: Access;
  readonly authorization: Pick<Authorization, 'checkSecret'>;
  readonly sessions: Sessions;
  readonly cookie: SessionCookie;
  readonly isSameOrigin: (request: Request) => boolean;
  readonly issuer: string;
  readonly version: string;
  /** How clients may authenticate here. */
  readonly authMethods: readonly AuthMethod[];
  readonly now: () => number;
  readonly tell: Tell;
}

/** Signing in at the console, staying, and signing out. */
export function sessionRoutes(options: SessionRoutesOptions) {
  const { sessions, cookie, isSameOrigin, issuer, version, authMethods } = options;
  const view = ({ csrfToken, expiresAt }: Session): SessionView => ({
    signed_in: true,
    csrf_token: csrfToken,
    expires_at: expiresAt.toISOString(),
    idle_seconds: sessions.idleSeconds,
    issuer,
    version,
    auth_methods: [...authMethods],
  });
  return new Elysia({ name: 'admin-session' })
    .get(
      '/api/admin/session',
      async ({ request }) => {
        const id = isSameOrigin(request) ? cookie.read(request.headers) : null;
        const session = id === null ? null : await sessions.find(id);
        // A page asks this to learn whether to show its form: no is an answer, and no failure to be told of.
        if (session === null) throw unauthorized('Nobody is signed in here.');
        return reply(view(session));
      },
      {
        response: { 200: SessionView },
        detail: { operationId: 'getSession', tags: TAGS, summary: 'The session of the console', security: [CONSOLE] },
      },
    )
    .use(signInRoute(options, view))
    .use(signOutRoute(options));
}

function signInRoute(options: SessionRoutesOptions, view: (session: Session) => SessionView) {
  const { authorization, sessions, cookie, isSameOrigin, now, tell } = options;
  const bodyFromHere = ({ request }: { request: Request }): Promise<object> => {
    // Another site must not sign anybody in either.
    if (!isSameOrigin(request) && comesFromAPage(request.headers)) throw foreignSite();
    return readJsonObject(request);
  };
  return new Elysia({ name: 'admin-sign-in' }).post(
    '/api/admin/session',
    async ({ body, request }) => {
      if (!(await authorization.checkSecret(body.admin_secret, 'admin_sign_in', request)))
        throw unauthorized('The admin secret is wrong.');
      // A new id for every sign-in: one that somebody else knew before is worth nothing.
      const session = await sessions.open(cookie.read(request.headers));
      await tell({ event: 'admin_sign_in', outcome: 'success', actor: 'console' }, request);
      const seconds = Math.floor((session.expiresAt.getTime() - now()) / 1000);
      return reply(view(session), 200, { 'set-cookie': cookie.set(session.id, seconds) });
    },
    {
      parse: [bodyFromHere],
      body: SignIn,
      response: { 200: SessionView },
      detail: {
        operationId: 'signIn',
        tags: TAGS,
        summary: 'Sign in at the console',
        description: 'Opens a session in a cookie. Attempts are limited.',
        security: [],
      },
    },
  );
}

function signOutRoute({ access, sessions, cookie, tell }: SessionRoutesOptions) {
  return new Elysia({ name: 'admin-sign-out' }).delete(
    '/api/admin/session',
    async ({ request }) => {
      const { session, name } = access.actorOf(request);
      // Who comes with the secret or a token never signed in.
      if (session !== null) {
        await sessions.close(session.id);
        await tell({ event: 'admin_sign_out', outcome: 'success', actor: name }, request);
      }
      return done({ 'set-cookie': cookie.clear() });
    },
    {
      transform: access.admit,
      response: { 204: Done },
      detail: { operationId: 'signOut', tags: TAGS, summary: 'Sign out of the console', security: [CONSOLE] },
    },
  );
}

const TAGS = ['Administration'];

const CONSOLE = { consoleSession: [], csrfToken: [] };
