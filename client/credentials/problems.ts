import { conflict, notFound, Problem } from '../../kit/http/problem';
import type { TokenError } from '../auth/token';
import type { VaultFault } from '../vault/fault';
import { CREDENTIALS_MAX } from './stored';

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
    case 'not_rotated':
    case 'wrong_issuer':
      return new Problem(502, 'Bad Gateway', message);
  }
}

/** 503: what was asked for is in a vault that does not open. */
export function vaultProblem({ message }: VaultFault): Problem {
  return new Problem(503, 'Service Unavailable', message);
}

/** 409: there is no place for another credential. */
export function tooManyCredentials(): Problem {
  return conflict(`There are ${CREDENTIALS_MAX} credentials already: remove one first.`);
}

/** 404: nobody is given another credential's answer. */
export function credentialUnknown(): Problem {
  return notFound('There is no credential of that name.');
}

/** 409: a rotation that was begun a moment ago, here or in another process, is not over. */
export function busyRotating(): Problem {
  return conflict('The secret of this credential is being changed already: wait a minute, then look again.');
}

/** 409: what a credential with a key is asked that only one with a secret can do. */
export function keyHasNoSecret(): Problem {
  return conflict('This credential has a key and no secret: there is none to change.');
}

/** 409: a client that has an id already does not get a key by registering. */
export function registeredElsewhere(): Problem {
  return conflict('This credential has an id and a key: its client is made by the administrator of the server.');
}

/** 409: what is set in the environment can only be changed there. */
export function setInEnvironment(): Problem {
  return conflict('This credential is set by CLIENT_ID and CLIENT_SECRET in the environment: change it there.');
}
