import type { EventDetails } from './event';
import { REQUEST_FAULTS, type Reason, type RequestFault } from './words';

/** What the caller of an OAuth endpoint may be told: RFC 6749 §5.2 and its relatives. */
export const OAUTH_ERRORS = {
  /** RFC 6749 §5.2: malformed, a parameter is missing, repeated or of the wrong form. */
  invalid_request: { status: 400, description: 'The request is malformed.' },
  /** RFC 6749 §5.2: one answer for unknown, wrong, disabled and absent, so that none can be told from another. */
  invalid_client: { status: 401, description: 'Client authentication failed.' },
  /** RFC 6749 §5.2 */
  unsupported_grant_type: { status: 400, description: 'Only grant_type=client_credentials is supported.' },
  /** RFC 6749 §5.2 */
  invalid_scope: { status: 400, description: 'The scope is malformed, unknown or not granted to this client.' },
  /** RFC 8707 §2 */
  invalid_target: { status: 400, description: 'The resource is unknown, or more than one was asked for.' },
  /** RFC 6749 §5.2 */
  unauthorized_client: { status: 400, description: 'The client is not allowed to do this.' },
  /** RFC 9449 §5 */
  invalid_dpop_proof: { status: 400, description: 'The DPoP proof is missing or not valid.' },
  /** RFC 9449 §8 */
  use_dpop_nonce: { status: 400, description: 'The DPoP proof needs the nonce in the DPoP-Nonce header.' },
  /** RFC 7591 §3.2.2 */
  invalid_client_metadata: { status: 400, description: 'The client metadata are not valid.' },
} as const;

/** An `error` code of a token answer. */
export type OAuthErrorCode = keyof typeof OAUTH_ERRORS;

/**
 * A deliberate refusal at an OAuth endpoint.
 * `description` is public; `reason` is the exact inner cause and goes to the log alone.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly code: OAuthErrorCode;
  readonly description: string;
  readonly reason: Reason;
  /** Whom the request named, where it got that far; for the log. */
  clientId: string | null;
  /** How the client tried to authenticate, where the request got that far; for the metrics. */
  method: string | null = null;
  /** What else the operator should know; never told to the caller. */
  readonly details: EventDetails;
  /** Headers of the answer beside the usual ones, such as `DPoP-Nonce`. */
  headers: Readonly<Record<string, string>>;

  constructor(
    code: OAuthErrorCode,
    reason: Reason,
    more: { description?: string; clientId?: string; details?: EventDetails; headers?: Record<string, string> } = {},
  ) {
    super(`${code}: ${reason}`);
    this.code = code;
    this.description = more.description ?? OAUTH_ERRORS[code].description;
    this.reason = reason;
    this.clientId = more.clientId ?? null;
    this.details = more.details ?? {};
    this.headers = more.headers ?? {};
  }

  /** Every client begins with a proof without the nonce (RFC 9449 §8): that is no failure. */
  get routine(): boolean {
    return this.code === 'use_dpop_nonce';
  }

  /** Its answer has these headers too, where it has none of its own of that name. */
  carry(headers: Readonly<Record<string, string>>): void {
    this.headers = { ...headers, ...this.headers };
  }
}

/** 400 of RFC 7591 §3.2.2. `fault` is public: the member as it is called outside and what is expected, without a full stop. */
export function invalidMetadata(fault: string): OAuthError {
  return new OAuthError('invalid_client_metadata', 'metadata_not_valid', { description: `${fault}.` });
}

/** A malformed request. `description` is public: words of ours alone, nothing that was sent. */
export function invalidRequest(reason: RequestFault, description: string = REQUEST_FAULTS[reason]): OAuthError {
  return new OAuthError('invalid_request', reason, { description });
}
