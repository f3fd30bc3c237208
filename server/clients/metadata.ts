import { checkBody } from '../../kit/http/json';
import { TLS_SUBJECT_KINDS, type TlsSubject } from '../oauth/client';
import { OAuthError } from '../oauth/errors';
import { RATES_RESOURCE, resourceIdentifier } from '../oauth/resource';
import type { ClientChange, NewClient } from './management';
import type { ClientView } from './model';
import { ClientMetadata, DESCRIPTIVE_MEMBERS } from './registration-model';
import { keyringFault } from './rules';
import { epochSeconds } from './secret-model';

/** What registration decides of a client; grants and limits are the administrator's. */
export type RegisteredSettings = Required<Omit<ClientChange, 'grants' | 'limits'>>;

/** What a client without a name is called. */
const UNNAMED = 'Unnamed client';

/** Client metadata → settings (RFC 7591 §2). @throws OAuthError invalid_client_metadata, with a description of the first fault. */
export function readMetadata(body: unknown): RegisteredSettings {
  const checked = checkBody(ClientMetadata, body);
  if ('fault' in checked) {
    const { path, detail } = checked.fault;
    throw invalidMetadata(`${path.slice(1).replaceAll('/', '.') || 'The body'} ${detail}`);
  }
  const metadata = checked.value;
  const names = TLS_SUBJECT_KINDS.filter((kind) => metadata[kind] !== undefined);
  if (names.length > 1) throw invalidMetadata(`exactly one of ${names.join(', ')} may be given`);
  const settings = {
    appName: metadata.client_name ?? UNNAMED,
    authMethod: metadata.token_endpoint_auth_method ?? 'client_secret_basic',
    jwks: metadata.jwks ?? null,
    jwksUri: metadata.jwks_uri ?? null,
    tlsSubject: subjectOf(metadata),
    dpopBound: metadata.dpop_bound_access_tokens ?? false,
    certificateBound: metadata.tls_client_certificate_bound_access_tokens ?? false,
    metadata: descriptionOf(metadata),
  };
  const fault = keyringFault(settings);
  if (fault !== null) throw invalidMetadata(fault);
  return settings;
}

/** The settings as those of a client to be. */
export function newClientOf(settings: RegisteredSettings): NewClient {
  const secret = { label: '', expiresInSeconds: null };
  return { ...settings, clientId: null, grants: null, limits: { api: null, token: null }, secret, manageable: true };
}

/** What a client is told of itself, its secrets and tokens aside (RFC 7591 §3.2.1). */
export function informationOf(client: ClientView, issuer: string): Record<string, unknown> {
  const scopes = Object.entries(client.grants).find(([uri]) => resourceIdentifier(issuer, uri) === RATES_RESOURCE)?.[1];
  const { jwks, jwks_uri, tls_subject } = client;
  return {
    ...client.metadata,
    client_id: client.client_id,
    client_id_issued_at: epochSeconds(client.created_at),
    client_name: client.app_name,
    token_endpoint_auth_method: client.auth_method,
    grant_types: ['client_credentials'],
    response_types: [],
    scope: scopes?.join(' ') ?? '',
    ...(jwks === null ? {} : { jwks }),
    ...(jwks_uri === null ? {} : { jwks_uri }),
    ...(tls_subject === null ? {} : { [tls_subject.kind]: tls_subject.value }),
    dpop_bound_access_tokens: client.dpop_bound,
    tls_client_certificate_bound_access_tokens: client.certificate_bound,
  };
}

/** When the last of the live secrets ends, in seconds since the epoch; 0: never; null: there is none. */
export function secretsExpireAt({ secrets }: ClientView): number | null {
  const ends = secrets
    .filter(({ state }) => state !== 'ended')
    .map(({ expires_at }) => (expires_at === null ? 0 : epochSeconds(expires_at)));
  if (ends.length === 0) return null;
  return ends.includes(0) ? 0 : Math.max(...ends);
}

/** 400 of RFC 7591 §3.2.2. The description is public. */
export function invalidMetadata(description: string): OAuthError {
  return new OAuthError('invalid_client_metadata', 'metadata_not_valid', { description: `${description}.` });
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
