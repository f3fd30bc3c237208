import { TokenError, type TokenTrouble } from '../auth/token';

/** What another server may do better; a refusal is the answer of them all. */
const PASSING: ReadonlySet<TokenTrouble['kind']> = new Set(['unreachable', 'busy', 'malformed', 'wrong_issuer']);

/** True for a failure of one server that says nothing of the others. */
export function isPassing(error: unknown): boolean {
  if (error instanceof TokenError) return PASSING.has(error.trouble.kind);
  return error instanceof Error && (isNetworkName(error.name) || neverConnected(error) || 'code' in error);
}

/** Codes of Bun's fetch and of the system for a connection that was not made. */
const NOT_CONNECTED: ReadonlySet<string> = new Set([
  'ConnectionRefused',
  'FailedToOpenSocket',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** True when a request was certainly not sent, so that even one that must not be sent twice may be sent elsewhere. */
export function neverConnected(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NOT_CONNECTED.has(String(error.code));
}

/** The failure that tells more: what a server said before that none was heard. */
export function weightier(before: unknown, now: unknown): unknown {
  return before === null || isSilence(before) ? now : before;
}

function isSilence(error: unknown): boolean {
  return !(error instanceof TokenError) || error.trouble.kind === 'unreachable';
}

function isNetworkName(name: string): boolean {
  return name === 'TimeoutError' || name === 'AbortError' || name === 'TypeError';
}
