/** Obtaining tokens (RFC 6749 §4.4, RFC 8414) and sending them (RFC 6750). Apart from credentials/: nothing here knows whose they are or where they are kept. */

/** An access token and how long it lives by the clock of this machine. */
export interface AccessToken {
  readonly value: string;
  /** `DPoP`: bound to a key, and of no use without proofs of it (RFC 9449 §5). */
  readonly type: 'Bearer' | 'DPoP';
  /** Milliseconds since the epoch at which the answer was judged. */
  readonly obtainedAtMs: number;
  /** Milliseconds since the epoch; the life is the difference of the two, so a wrong clock does not shorten it. */
  readonly expiresAtMs: number;
  /** The scope granted, or null when the server did not say. */
  readonly scope: string | null;
}

/** Where tokens come from. Rejects with {@link TokenError}. */
export interface TokenSource {
  token(): Promise<AccessToken>;
}

/** The error codes of RFC 6749 §5.2, RFC 8707 §2 and RFC 9449 §5 and §8. */
export const OAUTH_ERRORS = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
  'invalid_dpop_proof',
  'use_dpop_nonce',
] as const;

/** One of {@link OAUTH_ERRORS}. */
export type OAuthError = (typeof OAUTH_ERRORS)[number];

/** Why there is no token: the exact reason, for logs and for the steps that can mend it. */
export type TokenTrouble =
  /** The token endpoint said no (RFC 6749 §5.2). */
  | { readonly kind: 'refused'; readonly error: OAuthError; readonly description: string | null }
  /** The server refuses the id that this client made for itself, and knows it: it was disabled or deleted there. */
  | { readonly kind: 'own_refused'; readonly clientId: string }
  /** The server does not let this client register. */
  | { readonly kind: 'not_registered'; readonly status: number; readonly detail: string | null }
  /** The server does not change the secret of this client. */
  | { readonly kind: 'not_rotated'; readonly status: number; readonly detail: string | null }
  /** 429 or 5xx: the same request may succeed later. */
  | { readonly kind: 'busy'; readonly status: number; readonly retryAfterMs: number | null }
  /** No answer at all, or none in time. */
  | { readonly kind: 'unreachable'; readonly detail: string }
  /** An answer that is not of the protocol. */
  | { readonly kind: 'malformed'; readonly detail: string }
  /** The metadata name another issuer (RFC 8414 §3.3). */
  | { readonly kind: 'wrong_issuer'; readonly expected: string; readonly found: string };

/** There is no token. `trouble` is the exact reason; the message says in one line what to change, never a secret. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly trouble: TokenTrouble;
  /** Milliseconds since the epoch before which nothing is tried again, or null when no pause is on. */
  readonly nextAttemptAtMs: number | null;

  constructor(trouble: TokenTrouble, nextAttemptAtMs: number | null = null) {
    super(sayTrouble(trouble));
    this.trouble = trouble;
    this.nextAttemptAtMs = nextAttemptAtMs;
  }
}

/** One calm sentence for people. */
function sayTrouble(trouble: TokenTrouble): string {
  switch (trouble.kind) {
    case 'refused':
      return trouble.error === 'invalid_client'
        ? 'The server refuses this client id and secret: the client is unknown, disabled, or its secret or key is wrong. Use the id and secret of a registered one (CLIENT_ID, CLIENT_SECRET).'
        : `The server refuses the token request: ${trouble.error}${tail(trouble.description)}. Its administrator can tell what this client may do.`;
    case 'own_refused':
      return `The server refuses ${trouble.clientId}, the id that this client made for itself: it was disabled or deleted there, or has another secret. Its administrator can enable it. To begin anew, take it away (crypto-client credentials remove), or set CLIENT_ID and CLIENT_SECRET to a registered client.`;
    case 'not_registered':
      return `The server does not register this client (${trouble.status}${tail(trouble.detail)}): set REGISTRATION_TOKEN or ADMIN_SECRET, or set CLIENT_ID and CLIENT_SECRET to a registered client.`;
    case 'not_rotated':
      return `The server does not change the secret (${trouble.status}${tail(trouble.detail)}). The present one stays in use.`;
    case 'busy':
      return `The server cannot answer just now (status ${trouble.status}).`;
    case 'unreachable':
      return `The server does not answer: ${trouble.detail}.`;
    case 'malformed':
      return `The server's answer makes no sense: ${trouble.detail}.`;
    case 'wrong_issuer':
      return `The server calls itself "${trouble.found}", not "${trouble.expected}": if it is the right one, set ISSUER=${trouble.found}.`;
  }
}

function tail(detail: string | null): string {
  return detail === null ? '' : `, ${detail.replace(/\.+$/, '')}`;
}
