// Who may register a client, and who may manage which: the callers of `/api/clients`.
import { Problem } from '../../kit/http/problem';
import type { Take } from '../../kit/limit';
import { challengeOf, parsePresented, type Scheme } from '../oauth/bearer';
import { isClientId } from '../oauth/client';
import type { NamedEvent, Tell } from '../oauth/event';
import type { Parameters } from '../oauth/form';
import { queryOf } from '../oauth/query';
import type { EventName, Reason } from '../oauth/words';
import type { ClientManagement } from './management';
import { RegistrationTokenSpent } from './registration-token-store';
import type { RegistrationTokens } from './registration-tokens';
import { isMadeSecret } from './secret-format';

/** What tells callers apart. */
export interface AccessOptions {
  readonly mode: 'open' | 'admin' | 'closed';
  readonly clients: Pick<ClientManagement, 'registrationTokenFault'>;
  readonly registrationTokens: Pick<RegistrationTokens, 'find'>;
  /** The administrator whose request this is, or null, with headers for the answer. */
  readonly administratorOf: (request: Request) => Promise<AskingAdministrator | null>;
  /** The id of the client that authenticates with the request; `parameters` are those of its body. @throws OAuthError invalid_client. */
  readonly authenticateClient: (request: Request, parameters: Parameters) => Promise<string>;
  /** Slows down who guesses tokens. */
  readonly failed: FailedAttempts;
  readonly addressOf: (request: Request) => string;
  /** One more request of a client that manages itself: headers of its answer. Null: there is no limit. @throws Problem 429 */
  readonly take: Take<string> | null;
  readonly tell: Tell;
}

/** An administrator who asks. */
interface AskingAdministrator {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Failures of a client and an address. */
interface FailedAttempts {
  /** @throws Problem 429 while this address has failed too often as this client. */
  check(clientId: string, address: () => string): void;
  /** Asks again after what was right. @throws Problem 429. */
  confirm(clientId: string, address: () => string): void | Promise<void>;
  /** Counts one failure. @throws Problem 429 when it was one too many. */
  count(clientId: string, address: () => string): void | Promise<void>;
}

/** Who may register. */
export interface Registrar {
  /** The administrator's name; null: nobody in particular. */
  readonly actor: string | null;
  /** Number of the initial access token that is used up by the registration. */
  readonly token: number | null;
  /** Headers of an answer to the administrator; null: to somebody whose registrations are counted. */
  readonly headers: Readonly<Record<string, string>> | null;
}

/** A client that manages itself (RFC 7592 §2). */
export interface Registered {
  /** Its registration access token, as it was given. */
  readonly token: string;
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Who manages a client: itself or an administrator. */
export interface Manager {
  readonly actor: string;
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Callers of `/api/clients`. Who shows wrong tokens too often, or manages itself too often, gets Problem 429. */
export interface Access {
  /** @throws Problem 401 with a challenge, 403 when registration is closed. */
  registrar(request: Request): Promise<Registrar>;
  /** @throws Problem 401 with a challenge. */
  registered(request: Request, clientId: string): Promise<Registered>;
  /** @throws Problem 401 with a challenge; OAuthError invalid_client. */
  manager(request: Request, clientId: string, parameters: Parameters): Promise<Manager>;
  /** Does what registers; that its token was used up meanwhile is told like a wrong one. @throws Problem 401 with a challenge. */
  registering<T>(request: Request, work: () => Promise<T>): Promise<T>;
}

/** Tells the callers of `/api/clients` apart. Whoever may not is told no more than that. */
export function createAccess(options: AccessOptions): Access {
  const { mode, clients, registrationTokens, administratorOf, authenticateClient, tell } = options;
  const { guess, wrong } = createGuessing(options);

  const refuse = (event: EventName, reason: Reason, request: Request, clientId: string | null = null): Problem => {
    void tell({ event, outcome: 'failure', reason, clientId }, request);
    return reason === 'credentials_missing' || reason === 'registration_forbidden' ? unauthenticated() : invalidToken();
  };
  const limited = (clientId: string) => options.take?.(clientId) ?? NO_HEADERS;
  const registered = async (request: Request, clientId: string): Promise<Registered> => {
    const token = bearerOf(request);
    if (token === null) throw refuse('client_authentication', 'credentials_missing', request, clientId);
    const fault = await guess(request, clientId, () => clients.registrationTokenFault(clientId, token), isNothing);
    if (fault === null) return { token, headers: await limited(clientId) };
    await wrong(request, clientId);
    throw refuse('client_authentication', fault, request, clientId);
  };
  const administrator = async (request: Request, clientId: string): Promise<Manager> => {
    const found = await administratorOf(request);
    if (found !== null) return { actor: found.name, headers: found.headers };
    const presents = presentedIn(request) !== null;
    if (presents) await wrong(request, clientId);
    const reason = presents ? 'registration_token_wrong' : 'credentials_missing';
    throw refuse('client_authentication', reason, request, clientId);
  };
  return {
    registered,
    registrar: async (request) => {
      if (mode === 'closed') {
        void tell({ event: 'registration', outcome: 'failure', reason: 'registration_forbidden' }, request);
        throw new Problem(403, 'Forbidden', 'Registration is closed.');
      }
      const token = bearerOf(request);
      const isInitial = token !== null && isMadeSecret('rt', token);
      const found = isInitial ? await guess(request, NOBODY, () => registrationTokens.find(token), isThere) : null;
      if (found !== null) return { actor: null, token: found, headers: null };
      const administrator = await administratorOf(request);
      if (administrator !== null) return { actor: administrator.name, token: null, headers: administrator.headers };
      if (presentedIn(request) !== null) {
        await wrong(request, NOBODY);
        throw refuse('registration', 'registration_token_wrong', request);
      }
      // Who names a wrong secret should hear of it, even where none is needed.
      if (mode === 'admin' || request.headers.has('x-admin-secret')) {
        throw refuse('registration', 'registration_forbidden', request);
      }
      return { actor: null, token: null, headers: null };
    },
    manager: async (request, clientId, parameters) => {
      const token = bearerOf(request);
      if (token !== null && isMadeSecret('rat', token)) {
        const { headers } = await registered(request, clientId);
        return { actor: clientId, headers };
      }
      if (presentedIn(request) !== null || !authenticatesClient(request, parameters)) {
        return administrator(request, clientId);
      }
      const authenticated = await authenticateClient(request, parameters);
      if (authenticated === clientId) return { actor: clientId, headers: await limited(clientId) };
      throw refuse('client_authentication', 'client_foreign', request, authenticated);
    },
    registering: async (request, work) => {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof RegistrationTokenSpent)) throw error;
        throw refuse('registration', 'registration_token_wrong', request);
      }
    },
  };
}

