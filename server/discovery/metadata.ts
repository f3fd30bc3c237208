import { offeredMethods } from '../oauth/client';
import type { ResourceMetadata, ServerMetadata } from './model';

/** What is described. */
export interface Described {
  readonly issuer: string;
  /** The protected resource that this server serves itself. */
  readonly resource: string;
  readonly scopes: readonly string[];
  /** True while somebody may register (RFC 7591). */
  readonly registration: boolean;
  /** True when client certificates can come in (RFC 8705). */
  readonly certificates: boolean;
  /** True when there are authorities whose certificates are trusted (RFC 8705 §2.1). */
  readonly authorities: boolean;
  /** Algorithms of DPoP proofs (RFC 9449 §5.1). */
  readonly proofAlgorithms: readonly string[];
  /** Algorithms of client assertions (RFC 7523). */
  readonly assertionAlgorithms: readonly string[];
}

/** Where the metadata of the rates is: the well-known string goes between host and path (RFC 9728 §3.1). */
export const RESOURCE_METADATA_PATH = '/.well-known/oauth-protected-resource/api/currency';

/** Where the public keys are. */
export const JWKS_PATH = '/.well-known/jwks.json';

/** Authorization server metadata (RFC 8414 §2, RFC 8705 §3.3, RFC 9449 §5.1, RFC 9728 §4). */
export function describeAuthorizationServer(described: Described): ServerMetadata {
  const { issuer, resource, scopes, registration, certificates, proofAlgorithms } = described;
  const methods = offeredMethods(described);
  const algorithms = [...described.assertionAlgorithms];
  return {
    issuer,
    token_endpoint: `${issuer}/api/auth/token`,
    introspection_endpoint: `${issuer}/api/auth/introspect`,
    revocation_endpoint: `${issuer}/api/auth/revoke`,
    ...(registration ? { registration_endpoint: `${issuer}/api/clients` } : {}),
    jwks_uri: `${issuer}${JWKS_PATH}`,
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: methods,
    token_endpoint_auth_signing_alg_values_supported: algorithms,
    introspection_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
    tls_client_certificate_bound_access_tokens: certificates,
    dpop_signing_alg_values_supported: [...proofAlgorithms],
    scopes_supported: [...scopes],
    protected_resources: [resource],
    service_documentation: `${issuer}/docs`,
  };
}

/** Protected resource metadata (RFC 9728 §2). Answers are not signed, so there are no keys of the resource. */
export function describeResource(described: Described): ResourceMetadata {
  const { issuer, resource, scopes, certificates, proofAlgorithms } = described;
  return {
    resource,
    authorization_servers: [issuer],
    scopes_supported: [...scopes],
    bearer_methods_supported: ['header'],
    tls_client_certificate_bound_access_tokens: certificates,
    dpop_signing_alg_values_supported: [...proofAlgorithms],
    dpop_bound_access_tokens_required: false,
    resource_name: 'Crypto rates',
    resource_documentation: `${issuer}/docs`,
  };
}
