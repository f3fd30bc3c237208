import { t } from 'elysia';

/** Authorization server metadata (RFC 8414 §2). */
export const ServerMetadata = t.Object({
  issuer: t.String({ format: 'uri' }),
  token_endpoint: t.String({ format: 'uri' }),
  jwks_uri: t.String({ format: 'uri' }),
  response_types_supported: t.Array(t.String()),
  grant_types_supported: t.Array(t.String()),
  token_endpoint_auth_methods_supported: t.Array(t.String()),
  scopes_supported: t.Array(t.String()),
  service_documentation: t.String({ format: 'uri' }),
  protected_resources: t.Array(t.String({ format: 'uri' })),
});

/** Protected resource metadata (RFC 9728 §2). */
export const ResourceMetadata = t.Object({
  resource: t.String({ format: 'uri' }),
  authorization_servers: t.Array(t.String({ format: 'uri' })),
  jwks_uri: t.String({ format: 'uri' }),
  scopes_supported: t.Array(t.String()),
  bearer_methods_supported: t.Array(t.String()),
  resource_name: t.String(),
  resource_documentation: t.String({ format: 'uri' }),
});

/** JWK set of the public signing keys (RFC 7517 §5). */
export const JwksModel = t.Object({
  keys: t.Array(
    t.Object({
      kty: t.String(),
      kid: t.String(),
      alg: t.String(),
      use: t.Literal('sig'),
      crv: t.String(),
      x: t.String(),
      y: t.String(),
    }),
  ),
});
