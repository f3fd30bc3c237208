import { namesSecret, REDACTED, redactText } from './redact';

/** Extra members of a log record, with flat dotted ECS names as keys. */
export type Fields = Readonly<Record<string, unknown>>;

const MAX_TEXT = 8_192; // characters of one value: a log line is to be read, not to carry documents
const MAX_DEPTH = 4;
const MAX_ITEMS = 100;

/** The same fields, fit to be written: secrets redacted, errors told as `error.type`, `error.message`, `error.stack_trace`. */
export function cleanFields(fields: Fields): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const key in fields) {
    const value = fields[key];
    if (value === undefined) continue;
    if (value instanceof Error && key === 'error') Object.assign(clean, errorFields(value));
    else clean[key] = cleanMember(key, value, 0);
  }
  return clean;
}

/** Text without secrets, and not endless. */
export function cleanText(text: string): string {
  return redactText(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
}

function cleanMember(key: string, value: unknown, depth: number): unknown {
  const tellsNothing = value === null || value === undefined || typeof value === 'boolean';
  return !tellsNothing && namesSecret(key) ? REDACTED : cleanValue(value, depth);
}

function cleanValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return '[function]';
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return errorSentence(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL) return cleanText(value.href);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '[deeper]';
  return cleanObject(value, depth + 1);
}

function cleanObject(value: object, depth: number): unknown {
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => cleanValue(item, depth));
  // A JSON Web Key, a native key and everything that hides what it holds are not for logs.
  if ('kty' in value || value instanceof CryptoKey) return REDACTED;
  const members: Iterable<[unknown, unknown]> =
    value instanceof Map || value instanceof Headers ? value.entries() : Object.entries(value);
  const clean: Record<string, unknown> = {};
  let count = 0;
  for (const [key, member] of members) {
    if (++count > MAX_ITEMS) break;
    clean[String(key)] = cleanMember(String(key), member, depth);
  }
  return clean;
}

function errorFields(error: Error): Record<string, string> {
  const fields: Record<string, string> = { 'error.type': error.name, 'error.message': errorMessage(error) };
  const frames = stackFrames(error);
  if (frames !== '') fields['error.stack_trace'] = frames;
  return fields;
}

/** An error as one line without secrets: for logs, and for the last words of a command. */
export function errorSentence(error: unknown): string {
  if (!(error instanceof Error)) return cleanText(String(error));
  return error.name === 'Error' ? errorMessage(error) : `${error.name}: ${errorMessage(error)}`;
}

/** The stack of an error without its message, which may repeat what nobody should read; empty when there is none. */
export function stackFrames(error: Error): string {
  const stack = error.stack ?? '';
  const at = stack.indexOf(error.message);
  const below = error.message !== '' && at >= 0 ? stack.slice(at + error.message.length) : stack;
  const frames = below.split('\n').filter((line) => /^\s+at /.test(line));
  return cleanText(frames.map((line) => line.trim()).join('\n'));
}

const MAX_CAUSES = 4;

function errorMessage(error: Error): string {
  const sentences: string[] = [];
  let next: unknown = error;
  for (let depth = 0; next instanceof Error && depth < MAX_CAUSES; depth++) {
    const database = databaseSentence(next);
    if (database !== null) return [...sentences, database].join(' ← ');
    sentences.push(cleanText(next.message) + codeOf(next));
    next = next.cause;
  }
  return sentences.join(' ← ');
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' && !error.message.includes(error.code)
    ? ` (${error.code})`
    : '';
}

/**
 * What may be told of a failed query: the SQLSTATE and PostgreSQL's routine. Its message, the query and the
 * parameters hold what users sent. Null when the error is none of a database.
 */
function databaseSentence(error: Error): string | null {
  const ofDatabase = 'query' in error || 'severity' in error || error.name === 'DrizzleQueryError';
  if (!ofDatabase) return null;
  const source: object = error.cause instanceof Error ? error.cause : error;
  const code = 'code' in source && typeof source.code === 'string' ? source.code : 'unknown';
  const routine = 'routine' in source && typeof source.routine === 'string' ? ` (${source.routine})` : '';
  return /^[0-9A-Z]{5}$/.test(code) ? `query failed: SQLSTATE ${code}${routine}` : `query failed: ${cleanText(code)}`;
}
