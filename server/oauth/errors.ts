import type { EventDetails } from './event';

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
  readonly reason: string;
  /** Whom the request named, where it got that far; for the log. */
  readonly clientId: string | null;
  /** What else the operator should know; never told to the caller. */
  readonly details: EventDetails;
  /** Headers of the answer beside the usual ones, such as `DPoP-Nonce`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: OAuthErrorCode,
    reason: string,
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
}

/** 400 of RFC 7591 §3.2.2. `fault` is public: the member as it is called outside and what is expected, without a full stop. */
export function invalidMetadata(fault: string): OAuthError {
  return new OAuthError('invalid_client_metadata', 'metadata_not_valid', { description: `${fault}.` });
}

/** What can be malformed about a request (RFC 6749 §5.2): the word for the operator, and what the caller is told, since it is his own doing. */
const REQUEST_FAULTS = {
  body_not_form: 'Send the request as application/x-www-form-urlencoded.',
  body_not_form_or_json: 'Send the request as application/x-www-form-urlencoded or application/json.',
  body_not_json: 'Send the request as application/json.',
  form_broken: 'The form encoding is broken: a % escape is not UTF-8.',
  json_broken: 'The body is not valid JSON.',
  json_not_object: 'The JSON body is not an object.',
  json_member_repeated: 'A JSON member is repeated.',
  json_member_not_string: 'A JSON member is not a string.',
  parameter_repeated: 'A parameter is repeated.',
  parameter_control_character: 'A parameter contains a control character.',
  grant_type_missing: 'The grant_type parameter is missing.',
  token_missing: 'The token parameter is missing.',
  secret_in_query: 'The client_secret is in the query string; send it in the body.',
  authentication_twice: 'The client authenticates in two ways at once; use one.',
  client_id_differs: 'The client_id parameter differs from the one in the Authorization header.',
  basic_malformed: 'The Basic Authorization header is malformed.',
  basic_control_character: 'The Basic Authorization header contains a control character.',
  assertion_missing: 'The client_assertion parameter is missing.',
  assertion_type_missing: 'The client_assertion_type parameter is missing.',
  client_cert_malformed: 'The Client-Cert header is malformed.',
  client_cert_chain_malformed: 'The Client-Cert-Chain header is malformed.',
  client_cert_chain_too_long: 'The Client-Cert-Chain header is too long.',
} as const;

/** One of {@link REQUEST_FAULTS}. */
export type RequestFault = keyof typeof REQUEST_FAULTS;

/** A malformed request. `description` is public: words of ours alone, nothing that was sent. */
export function invalidRequest(reason: RequestFault, description: string = REQUEST_FAULTS[reason]): OAuthError {
  return new OAuthError('invalid_request', reason, { description });
}
