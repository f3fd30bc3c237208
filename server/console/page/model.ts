// What the admin API says, as far as the page reads it.

/** How a client proves who it is (RFC 7591 §2, RFC 8705 §2). */
export type AuthMethod =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth';

/** Resource (absolute URI) → granted scopes. */
export type Grants = Readonly<Record<string, readonly string[]>>;

/** Key set of a client (RFC 7517 §5). */
export interface Jwks {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** The one name by which a certificate is known (RFC 8705 §2.1.2). */
export interface TlsSubject {
  readonly kind: string;
  readonly value: string;
}

/** A secret without the secret. */
export interface SecretView {
  readonly id: number;
  readonly label: string;
  readonly hint: string | null;
  readonly kind: 'generated' | 'chosen';
  readonly state: 'live' | 'ending' | 'ended';
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
}

/** Limits such as `100/s`; null: the server's. */
export interface ClientLimits {
  readonly api: string | null;
  readonly token: string | null;
}

/** A registered client. */
export interface ClientView {
  readonly client_id: string;
  readonly app_name: string;
  readonly is_active: boolean;
  readonly auth_method: AuthMethod;
  readonly grants: Grants;
  readonly dpop_bound: boolean;
  readonly certificate_bound: boolean;
  readonly jwks: Jwks | null;
  readonly jwks_uri: string | null;
  readonly tls_subject: TlsSubject | null;
  readonly limits: ClientLimits;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tokens_issued: number;
  readonly last_used_at: string | null;
  readonly created_at: string;
  readonly secrets: readonly SecretView[];
}

/** A resource server and its scopes. */
export interface ResourceView {
  readonly id: number;
  readonly identifier: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly introspection_clients: readonly string[];
  readonly built_in: boolean;
  readonly created_at: string;
}

/** A key that signs access tokens, or did, or will. */
export interface KeyView {
  readonly kid: string;
  readonly alg: string;
  readonly state: 'next' | 'active' | 'retiring' | 'revoked';
  readonly created_at: string;
  readonly active_from: string;
  readonly retired_at: string | null;
  readonly removed_at: string | null;
  readonly revoked_at: string | null;
}

/** An initial access token (RFC 7591 §3) without the token. */
export interface RegistrationTokenView {
  readonly id: number;
  readonly label: string;
  readonly hint: string | null;
  readonly state: 'live' | 'ended';
  readonly uses_left: number | null;
  readonly expires_at: string;
  readonly last_used_at: string | null;
  readonly created_at: string;
}

/** A currency of the market. */
export interface CurrencyView {
  readonly symbol: string;
  readonly name: string;
  readonly rate: number | string;
  readonly retired_at: string | null;
}

/** One event of the audit trail. */
export interface AuditView {
  readonly seq: number;
  readonly at: string;
  readonly event: string;
  readonly outcome: 'success' | 'failure';
  readonly reason: string | null;
  readonly actor: string | null;
  readonly client_id: string | null;
  readonly address: string | null;
  readonly request_id: string | null;
  readonly count: number;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What the check of the trail found. */
export interface AuditVerdict {
  readonly ok: boolean;
  readonly events: number;
  readonly first_seq: number | null;
  readonly last_seq: number | null;
  readonly fault: { readonly seq: number; readonly what: string } | null;
}

/** A list that may go on. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor?: string | null;
}

/** A signed-in session of the console. */
export interface SessionView {
  readonly signed_in: boolean;
  readonly csrf_token: string;
  readonly expires_at: string;
  readonly idle_seconds: number;
  readonly issuer: string;
  readonly version: string;
}

/** A secret that was just made: the only time it is told. */
export interface NewSecret {
  readonly clientId: string;
  readonly clientSecret: string;
}
