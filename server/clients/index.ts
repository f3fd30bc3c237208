/** Who may ask: `POST /api/auth/register`, the short form of client registration (RFC 6749 §2). Apart from tokens, which only need to know that a client is who it says. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Elysia } from 'elysia';
import { Problem } from '../../kit/http/problem';
import type { Tell } from '../oauth/event';
import { Registered, Registration } from './model';
import type { Clients } from './service';

/** What registration needs to know. */
export interface RegistrationOptions {
  readonly clients: Pick<Clients, 'register'>;
  readonly mode: 'open' | 'admin' | 'closed';
  readonly adminSecret: string;
  readonly tell: Tell;
  readonly limits: RegistrationLimits;
}

/** How often somebody may try. @throws Problem 429 */
export interface RegistrationLimits {
  /** One registration from this address, the administrator's not counted. @returns headers of the answer. */
  take(request: Request): Readonly<Record<string, string>>;
  /** Before an admin secret is compared, and after a wrong one. */
  readonly admin: { check(request: Request): void; count(request: Request): void };
}

/** Routes of registration. */
export function registrationRoutes({ clients, mode, adminSecret, tell, limits }: RegistrationOptions) {
  const isAdmin = createSecretComparison(adminSecret);
  const mayRegister = (request: Request): boolean => {
    const given = request.headers.get('x-admin-secret');
    if (mode === 'closed') return false;
    if (given === null) return mode === 'open';
    limits.admin.check(request);
    if (isAdmin(given)) return true;
    limits.admin.count(request);
    return false;
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
        ({ request, set }) => {
          if (!mayRegister(request)) {
            void tell({ event: 'registration', outcome: 'failure', reason: 'registration_forbidden' }, request);
            throw refusal(mode);
          }
          if (!request.headers.has('x-admin-secret')) Object.assign(set.headers, limits.take(request));
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

/** Compares in constant time; digests make the lengths equal. */
function createSecretComparison(secret: string): (given: string) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(secret);
  return (given) => timingSafeEqual(digest(given), expected);
}
