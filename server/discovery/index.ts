/** What a stranger can find out: authorization server metadata (RFC 8414), protected resource metadata (RFC 9728), public keys (RFC 7517). Apart, because it describes the others and does nothing. */
import { Elysia } from 'elysia';
import type { Keyring } from '../tokens/keys';
import { JwksModel, ResourceMetadata, ServerMetadata } from './model';

/** What is described. */
export interface DiscoveryOptions {
  readonly issuer: string;
  /** The protected resource, and where its metadata is. */
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly jwks: Keyring['jwks'];
}

/** Callers may keep metadata and keys this long, in seconds. */
const MAX_AGE_SECONDS = 300;

/** Where the metadata of a resource is: the well-known string goes between host and path (RFC 9728 §3.1). */
export function resourceMetadataUrl(issuer: string): string {
  return `${issuer}${RESOURCE_METADATA_PATH}`;
}

const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource/api/currency';

/** Routes of the well-known documents. */
export function discoveryRoutes({ issuer, resource, scopes, jwks }: DiscoveryOptions) {
  const server = {
    issuer,
    token_endpoint: `${issuer}/api/auth/token`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    scopes_supported: scopes,
    service_documentation: `${issuer}/docs`,
    protected_resources: [resource],
  };
  const protectedResource = {
    resource,
    authorization_servers: [issuer],
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
    resource_name: 'Crypto rates',
    resource_documentation: `${issuer}/docs`,
  };
  return new Elysia({ name: 'discovery' })
    .get('/.well-known/oauth-authorization-server', () => document(server), {
      response: { 200: ServerMetadata },
      detail: {
        operationId: 'serverMetadata',
        tags: ['Discovery'],
        summary: 'Authorization server metadata (RFC 8414)',
      },
    })
    .get(RESOURCE_METADATA_PATH, () => document(protectedResource), {
      response: { 200: ResourceMetadata },
      detail: {
        operationId: 'resourceMetadata',
        tags: ['Discovery'],
        summary: 'Protected resource metadata (RFC 9728)',
      },
    })
    .get('/.well-known/jwks.json', () => document(jwks()), {
      response: { 200: JwksModel },
      detail: { operationId: 'jwks', tags: ['Discovery'], summary: 'Public signing keys (RFC 7517)' },
    });
}

function document(value: unknown): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` };
  return new Response(JSON.stringify(value), { headers });
}
