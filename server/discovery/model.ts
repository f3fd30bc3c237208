import { type Static, t } from 'elysia';

const Uri = t.String({ format: 'uri' });
const Texts = t.Array(t.String());

/** Authorization server metadata (RFC 8414 §2, RFC 8705 §3.3, RFC 9449 §5.1, RFC 9728 §4). */
export const ServerMetadata = t.Object({
  issuer: Uri,
  token_endpoint: Uri,
  introspection_endpoint: Uri,
  revocation_endpoint: Uri,
  registration_endpoint: t.Optional(t.String({ format: 'uri', description: 'Left out while nobody may register.' })),
  jwks_uri: Uri,
  response_types_supported: Texts,
  grant_types_supported: Texts,
  token_endpoint_auth_methods_supported: Texts,
  token_endpoint_auth_signing_alg_values_supported: Texts,
  introspection_endpoint_auth_methods_supported: Texts,
  introspection_endpoint_auth_signing_alg_values_supported: Texts,
  revocation_endpoint_auth_methods_supported: Texts,
  revocation_endpoint_auth_signing_alg_values_supported: Texts,
  tls_client_certificate_bound_access_tokens: t.Boolean(),
  dpop_signing_alg_values_supported: Texts,
  scopes_supported: Texts,
  protected_resources: t.Array(Uri),
  service_documentation: Uri,
});

/** Authorization server metadata. */
export type ServerMetadata = Static<typeof ServerMetadata>;

/** Protected resource metadata (RFC 9728 §2). */
export const ResourceMetadata = t.Object({
  resource: Uri,
  authorization_servers: t.Array(Uri),
  scopes_supported: Texts,
  bearer_methods_supported: Texts,
  tls_client_certificate_bound_access_tokens: t.Boolean(),
  dpop_signing_alg_values_supported: Texts,
  dpop_bound_access_tokens_required: t.Boolean(),
  resource_name: t.String(),
  resource_documentation: Uri,
});

/** Protected resource metadata. */
export type ResourceMetadata = Static<typeof ResourceMetadata>;

const common = { kid: t.String(), use: t.Literal('sig') };

const EllipticKey = t.Object({
  kty: t.Literal('EC'),
  ...common,
  alg: t.Literal('ES256'),
  crv: t.Literal('P-256'),
  x: t.String(),
  y: t.String(),
});

const EdwardsKey = t.Object({
  kty: t.Literal('OKP'),
  ...common,
  alg: t.Literal('EdDSA'),
  crv: t.Literal('Ed25519'),
  x: t.String(),
});

const RsaKey = t.Object({ kty: t.Literal('RSA'), ...common, alg: t.Literal('RS256'), n: t.String(), e: t.String() });

/** JWK set of the public signing keys (RFC 7517 §5, RFC 7518 §6, RFC 8037 §2). */
export const JwksModel = t.Object({ keys: t.Array(t.Union([EllipticKey, EdwardsKey, RsaKey])) });