/** Under this name failures are counted that say nothing of a client. */
const NOBODY = '';

const NO_HEADERS: Readonly<Record<string, string>> = {};

function isNothing(found: unknown): boolean {
  return found === null;
}

function isThere(found: unknown): boolean {
  return found !== null;
}

/** Guesses of tokens, limited like those of secrets. */
function createGuessing({ failed, addressOf }: Pick<AccessOptions, 'failed' | 'addressOf'>) {
  // What can be no id of a client is nobody's, and may be of any length.
  const whose = (clientId: string): string => (isClientId(clientId) ? clientId : NOBODY);
  return {
    /** Looks a token up. Asked before, so that guesses cost nothing, and again after a right one: of those sent together no more are answered than count. */
    guess: async <T>(
      request: Request,
      clientId: string,
      look: () => Promise<T>,
      isRight: (found: T) => boolean,
    ): Promise<T> => {
      failed.check(whose(clientId), () => addressOf(request));
      const found = await look();
      if (isRight(found)) await failed.confirm(whose(clientId), () => addressOf(request));
      return found;
    },
    /** Counts a wrong token. @throws Problem 429 instead of the refusal when there were too many. */
    wrong: async (request: Request, clientId: string): Promise<void> => {
      const address = (): string => addressOf(request);
      failed.check(whose(clientId), address);
      await failed.count(whose(clientId), address);
    },
  };
}

/** What the operator is told of a registration. */
export function registeredEvent({ actor, token }: Registrar, clientId: string, authMethod: string): NamedEvent {
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

/** The Bearer token of a request; null: there is none. @throws Problem 400 when it is malformed or in the query string. */
function bearerOf(request: Request): string | null {
  const presented = presentedIn(request);
  return presented?.scheme === 'Bearer' ? presented.token : null;
}

/** The token of a request, of whatever kind: an administrator's may be bound to a key (RFC 9449). @throws as {@link bearerOf} */
function presentedIn(request: Request): { readonly scheme: Scheme; readonly token: string } | null {
  const presented = parsePresented(request.headers.get('authorization'), queryOf(request.url));
  if (presented.kind === 'none') return null;
  if (presented.kind === 'token') return presented;
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
