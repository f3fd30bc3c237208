/** Who may ask: `POST /api/auth/register`, the short form of client registration (RFC 6749 §2). Apart from tokens, which only need to know that a client is who it says. */
import { Elysia } from 'elysia';
import { expectJson } from '../../kit/http/json';
import { Problem } from '../../kit/http/problem';
import type { Tell } from '../oauth/event';
import { RATES_SCOPE } from '../oauth/resource';
import { type Access, type Registrar, registeredEvent } from './callers';
import { Registered, Registration } from './model';
import type { Clients } from './service';

/** What registration needs to know. */
export interface RegistrationOptions {
  readonly clients: Pick<Clients, 'register'>;
  readonly mode: 'open' | 'admin' | 'closed';
  readonly access: Pick<Access, 'registrar' | 'redeem'>;
  readonly tell: Tell;
  /** One registration from the caller's address, the administrator's not counted. @returns headers of the answer. @throws Problem 429 */
  readonly take: (request: Request) => Readonly<Record<string, string>>;
}

/** Routes of registration. */
export function registrationRoutes({ clients, mode, access, take, tell }: RegistrationOptions) {
  const registrarOf = (request: Request): Promise<Registrar> =>
    access.registrar(request).catch((error: unknown) => {
      throw error instanceof Problem && error.status === 401 ? refusal(mode) : error;
    });
  return new Elysia({ name: 'registration' }).post(
    '/api/auth/register',
    async ({ body, request }) => {
      const registrar = await registrarOf(request);
      await access.redeem(request, registrar);
      const id = await clients.register(body);
      await tell(registeredEvent(registrar, body.client_id, 'client_secret_basic'), request);
      return { message: 'Klient zarejestrowany' as const, id };
    },
    {
      parse: [
        // Before the body is read: who may not register is not told what a registration looks like.
        async ({ request, set }) => {
          const { actor } = await registrarOf(request);
          if (actor === null) Object.assign(set.headers, take(request));
          expectJson(request);
        },
        'json',
      ],
      body: Registration,
      response: { 200: Registered },
      detail: {
        operationId: 'register',
        tags: ['OAuth 2.0'],
        summary: 'Register a client with an id and a secret of its own choice',
        security: [{ adminSecret: [] }, { registrationToken: [] }, {}],
        description: `Open, reserved to the administrator (\`X-Admin-Secret\`) and to holders of an initial access token, or closed, as \`REGISTRATION\` says. The client gets the scope \`${RATES_SCOPE}\`.`,
      },
    },
  );
}

function refusal(mode: RegistrationOptions['mode']): Problem {
  const detail = {
    open: 'The X-Admin-Secret header or the token is wrong; leave it out, registration is open.',
    admin:
      'Registration is reserved to the administrator: send the admin secret in the X-Admin-Secret header, or an initial access token as Bearer.',
    closed: 'Registration is closed.',
  };
  return new Problem(403, 'Forbidden', detail[mode]);
}
