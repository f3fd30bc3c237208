// What a failed statement says of the database.

/**
 * SQLSTATE classes and codes of a server that cannot serve now: connections, shutdown, no room for more (clients, memory, disk), ended
 * for taking too long, and only to be read, as a standby is and one that somebody has closed because its disk was full.
 */
const AWAY_STATES = /^(08...|53...|57P0[1-5]|57014|25006|25P03)$/;

const AWAY_CODES = new Set([
  'QUERY_DEADLINE',
  'CONNECTION_LOST',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'DNS_ENOTFOUND',
  'DNS_ESERVFAIL',
  'DNS_ETIMEOUT',
]);

/** True when the database is unreachable, shutting down or cannot take more (not when a statement is wrong). Looks through `cause` and `errors`. */
export function isAway(error: unknown): boolean {
  const state = sqlState(error);
  if (state) return AWAY_STATES.test(state);
  if (refusedCertificate(error)) return true;
  return causes(error).some(({ code, syscall }) => AWAY_CODES.has(String(code)) || isMissingSocket(code, syscall));
}

/** A missing file is nobody's absence but that of a server on a Unix socket. */
function isMissingSocket(code: unknown, syscall: unknown): boolean {
  return code === 'ENOENT' && syscall === 'connect';
}

/** True when the database showed a certificate that was not taken: for another name, ended, or of an authority that nobody here knows. */
export function refusedCertificate(error: unknown): boolean {
  return causes(error).some(({ code }) => /CERT|SIGNATURE|ISSUER/.test(String(code)));
}

/** True when the database hung up where TLS was to begin. */
export function speaksNoTls(error: unknown): boolean {
  return causes(error).some(({ code, message }) => code === 'ECONNRESET' && /before secure TLS/.test(String(message)));
}

/** The SQLSTATE of a failed statement, or null when the failure is not an answer of the database. Looks through `cause`. */
export function sqlState(error: unknown): string | null {
  return (answerIn(error)?.code as string | undefined) ?? null;
}

/** True when a pooler refuses a connection for a parameter that it does not know; PostgreSQL itself knows them all. */
export function refusesParameter(error: unknown): boolean {
  return sqlState(error) === '08P01' && /startup parameter/.test(String(answerIn(error)?.message));
}

interface Cause {
  readonly code?: unknown;
  readonly severity?: unknown;
  /** The older field of the protocol; PgBouncer sends no other. */
  readonly severity_local?: unknown;
  readonly syscall?: unknown;
  readonly message?: unknown;
}

/** Both drivers keep PostgreSQL's own fields; errors of the network have a `code` too, but no severity. */
function answerIn(error: unknown): Cause | undefined {
  return causes(error).find(
    ({ code, severity, severity_local: local }) => typeof code === 'string' && (severity ?? local) !== undefined,
  );
}

function causes(error: unknown): readonly Cause[] {
  const found: object[] = [];
  const pending: unknown[] = [error];
  while (pending.length > 0) {
    const next = pending.shift();
    if (typeof next !== 'object' || next === null || found.includes(next)) continue;
    found.push(next);
    if ('cause' in next) pending.push(next.cause);
    if ('errors' in next && Array.isArray(next.errors)) pending.push(...next.errors);
  }
  return found;
}
