import { busy, sayNetworkError } from '../auth/answer';
import { TokenError, type TokenTrouble } from '../auth/token';
import type { ServerAnswer } from '../server-api';
import { readRates, type SeenRate } from './model';

/** Why an attempt brought no rates, and what the other side asked for. */
export interface Failure {
  /** `refused`: a server was reached and does not want this client. `away`: anything that may pass by itself. */
  readonly kind: 'refused' | 'away';
  /** One sentence for people. */
  readonly reason: string;
  /** Pause that the server asked for in milliseconds, or null. */
  readonly askedMs: number | null;
  /** When a new token is tried for; milliseconds since the epoch. */
  readonly tokenAtMs: number | null;
}

/** Good rates. */
export interface FreshRates {
  readonly kind: 'rates';
  readonly rates: readonly SeenRate[];
}

/** Only another credential or another setting mends these. */
const REFUSALS: ReadonlySet<TokenTrouble['kind']> = new Set([
  'refused',
  'own_refused',
  'not_registered',
  'wrong_issuer',
]);

/** What an answer of the server at `serverUrl` means for the rates. */
export function judgeRates(answer: ServerAnswer, serverUrl: string, nowMs: number): FreshRates | Failure {
  switch (answer.kind) {
    case 'data': {
      const rates = readRates(answer.data);
      return rates === null
        ? failure({ kind: 'malformed', detail: 'it is not a list of rates' })
        : { kind: 'rates', rates };
    }
    case 'status':
      return judgeStatus(answer.status, answer.retryAfter, nowMs);
    case 'failed': {
      const { cause } = answer;
      if (cause instanceof TokenError) return failure(cause.trouble, cause.nextAttemptAtMs);
      return failure({ kind: 'unreachable', detail: sayNetworkError(cause, new URL(serverUrl).origin) });
    }
  }
}

function judgeStatus(status: number, retryAfter: string | null, nowMs: number): Failure {
  if (status === 401 || status === 403)
    return { kind: 'refused', reason: sayRefused(status), askedMs: null, tokenAtMs: null };
  const headers = retryAfter === null ? [] : [['retry-after', retryAfter] as [string, string]];
  const passing = busy(new Response(null, { status, headers }), nowMs);
  return failure(passing ?? { kind: 'malformed', detail: `the rates are answered with status ${status}` });
}

function failure(trouble: TokenTrouble, tokenAtMs: number | null = null): Failure {
  const askedMs = trouble.kind === 'busy' ? trouble.retryAfterMs : null;
  const kind = REFUSALS.has(trouble.kind) ? 'refused' : 'away';
  return { kind, reason: new TokenError(trouble).message, askedMs, tokenAtMs };
}

function sayRefused(status: number): string {
  return `The server refuses its rates to this client (status ${status}): its administrator can tell whether the client is enabled and may read them.`;
}
