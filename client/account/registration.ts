import { busy, quote, readObject, send } from '../auth/answer';
import type { Credential } from '../auth/client-credentials';
import { TokenError } from '../auth/token';
import type { Clock, Deadline, Fetch } from '../ports';
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

/** What a registration needs. */
export interface RegistrationDeps {
  readonly serverUrl: string;
  readonly fetch: Fetch;
  readonly deadline: Deadline;
  readonly clock: Pick<Clock, 'now'>;
  readonly lookup: Lookup;
  /** Told once for each attempt that leaves the administrator's secret at home. */
  readonly onSecretWithheld: () => void;
}

/** A credential and the name under which it is registered. */
export interface Applicant extends Credential {
  readonly appName: string;
}

/**
 * Registers a credential (`POST /api/auth/register`). An id that exists counts as registered: only a token request can
 * tell whether the secret is right. Rejects with {@link TokenError}: `not_registered`, `busy`, `unreachable`, `malformed`.
 */
export async function register(
  applicant: Applicant,
  adminSecret: string | null,
  deps: RegistrationDeps,
): Promise<Registered> {
  const url = `${deps.serverUrl}/api/auth/register`;
  const mayTell = adminSecret !== null && (await mayCarrySecret(url, deps.lookup));
  if (adminSecret !== null && !mayTell) deps.onSecretWithheld();
  const request = registrationRequest(url, applicant, mayTell ? adminSecret : null, deps.deadline);
  return judgeRegistration(await send(deps.fetch, request), deps.clock.now());
}

function registrationRequest(
  url: string,
  applicant: Applicant,
  adminSecret: string | null,
  deadline: Deadline,
): Request {
  const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json' });
  if (adminSecret !== null) headers.set('x-admin-secret', adminSecret);
  const { clientId: client_id, clientSecret: client_secret, appName: app_name } = applicant;
  const body = JSON.stringify({ client_id, client_secret, app_name });
  return new Request(url, {
    method: 'POST',
    headers,
    body,
    signal: deadline(REGISTRATION_DEADLINE_MS),
    redirect: 'manual',
  });
}

/** Judges the answer of the registration. Throws {@link TokenError}. */
export async function judgeRegistration(response: Response, nowMs: number): Promise<Registered> {
  const passing = busy(response, nowMs);
  if (passing !== null) throw new TokenError(passing);
  const { status } = response;
  const body = await readObject(response);
  if (status === 200 || status === 201) return { existing: false, answer: body ?? {} };
  // What we send is well formed, so 400 can only mean an id that is taken.
  if (status === 400 || status === 409) return { existing: true, answer: {} };
  if (status < 400)
    throw new TokenError({ kind: 'malformed', detail: `registration is answered with status ${status}` });
  throw new TokenError({ kind: 'not_registered', status, detail: quote(body?.['detail']) });
}
