import { t } from 'elysia';
import { OAUTH_ERRORS, type OAuthErrorCode } from '../oauth/errors';

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
  token_type: t.Literal('Bearer'),
  expires_in: t.Integer({ description: 'Seconds until the token ends.', examples: [7200] }),
  scope: t.String({ description: 'What was granted, separated by spaces.', examples: ['currency:read'] }),
});

/** Refusal of the token endpoint (RFC 6749 §5.2). */
export const TokenError = t.Object({
  error: t.UnionEnum(Object.keys(OAUTH_ERRORS) as [OAuthErrorCode, ...OAuthErrorCode[]]),
  error_description: t.String({ description: 'For people; not to be parsed.' }),
});

/** Claims of an access token once it has been verified (RFC 9068 §2.2). Times are seconds since the epoch. */
export interface AccessClaims {
  readonly clientId: string;
  readonly jti: string;
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  /** The client's epoch at issue; see `clients.epoch`. */
  readonly epoch: number;
}

/** Verified payload → claims; null when one is missing or of the wrong type. */
export function readClaims(payload: Readonly<Record<string, unknown>>): AccessClaims | null {
  const { sub, client_id: clientId, jti, exp, scope, epoch } = payload;
  if (typeof clientId !== 'string' || sub !== clientId || typeof jti !== 'string' || typeof scope !== 'string')
    return null;
  if (typeof exp !== 'number' || typeof epoch !== 'number') return null;
  return { clientId, jti, expiresAt: exp, scopes: scope.split(' '), epoch };
}
