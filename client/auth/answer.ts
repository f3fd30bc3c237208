import { retryAfterMs } from '../../kit/backoff';
import { isOfCertificate } from '../../kit/tls/error-code';
import type { Fetch } from '../ports';
import { TokenError, type TokenTrouble } from './token';

/** Largest answer that is read from an authorization server, in bytes: real ones stay below 8 KiB. */
export const ANSWER_BYTES_MAX = 64 * 1024;

/** Longest text of the server's that is repeated in our messages, in characters. */
const QUOTE_LENGTH_MAX = 200;

/** Sends; no answer becomes a {@link TokenError} of kind `unreachable`. */
export async function send(transport: Fetch, request: Request): Promise<Response> {
  try {
    return await transport(request);
  } catch (error) {
    throw new TokenError({ kind: 'unreachable', detail: sayNetworkError(error, new URL(request.url).origin) });
  }
}

/**
 * The body as JSON object, or null when it is not one. Reads no more than {@link ANSWER_BYTES_MAX}. Rejects with {@link TokenError} of
 * kind `unreachable` when it breaks off.
 */
export async function readObject(response: Response): Promise<Readonly<Record<string, unknown>> | null> {
  const text = await readText(response);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** 429 and 5xx, whose bodies nobody reads, as trouble that passes; anything else as null. */
export function busy(response: Response, nowMs: number): TokenTrouble | null {
  const { status } = response;
  if (status !== 429 && status < 500) return null;
  leave(response);
  return { kind: 'busy', status, retryAfterMs: retryAfterMs(response.headers.get('retry-after'), nowMs) };
}

/** Gives up a body that nobody reads: else its connection stays taken. */
export function leave({ body }: Response): void {
  body?.cancel().catch(() => {});
}

/** What the server says in words: without controls, cut to a line, or null; null also when it repeats one of the secrets that it was `shown`. */
export function quote(value: unknown, shown: readonly string[]): string | null {
  if (typeof value !== 'string' || shown.some((secret) => value.includes(secret))) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is removed here
  const line = value.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return line === '' ? null : line.slice(0, QUOTE_LENGTH_MAX);
}

/** A failed connection in plain words. `origin` is the address that was asked. */
export function sayNetworkError(error: unknown, origin: string): string {
  if (!(error instanceof Error)) return `no connection to ${origin}`;
  if (error.name === 'TimeoutError') return `no answer from ${origin} in time`;
  if (error.name === 'AbortError') return 'the program is stopping';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (isOfCertificate(code))
    return `the certificate of ${origin} is not good (${code}); crypto-client doctor says more`;
  // The handshake failed: the server does not say for want of what.
  const advice = code === 'EPROTO' ? '; if it asks for a certificate, set SERVER_TLS_CERT_FILE' : '';
  return `no connection to ${origin}${code && ` (${code})`}${advice}`;
}

function sayBrokenOff(error: unknown): string {
  const isLate = error instanceof Error && error.name === 'TimeoutError';
  return isLate ? 'the answer did not end in time' : 'the answer broke off';
}

async function readText(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > ANSWER_BYTES_MAX) return null;
      chunks.push(chunk);
    }
  } catch (error) {
    throw new TokenError({ kind: 'unreachable', detail: sayBrokenOff(error) });
  }
  return Buffer.concat(chunks).toString('utf8');
}
