import { Problem } from '../../kit/http/problem';
import type { TokenError } from '../auth/token';

/** A caller waits at least this long, in seconds, when nothing is known of the next attempt. */
const RETRY_SECONDS = 5;

/** Why there is no token, as an answer to a local caller: the server's no is 401 or 403, its silence 503. */
export function tokenProblem({ message, trouble, nextAttemptAtMs }: TokenError, nowMs: number): Problem {
  switch (trouble.kind) {
    case 'refused':
    case 'own_refused':
      // RFC 9110 §15.5.2 asks for a challenge; a scheme of its own keeps browsers from asking for a password.
      return new Problem(401, 'Unauthorized', message, { 'www-authenticate': 'ClientSecret realm="crypto-server"' });
    case 'not_registered':
      return new Problem(403, 'Forbidden', message);
    case 'busy':
    case 'unreachable': {
      const waitMs = nextAttemptAtMs === null ? RETRY_SECONDS * 1000 : nextAttemptAtMs - nowMs;
      const headers = { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) };
      return new Problem(503, 'Service Unavailable', message, headers);
    }
    case 'malformed':
    case 'wrong_issuer':
      return new Problem(502, 'Bad Gateway', message);
  }
}
