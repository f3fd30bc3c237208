import { ApiError } from '../api';
import type { Format } from '../format';
import { useShell } from '../shell';
import type { Words } from '../words/en';

/** Why something did not happen: in the words of the page, and what the client said. */
export function Failure({ error, signingIn = false }: { readonly error: unknown; readonly signingIn?: boolean }) {
  const { words, format } = useShell();
  if (error === null) return null;
  const detail = error instanceof Error ? error.message : String(error);
  const told = error instanceof ApiError ? failureWords(error, words, format, signingIn) : detail;
  return (
    <div class="failure" role="alert">
      <p>{told}</p>
      {detail !== '' && detail !== told && (
        <p class="quiet" lang="en">
          {detail}
        </p>
      )}
    </div>
  );
}

/** The words for a status (RFC 9110 §15). */
export function failureWords(
  { status, retryAfter }: ApiError,
  { errors }: Words,
  format: Format,
  signingIn: boolean,
): string {
  switch (status) {
    case 0:
      return errors.silent;
    case 401:
      return signingIn ? errors.password : errors.unauthorized;
    case 403:
      return errors.forbidden;
    case 404:
      return errors.missing;
    case 409:
      return errors.conflict;
    case 422:
      return errors.malformed;
    case 429:
      return retryAfter === null ? errors.manySome : errors.many(format.duration(retryAfter));
    case 502:
      return errors.gateway;
    case 503:
      return errors.unavailable;
    default:
      return errors.other(format.count(status));
  }
}
