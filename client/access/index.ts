/** Signing in with the dashboard's password, and out: `/api/session`. What needs it is decided in access.ts. */
import { Elysia, t } from 'elysia';
import { readJsonObject } from '../../kit/http/json';
import { Problem } from '../../kit/http/problem';
import type { Access } from './access';

const SessionView = t.Object({
  required: t.Boolean({ description: 'False: this client needs no password.' }),
  signed_in: t.Boolean({ description: 'True when the caller may use what is guarded.' }),
});

const SignIn = t.Object(
  { password: t.String({ maxLength: 1024, description: 'The value of DASHBOARD_PASSWORD.', examples: ['…'] }) },
  { additionalProperties: false },
);

/** Routes of the session. */
export function sessionRoutes(access: Access) {
  return new Elysia({ name: 'session' })
    .get(
      '/api/session',
      ({ request }) =>
        new Response(JSON.stringify({ required: access.required, signed_in: access.isSignedIn(request) }), {
          headers: { 'content-type': 'application/json', ...NO_STORE },
        }),
      {
        response: { 200: SessionView },
        detail: {
          operationId: 'getSession',
          security: [],
          tags: TAGS,
          summary: 'Is a password needed, and was it given?',
        },
      },
    )
    .post('/api/session', ({ body, request }) => signIn(access, request, body.password), {
      parse: [({ request }) => readJsonObject(request)],
      body: SignIn,
      response: { 204: t.Undefined() },
      detail: {
        operationId: 'signIn',
        security: [],
        tags: TAGS,
        summary: 'Sign in with the password of the dashboard',
        description:
          'Opens a session in a cookie, which ends 12 hours later or when it is not used for half an hour. A wrong password is 401; attempts are limited, per address and in all (429 with `Retry-After`).',
      },
    })
    .delete('/api/session', ({ request }) => done(access.signOut(request)), {
      response: { 204: t.Undefined() },
      detail: {
        operationId: 'signOut',
        security: [],
        tags: TAGS,
        summary: 'Sign out',
        description: 'Ends its streams too.',
      },
    });
}

const TAGS = ['Access'];

const NO_STORE = { 'cache-control': 'no-store' };

function signIn(access: Access, request: Request, password: string): Response {
  const signedIn = access.signIn(request, password);
  if (signedIn instanceof Problem) throw signedIn;
  return done(signedIn.cookie);
}

function done(cookie: string | null): Response {
  return new Response(null, {
    status: 204,
    headers: { ...NO_STORE, ...(cookie === null ? {} : { 'set-cookie': cookie }) },
  });
}
