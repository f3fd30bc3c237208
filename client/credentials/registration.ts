import { busy, quote, readObject, send } from '../auth/answer';
import type { ClientSecret } from '../auth/authentication';
import type { TokenEndpoint } from '../auth/discovery';
import { TokenError } from '../auth/token';
import type { Clock, Fetch } from '../ports';
import type { Server, Servers } from '../servers/servers';
import { type Lookup, mayCarrySecret } from './private-address';

/** Longest wait for an answer, in milliseconds: the server hashes the secret slowly, and others may be before us. */
export const REGISTRATION_DEADLINE_MS = 15_000;

/** A registration that the server knows now. */
export interface Registered {
  /** True when the id was there before. */
  readonly existing: boolean;
  /** The server's own answer; empty when the id was there before. */
  readonly answer: Readonly<Record<string, unknown>>;
}

/** What admits a registration where not everybody may register. Kept in memory alone. */
export interface Admission {
  /** An initial access token (RFC 7591 §3), or null; goes before the administrator's secret. */
  readonly registrationToken: string | null;
  readonly adminSecret: string | null;
}

/** What a registration needs. */
export interface RegistrationDeps {
  readonly servers: Pick<Servers, 'run'>;
  readonly admission: Admission;
  readonly fetch: Fetch;
  readonly clock: Pick<Clock, 'now'>;
  readonly lookup: Lookup;
  /** Told once for each attempt that leaves what admits it at home. */
  readonly onSecretWithheld: () => void;
}

/** A credential and the name under which it is registered. */
export interface Applicant extends ClientSecret {
  readonly appName: string;
}

/** A public key and the name under which it is registered. */
export interface KeyApplicant {
  readonly appName: string;
  /** Public JWK (RFC 7517). */
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly dpop: boolean;
}

/**
 * Registers a credential (`POST /api/auth/register`). An id that exists counts as registered: only a token request can
 * tell whether the secret is right. Rejects with {@link TokenError}: `not_registered`, `busy`, `unreachable`, `malformed`.
 */
export function register(applicant: Applicant, deps: RegistrationDeps): Promise<Registered> {
  const { clientId: client_id, clientSecret: client_secret, appName: app_name } = applicant;
  return post(({ url }) => `${url}/api/auth/register`, { client_id, client_secret, app_name }, client_secret, deps);
}

/** A client as the server made it (RFC 7591 §3.2.1). */
export interface Made {
  readonly clientId: string;
  /** Null: it has a key. */
  readonly secret: { readonly value: string; readonly expiresAtMs: number | null } | null;
  readonly registered: Registered;
}

/** Registers a public key by RFC 7591: the server gives the id. Rejects as {@link register}. */
export function registerKey({ appName, jwk, dpop }: KeyApplicant, deps: RegistrationDeps): Promise<Made> {
  const method = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } };
  return registerByStandard({ client_name: appName, ...method, ...bound(dpop) }, deps);
}

/** Registers by RFC 7591 at a server that gives id and secret. Rejects as {@link register}. */
export async function registerName(
  { appName, dpop }: Pick<KeyApplicant, 'appName' | 'dpop'>,
  deps: RegistrationDeps,
): Promise<Made & { readonly secret: NonNullable<Made['secret']> }> {
  const made = await registerByStandard({ client_name: appName, ...bound(dpop) }, deps);
  if (made.secret === null) throw malformed('the registration is answered without a client_secret');
  return { ...made, secret: made.secret };
}

const bound = (dpop: boolean) => (dpop ? { dpop_bound_access_tokens: true } : {});

async function registerByStandard(metadata: object, deps: RegistrationDeps): Promise<Made> {
  const body = { grant_types: ['client_credentials'], ...metadata };
  const registered = await post(({ url }, { registration }) => registration ?? `${url}/api/clients`, body, null, deps);
  const { client_id: clientId, client_secret: value, client_secret_expires_at: ends, ...rest } = registered.answer;
  if (typeof clientId !== 'string' || clientId === '')
    throw malformed('the registration is answered without a client_id');
  const expiresAtMs = typeof ends === 'number' && ends > 0 ? ends * 1000 : null;
  const secret = typeof value === 'string' && value !== '' ? { value, expiresAtMs } : null;
  // The rest of the answer may hold what manages the registration, which is nobody's business but the server's.
  const { client_id_issued_at, client_name } = rest;
  return {
    clientId,
    secret,
    registered: { ...registered, answer: { client_id: clientId, client_id_issued_at, client_name } },
  };
}

function malformed(detail: string): TokenError {
  return new TokenError({ kind: 'malformed', detail });
}

async function post(
  where: (server: Server, endpoint: TokenEndpoint) => string,
  body: object,
  secret: string | null,
  deps: RegistrationDeps,
): Promise<Registered> {
  return deps.servers.run(
    async (server, signal) => {
      // Who names another issuer is not shown a secret.
      const url = where(server, await server.endpoint());
      const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json' });
      await admit(headers, url, deps);
      const request = { method: 'POST', headers, body: JSON.stringify(body), signal, redirect: 'manual' } as const;
      const { registrationToken, adminSecret } = deps.admission;
      const shown = [registrationToken, adminSecret, secret];
      return judgeRegistration(await send(deps.fetch, new Request(url, request)), deps.clock.now(), shown);
    },
    { deadlineMs: REGISTRATION_DEADLINE_MS },
  );
}

async function admit(headers: Headers, url: string, deps: RegistrationDeps): Promise<void> {
  const { registrationToken, adminSecret } = deps.admission;
  if (registrationToken === null && adminSecret === null) return;
  if (!(await mayCarrySecret(url, deps.lookup))) deps.onSecretWithheld();
  else if (registrationToken !== null) headers.set('authorization', `Bearer ${registrationToken}`);
  else if (adminSecret !== null) headers.set('x-admin-secret', adminSecret);
}

/** Judges the answer of the registration, for which the server was `shown` these secrets. Throws {@link TokenError}. */
async function judgeRegistration(
  response: Response,
  nowMs: number,
  shown: readonly (string | null)[],
): Promise<Registered> {
  const passing = busy(response, nowMs);
  if (passing !== null) throw new TokenError(passing);
  const { status } = response;
  const body = await readObject(response);
  if (status === 200 || status === 201) return { existing: false, answer: body ?? {} };
  // What we send is well formed, so 400 can only mean an id that is taken; RFC 7591 §3.2.2 says what is wrong otherwise.
  if ((status === 400 && body?.['error'] === undefined) || status === 409) return { existing: true, answer: {} };
  if (status < 400) throw malformed(`registration is answered with status ${status}`);
  const detail = quote(
    body?.['detail'] ?? body?.['error_description'],
    shown.filter((secret) => secret !== null),
  );
  throw new TokenError({ kind: 'not_registered', status, detail });
}
