/** Who may ask: `POST /api/auth/register`, the short form of client registration (RFC 6749 §2). Apart from tokens, which only need to know that a client is who it says. */
import { Elysia } from 'elysia';
import { Problem } from '../../kit/http/problem';
import type { Tell } from '../oauth/event';
import { Registered, Registration } from './model';
import type { Clients } from './service';

/** What registration needs to know. */
export interface RegistrationOptions {
  readonly clients: Pick<Clients, 'register'>;
  readonly mode: 'open' | 'admin' | 'closed';
  /** The name of the administrator whose request this is, or null. */
  readonly authorizeAdmin: (request: Request) => Promise<string | null>;
  readonly tell: Tell;
  /** One registration from the caller's address, the administrator's not counted. @returns headers of the answer. @throws Problem 429 */
  readonly take: (request: Request) => Readonly<Record<string, string>>;
}

/** Routes of registration. */
export function registrationRoutes({ clients, mode, authorizeAdmin, take, tell }: RegistrationOptions) {
  const mayRegister = async (request: Request): Promise<boolean> => {
    if (mode === 'closed') return false;
    if (mode === 'open' && !request.headers.has('x-admin-secret')) return true;
    return (await authorizeAdmin(request)) !== null;
  };
  return new Elysia({ name: 'registration' }).post(
    '/api/auth/register',
    async ({ body, request }) => {
      const id = await clients.register(body);
      await tell({ event: 'client_registered', outcome: 'success', clientId: body.client_id }, request);
      return { message: 'Klient zarejestrowany' as const, id };
    },
    {
      parse: [
        // Before the body is read: who may not register is not told what a registration looks like.
        async ({ request, set }) => {
          if (!(await mayRegister(request))) {
            void tell({ event: 'registration', outcome: 'failure', reason: 'registration_forbidden' }, request);
            throw refusal(mode);
          }
          if (!request.headers.has('x-admin-secret')) Object.assign(set.headers, take(request));
          // A web page can send any other type to anywhere without asking first.
          if (!/^application\/json *(?:;|$)/i.test(request.headers.get('content-type') ?? '')) throw notJson();
        },
        'json',
      ],
      body: Registration,
      response: { 200: Registered },
      detail: {
        operationId: 'register',
        tags: ['OAuth 2.0'],
        summary: 'Register a client with an id and a secret of its own choice',
        security: [{ adminSecret: [] }, {}],
        description:
          'Open, reserved to the administrator (`X-Admin-Secret`) or closed, as `REGISTRATION` says. The client gets the scope `currency:read`.',
      },
    },
  );
}

function refusal(mode: RegistrationOptions['mode']): Problem {
  const detail = {
    open: 'The X-Admin-Secret header is wrong; leave it out, registration is open.',
    admin: 'Registration is reserved to the administrator: send the admin secret in the X-Admin-Secret header.',
    closed: 'Registration is closed.',
  };
  return new Problem(403, 'Forbidden', detail[mode]);
}

function notJson(): Problem {
  return new Problem(422, 'Unprocessable Content', 'The body is not JSON; send application/json.', {}, { errors: [] });
}
