// Who may register a client, and who may manage which: the callers of `/api/clients`.
import { Problem } from '../../kit/http/problem';
import { challengeOf, parsePresented } from '../oauth/bearer';
import type { SecurityEvent, Tell } from '../oauth/event';
import type { Parameters } from '../oauth/form';
import { queryOf } from '../oauth/query';
import type { ClientManagement } from './management';
import type { RegistrationTokens } from './registration-tokens';
import { isMadeSecret } from './secret-format';

/** What tells callers apart. */
export interface AccessOptions {
  readonly mode: 'open' | 'admin' | 'closed';
  readonly clients: Pick<ClientManagement, 'registrationTokenFault'>;
  readonly registrationTokens: Pick<RegistrationTokens, 'find' | 'redeem'>;
  /** The name of the administrator whose request this is, or null. */
  readonly authorizeAdmin: (request: Request) => Promise<string | null>;
  /** The id of the client that authenticates with the request; `parameters` are those of its body. @throws OAuthError invalid_client. */
  readonly authenticateClient: (request: Request, parameters: Parameters) => Promise<string>;
  readonly tell: Tell;
}

/** Who may register. */
export interface Registrar {
  /** The administrator's name; null: nobody in particular. */
  readonly actor: string | null;
  /** Number of the initial access token that has to be redeemed. */
  readonly token: number | null;
}

/** Callers of `/api/clients`. */
export interface Access {
  /** @throws Problem 401 with a challenge, 403 when registration is closed. */
  registrar(request: Request): Promise<Registrar>;
  /** The registration access token of the client, as it was given (RFC 7592 §2). @throws Problem 401 with a challenge. */
  registered(request: Request, clientId: string): Promise<string>;
  /** The name of who manages the client: itself or an administrator. @throws Problem 401 with a challenge; OAuthError invalid_client. */
  manager(request: Request, clientId: string, parameters: Parameters): Promise<string>;
  /** @throws Problem 401 with a challenge when the token can be used no more. */
  redeem(request: Request, registrar: Registrar): Promise<void>;
}

/** Tells the callers of `/api/clients` apart. Whoever may not is told no more than that. */
export function createAccess(options: AccessOptions): Access {
  const { mode, clients, registrationTokens, authorizeAdmin, authenticateClient, tell } = options;

  const refuse = (event: string, reason: string, request: Request, clientId: string | null = null): Problem => {
    void tell({ event, outcome: 'failure', reason, clientId }, request);
    return reason === 'credentials_missing' || reason === 'registration_forbidden' ? unauthenticated() : invalidToken();
  };
  const registered = async (request: Request, clientId: string): Promise<string> => {
    const token = bearerOf(request);
    if (token === null) throw refuse('client_authentication', 'credentials_missing', request, clientId);
    const fault = await clients.registrationTokenFault(clientId, token);
    if (fault !== null) throw refuse('client_authentication', fault, request, clientId);
    return token;
  };
  return {
    registered,
    registrar: async (request) => {
      if (mode === 'closed') {
        void tell({ event: 'registration', outcome: 'failure', reason: 'registration_forbidden' }, request);
        throw new Problem(403, 'Forbidden', 'Registration is closed.');
      }
      const token = bearerOf(request);
      const found = token === null ? null : await registrationTokens.find(token);
      if (found !== null) return { actor: null, token: found };
      const actor = await authorizeAdmin(request);
      if (actor !== null) return { actor, token: null };
      if (token !== null) throw refuse('registration', 'registration_token_wrong', request);
      // Who names a wrong secret should hear of it, even where none is needed.
      if (mode === 'admin' || request.headers.has('x-admin-secret')) {
        throw refuse('registration', 'registration_forbidden', request);
      }
      return { actor: null, token: null };
    },
    manager: async (request, clientId, parameters) => {
      const token = bearerOf(request);
      if (token !== null && isMadeSecret('rat', token)) {
        await registered(request, clientId);
        return clientId;
      }
      if (token !== null || !authenticatesClient(request, parameters)) {
        const actor = await authorizeAdmin(request);
        if (actor !== null) return actor;
        const reason = token === null ? 'credentials_missing' : 'registration_token_wrong';
        throw refuse('client_authentication', reason, request, clientId);
      }
      const authenticated = await authenticateClient(request, parameters);
      if (authenticated === clientId) return clientId;
      throw refuse('client_authentication', 'client_foreign', request, authenticated);
    },
    redeem: async (request, { token }) => {
      if (token !== null && !(await registrationTokens.redeem(token))) {
        throw refuse('registration', 'registration_token_wrong', request);
      }
    },
  };
}

/** What the operator is told of a registration. */
export function registeredEvent({ actor, token }: Registrar, clientId: string, authMethod: string): SecurityEvent {
  const details = { auth_method: authMethod, ...(token === null ? {} : { registration_token: token }) };
  const event = { event: 'client_registered', outcome: 'success', clientId, details } as const;
  return actor === null ? event : { ...event, actor };
}

/** True when the request carries a client's own credentials; an administrator's come in a header or a cookie of their own. */
function authenticatesClient(request: Request, parameters: Parameters): boolean {
  const inBody = ['client_assertion', 'client_secret'].some((name) => parameters.has(name));
  return inBody || request.headers.has('authorization') || isCertified(request);
}

/** A certificate without another credential (RFC 8705 §2); whether the header is believed is for others to say. */
function isCertified({ headers }: Request): boolean {
  return headers.has('client-cert') && !headers.has('x-admin-secret') && !headers.has('cookie');
}

/** @throws Problem 400 when a token is malformed or in the query string. */
function bearerOf(request: Request): string | null {
  const presented = parsePresented(request.headers.get('authorization'), queryOf(request.url));
  if (presented.kind === 'none') return null;
  if (presented.kind === 'token') return presented.scheme === 'Bearer' ? presented.token : null;
  const error = { error: 'invalid_request', error_description: presented.reason };
  const challenge = challengeOf('Bearer', { realm: REALM, ...error });
  throw new Problem(400, 'Bad Request', presented.reason, { 'www-authenticate': challenge });
}

const REALM = 'crypto-server';

function unauthenticated(): Problem {
  const detail = 'This needs a registration token, client authentication or the administrator.';
  return new Problem(401, 'Unauthorized', detail, { 'www-authenticate': challengeOf('Bearer', { realm: REALM }) });
}

function invalidToken(): Problem {
  const detail = 'The credentials are wrong, have ended, or belong to another client.';
  const challenge = challengeOf('Bearer', { realm: REALM, error: 'invalid_token', error_description: detail });
  return new Problem(401, 'Unauthorized', detail, { 'www-authenticate': challenge });
}
