import type { TokenState } from '../auth/token-source';
import type { StoredCredential } from './stored';

/** Where a credential came from: given at the start, kept in the vault by its user, or made here. */
export type CredentialOrigin = 'environment' | StoredCredential['origin'];

/** A credential as callers see it; never a secret, a key or a token. Times are RFC 3339 UTC with milliseconds. */
export interface CredentialView {
  readonly name: string;
  /** True for the one that is used when none is named. */
  readonly active: boolean;
  /** Null: it gets one when it is registered. */
  readonly client_id: string | null;
  readonly app_name: string;
  readonly origin: CredentialOrigin;
  readonly registered: boolean;
  readonly method: 'client_secret' | 'private_key_jwt';
  readonly dpop: boolean;
  readonly servers: readonly string[];
  readonly issuer: string;
  readonly scope: string | null;
  readonly resource: string | null;
  readonly has_token: boolean;
  readonly token_expires_at: string | null;
  readonly token_expires_in: number | null;
  readonly token_scope: string | null;
  readonly renewal: {
    readonly last_at: string | null;
    readonly next_at: string | null;
    readonly last_error: string | null;
  };
  /** Null: it has a key instead. */
  readonly secret: {
    /** Two while one takes the place of the other. */
    readonly count: number;
    readonly expires_at: string | null;
    readonly rotated_at: string | null;
    readonly next_rotation_at: string | null;
    readonly last_error: string | null;
  } | null;
  readonly last_error: string | null;
}

/** What is looked at. */
export interface Seen {
  readonly name: string;
  readonly active: boolean;
  readonly origin: CredentialOrigin;
  readonly stored: StoredCredential;
  readonly servers: readonly string[];
  readonly issuer: string;
  readonly tokens: TokenState;
  readonly nextRotationAtMs: number | null;
  readonly rotationError: string | null;
  readonly nowMs: number;
}

/** The credential at this moment. */
export function credentialView(seen: Seen): CredentialView {
  const { name, active, origin, stored, servers, issuer, nowMs } = seen;
  const { live, nextAttemptAtMs, lastError } = seen.tokens;
  const tokenError = lastError?.message ?? null;
  return {
    name,
    active,
    client_id: stored.clientId,
    app_name: stored.appName,
    origin,
    registered: stored.registered,
    method: stored.key === null ? 'client_secret' : 'private_key_jwt',
    dpop: stored.dpopKey !== null,
    servers,
    issuer,
    scope: stored.scope,
    resource: stored.resource,
    has_token: live !== null,
    token_expires_at: iso(live?.expiresAtMs),
    token_expires_in: live === null ? null : Math.max(0, Math.floor((live.expiresAtMs - nowMs) / 1000)),
    token_scope: live?.scope ?? null,
    renewal: { last_at: iso(live?.obtainedAtMs), next_at: iso(nextAttemptAtMs), last_error: tokenError },
    secret: secretView(seen),
    last_error: tokenError ?? seen.rotationError,
  };
}

function secretView({ stored, nextRotationAtMs, rotationError }: Seen): CredentialView['secret'] {
  if (stored.key !== null) return null;
  return {
    count: Math.min(2, stored.secrets.length),
    expires_at: iso(stored.secrets[0]?.expiresAtMs),
    rotated_at: iso(stored.rotatedAtMs),
    next_rotation_at: iso(nextRotationAtMs),
    last_error: rotationError,
  };
}

/** A moment on the wire; null: there is none. */
export function iso(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString();
}
