import { checkBody } from '../../kit/http/json';
import { TLS_SUBJECT_KINDS, type TlsSubject } from '../oauth/client';
import { invalidMetadata } from '../oauth/errors';
import { RATES_RESOURCE, RATES_SCOPE, resourceIdentifier } from '../oauth/resource';
import type { ClientView } from './model';
import { ClientMetadata, DESCRIPTIVE_MEMBERS } from './registration-model';
import { epochSeconds } from './secret-model';
import { type NewClient, type RegisteredSettings, SettingsFault } from './settings';

/** What a client without a name is called. */
const UNNAMED = 'Unnamed client';

/**
 * Client metadata → settings (RFC 7591 §2); a member that is null counts as left out (RFC 7592 §2.2). `held`: scopes that the client
 * has already and so may name. @throws OAuthError invalid_client_metadata, with a description of the first fault.
 */
export function readMetadata(body: unknown, held: readonly string[] = []): RegisteredSettings {
  const checked = checkBody(ClientMetadata, withoutNulls(body));
  if ('fault' in checked) {
    const { path, detail } = checked.fault;
    throw invalidMetadata(`${path.slice(1).replaceAll('/', '.') || 'The body'} ${detail}`);
  }
  const metadata = checked.value;
  const beyond = metadata.scope?.split(' ').some((scope) => scope !== RATES_SCOPE && !held.includes(scope));
  if (beyond === true) throw invalidMetadata(`scope must be ${RATES_SCOPE}`);
  const names = TLS_SUBJECT_KINDS.filter((kind) => metadata[kind] !== undefined);
  if (names.length > 1) throw invalidMetadata(`exactly one of ${names.join(', ')} may be given`);
  return {
    appName: metadata.client_name ?? UNNAMED,
    authMethod: metadata.token_endpoint_auth_method ?? 'client_secret_basic',
    jwks: metadata.jwks ?? null,
    jwksUri: metadata.jwks_uri ?? null,
    tlsSubject: subjectOf(metadata),
    dpopBound: metadata.dpop_bound_access_tokens ?? false,
    certificateBound: metadata.tls_client_certificate_bound_access_tokens ?? false,
    metadata: descriptionOf(metadata),
  };
}

/** Does what is asked for by metadata; a fault that only shows then is told as one of them (RFC 7591 §3.2.2). @throws OAuthError invalid_client_metadata */
export async function asMetadata<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SettingsFault ? invalidMetadata(error.fault) : error;
  }
}

/** The settings as those of a client to be. */
export function newClientOf(settings: RegisteredSettings): NewClient {
  const secret = { label: '', expiresInSeconds: null };
  return { ...settings, clientId: null, grants: null, limits: { api: null, token: null }, secret, manageable: true };
}

/** What a client is told of itself, its secrets and tokens aside (RFC 7591 §3.2.1). */
export function informationOf(client: ClientView, issuer: string): Record<string, unknown> {
  const scopes = heldScopes(client, issuer);
  const { jwks, jwks_uri, tls_subject } = client;
  return {
    ...client.metadata,
    client_id: client.client_id,
    client_id_issued_at: epochSeconds(client.created_at),
    client_name: client.app_name,
    token_endpoint_auth_method: client.auth_method,
    grant_types: ['client_credentials'],
    response_types: [],
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(jwks === null ? {} : { jwks }),
    ...(jwks_uri === null ? {} : { jwks_uri }),
    ...(tls_subject === null ? {} : { [tls_subject.kind]: tls_subject.value }),
    dpop_bound_access_tokens: client.dpop_bound,
    tls_client_certificate_bound_access_tokens: client.certificate_bound,
  };
}

/** The scopes that a client has for the rates: all that it is told of, and may say back. */
export function heldScopes({ grants }: Pick<ClientView, 'grants'>, issuer: string): readonly string[] {
  return Object.entries(grants).find(([uri]) => resourceIdentifier(issuer, uri) === RATES_RESOURCE)?.[1] ?? [];
}

/** When the last of the live secrets ends, in seconds since the epoch; 0: never; null: there is none. */
export function secretsExpireAt({ secrets }: ClientView): number | null {
  const ends = secrets
    .filter(({ state }) => state !== 'ended')
    .map(({ expires_at }) => (expires_at === null ? 0 : epochSeconds(expires_at)));
  if (ends.length === 0) return null;
  return ends.includes(0) ? 0 : Math.max(...ends);
}

function subjectOf(metadata: ClientMetadata): TlsSubject | null {
  for (const kind of TLS_SUBJECT_KINDS) {
    const value = metadata[kind];
    if (value !== undefined) return { kind, value };
  }
  return null;
}

function descriptionOf(metadata: ClientMetadata): Record<string, unknown> {
  const given = DESCRIPTIVE_MEMBERS.filter((name) => metadata[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, metadata[name]]));
}

function withoutNulls(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}
