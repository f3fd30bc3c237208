import { Problem } from '../../kit/http/problem';
import { OAuthError } from '../oauth/errors';

/**
 * A refusal once it is known whose request it is: the operator is told, and the answer says what is left of the limit that
 * the request was counted against (null: none), like any other. Other errors are left alone.
 */
export function charged(
  error: unknown,
  clientId: string | null,
  headers: Readonly<Record<string, string>> | null,
): unknown {
  if (error instanceof OAuthError) error.clientId ??= clientId;
  if (headers !== null && (error instanceof Problem || error instanceof OAuthError)) error.carry(headers);
  return error;
}
