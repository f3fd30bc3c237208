import { t } from 'elysia';
import { OAUTH_ERRORS, type OAuthErrorCode } from '../oauth/errors';
import { RATES_SCOPE } from '../oauth/resource';

/** What a token request may say (RFC 6749 §4.4.2, RFC 8707 §2); `oauth/form` reads it. */
const TOKEN_REQUEST = {
  type: 'object' as const,
  properties: {
    grant_type: { type: 'string' as const, enum: ['client_credentials'], description: 'Required in a form.' },
    client_id: { type: 'string' as const, description: 'Unless the client authenticates in the header.' },
    client_secret: { type: 'string' as const, format: 'password' },
    scope: { type: 'string' as const, description: 'Less than all that was granted.' },
    resource: { type: 'string' as const, format: 'uri', description: 'The resource server that the token is for.' },
  },
};

/** The body of a token request, for the document. */
export const TOKEN_REQUEST_BODY = {
  content: {
    'application/x-www-form-urlencoded': { schema: TOKEN_REQUEST },
    'application/json': { schema: TOKEN_REQUEST },
  },
};

/** Answer of the token endpoint (RFC 6749 §5.1). */
export const TokenAnswer = t.Object({
  access_token: t.String({ description: 'A JWT access token (RFC 9068).' }),
  token_type: t.UnionEnum(['Bearer', 'DPoP'], { description: 'DPoP when a proof came along (RFC 9449 §5).' }),
  expires_in: t.Integer({ description: 'Seconds until the token ends.', examples: [7200] }),
  scope: t.String({ description: 'What was granted, separated by spaces.', examples: [RATES_SCOPE] }),
});

/** Refusal of the token endpoint (RFC 6749 §5.2). */
export const TokenError = t.Object({
  error: t.UnionEnum(Object.keys(OAUTH_ERRORS) as [OAuthErrorCode, ...OAuthErrorCode[]]),
  error_description: t.String({ description: 'For people; not to be parsed.' }),
});

/** What an access token is bound to; it is good with a proof of it only. */
export interface Binding {
  /** Thumbprint of the DPoP key (RFC 9449 §6.1). */
  readonly jkt: string | null;
  /** Thumbprint of the client's certificate (RFC 8705 §3.1). */
  readonly certificate: string | null;
}

/** Claims of an access token once it has been verified (RFC 9068 §2.2). Times are seconds since the epoch. */
export interface AccessClaims {
  readonly clientId: string;
  readonly jti: string;
  readonly audience: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  /** The client's epoch at issue; see `clients.epoch`. */
  readonly epoch: number;
  /** The key that signed it. */
  readonly kid: string;
  /** Null for a bearer token. */
  readonly binding: Binding | null;
}

/** Verified payload → claims; null when one is missing or of the wrong type. */
export function readClaims(payload: Readonly<Record<string, unknown>>, kid: string): AccessClaims | null {
  const { sub, client_id: clientId, jti, aud, iat, exp, scope, epoch, cnf } = payload;
  if (typeof clientId !== 'string' || sub !== clientId || typeof jti !== 'string' || typeof scope !== 'string')
    return null;
  if (typeof exp !== 'number' || typeof iat !== 'number' || typeof epoch !== 'number' || typeof aud !== 'string')
    return null;
  const binding = cnf === undefined ? null : readBinding(cnf);
  if (binding === undefined) return null;
  const times = { issuedAt: iat, expiresAt: exp };
  return { clientId, jti, audience: aud, ...times, scopes: scope.split(' '), epoch, kid, binding };
}

/** The `cnf` claim (RFC 7800 §3.1) → binding; undefined when it binds to nothing that is known here. */
function readBinding(cnf: unknown): Binding | undefined {
  if (typeof cnf !== 'object' || cnf === null) return undefined;
  const { jkt = null, 'x5t#S256': certificate = null } = cnf as Record<string, unknown>;
  if (jkt !== null && typeof jkt !== 'string') return undefined;
  if (certificate !== null && typeof certificate !== 'string') return undefined;
  return jkt === null && certificate === null ? undefined : { jkt, certificate };
}

/** The `cnf` claim of a binding. */
export function confirmationOf({ jkt, certificate }: Binding): Readonly<Record<string, string>> {
  return { ...(jkt !== null && { jkt }), ...(certificate !== null && { 'x5t#S256': certificate }) };
}

/** The body of a request about a token (RFC 7662 §2.1, RFC 7009 §2.1), for the document. */
export const ABOUT_TOKEN_BODY = {
  content: {
    'application/x-www-form-urlencoded': {
      schema: {
        type: 'object' as const,
        required: ['token'],
        properties: {
          token: { type: 'string' as const, description: 'The access token.' },
          token_type_hint: { type: 'string' as const, description: 'Not needed; any value is taken.' },
          client_id: { type: 'string' as const, description: 'Unless the client authenticates in the header.' },
          client_secret: { type: 'string' as const, format: 'password' },
        },
      },
    },
  },
};

/** Answer about a token (RFC 7662 §2.2). */
export const IntrospectionAnswer = t.Object({
  active: t.Boolean({ description: 'False for every token that is not good, or not for the caller to know of.' }),
  scope: t.Optional(t.String({ examples: [RATES_SCOPE] })),
  client_id: t.Optional(t.String()),
  token_type: t.Optional(t.UnionEnum(['Bearer', 'DPoP'])),
  exp: t.Optional(t.Integer()),
  iat: t.Optional(t.Integer()),
  sub: t.Optional(t.String()),
  aud: t.Optional(t.String({ format: 'uri' })),
  iss: t.Optional(t.String({ format: 'uri' })),
  jti: t.Optional(t.String()),
  cnf: t.Optional(
    t.Object({ jkt: t.Optional(t.String()), 'x5t#S256': t.Optional(t.String()) }, { description: 'RFC 7800 §3.1' }),
  ),
});

/** Answer to a revocation (RFC 7009 §2.2): no body. */
export const Revoked = t.Void({ description: 'The token is good no more.' });
