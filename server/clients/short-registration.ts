/** `POST /api/auth/register`, the short form of client registration (RFC 6749 §2). */
import { Elysia } from 'elysia';
import { readJsonObject } from '../../kit/http/json';
import { Problem } from '../../kit/http/problem';
import type { Take } from '../../kit/limit';
import type { Tell } from '../oauth/event';
import { RATES_SCOPE } from '../oauth/resource';
import { type Access, type Registrar, registeredEvent } from './callers';
import { Registered, Registration } from './model';
import type { Clients } from './service';

/** What registration needs to know. */
export interface RegistrationOptions {
  readonly clients: Pick<Clients, 'register'>;
  readonly mode: 'open' | 'admin' | 'closed';
  readonly access: Pick<Access, 'registrar' | 'registering'>;
  readonly tell: Tell;
  /** One registration from the caller's address, the administrator's not counted. @returns headers of the answer. @throws Problem 429 */
  readonly take: Take<Request>;
}

/** Routes of registration. */
export function registrationRoutes({ clients, mode, access, take, tell }: RegistrationOptions) {
  const forbidding = async <T>(request: Request, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      // Who brings a proof must hear of the nonce that it lacks (RFC 9449 §9).
      const isChallenge = /^dpop /i.test(request.headers.get('authorization') ?? '');
      throw error instanceof Problem && error.status === 401 && !isChallenge ? refusal(mode, request) : error;
    }
  };
  // Asked once: a proof is good once, and a guess counts once.
  const registrars = new WeakMap<Request, Registrar>();
  const admit = async (request: Request): Promise<Registrar> => {
    const registrar = await forbidding(request, access.registrar(request));
    registrars.set(request, registrar);
    return registrar;
  };
  return new Elysia({ name: 'registration' }).post(
    '/api/auth/register',
    async ({ body, request }) => {
      const registrar = registrars.get(request) ?? (await admit(request));
      const registering = access.registering(request, () => clients.register(body, registrar.token));
      const id = await forbidding(request, registering);
      await tell(registeredEvent(registrar, body.client_id, 'client_secret_basic'), request);
      return { message: 'Klient zarejestrowany' as const, id };
    },
    {
      parse: [
        // Before the body is read: who may not register is not told what a registration looks like.
        async ({ request, set }) => {
          const { headers } = await admit(request);
          Object.assign(set.headers, headers ?? (await take(request)));
          return readJsonObject(request);
        },
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

function refusal(mode: RegistrationOptions['mode'], { headers }: Request): Problem {
  const byToken = headers.has('authorization') && !headers.has('x-admin-secret');
  if (byToken) return new Problem(403, 'Forbidden', 'The registration token is wrong, has ended or is used up.');
  const detail = {
    open: 'The X-Admin-Secret header is wrong; leave it out, registration is open.',
    admin:
      'Registration is reserved to the administrator: send the admin secret in the X-Admin-Secret header, or an initial access token as Bearer.',
    closed: 'Registration is closed.',
  };
  return new Problem(403, 'Forbidden', detail[mode]);
}
