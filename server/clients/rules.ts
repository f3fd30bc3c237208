// What must hold of a client's own settings, whoever gives them: pure functions, each with the first fault it finds, or null. A fault
// names the member as it is called outside and what is expected, never what was given.
import { parseLimit } from '../../kit/limit';
import { type AuthMethod, TLS_SUBJECT_KINDS, type TlsSubject } from '../oauth/client';
import { CLIENT_KEYS_MAX, isPrivate, isSound, publicPart } from '../oauth/jwk';

/** What a client authenticates with, other than secrets. */
export interface ClientKeyring {
  readonly authMethod: AuthMethod;
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] } | null;
  readonly jwksUri: string | null;
  readonly tlsSubject: TlsSubject | null;
}

/** In bytes of JSON: ten RSA keys of 4096 bits with a certificate each fit, and half of what a request may have. */
const KEYS_BYTES_MAX = 32_768;

const TEXT_MAX = 2_048;

/** What is wrong with how the client authenticates. */
export function keyringFault({ authMethod, jwks, jwksUri, tlsSubject }: ClientKeyring): string | null {
  if (jwks !== null && jwksUri !== null) return 'jwks and jwks_uri exclude each other';
  const hasKeys = jwks !== null || jwksUri !== null;
  const needsKeys = authMethod === 'private_key_jwt' || authMethod === 'self_signed_tls_client_auth';
  if (needsKeys && !hasKeys) return `${authMethod} needs jwks or jwks_uri`;
  if (authMethod === 'tls_client_auth' && tlsSubject === null)
    return `tls_client_auth needs exactly one of ${TLS_SUBJECT_KINDS.join(', ')}`;
  if (authMethod !== 'tls_client_auth' && tlsSubject !== null)
    return `${tlsSubject.kind} belongs to tls_client_auth only`;
  if (tlsSubject !== null && !isText(tlsSubject.value)) return `${tlsSubject.kind} is not a text of a useful length`;
  return (jwks && keysFault(jwks.keys)) ?? (jwksUri === null ? null : httpsFault('jwks_uri', jwksUri));
}

/** How JSON writes what `jsonb` does not take: NUL and half a surrogate pair. */
const UNSTORABLE = /\\u(?:0000|d[89a-f])/;

/** What is wrong with a set of public keys. */
function keysFault(keys: readonly Record<string, unknown>[]): string | null {
  if (keys.length === 0 || keys.length > CLIENT_KEYS_MAX) return `jwks must have 1 to ${CLIENT_KEYS_MAX} keys`;
  const text = JSON.stringify(keys);
  if (Buffer.byteLength(text) > KEYS_BYTES_MAX) return 'jwks is too large';
  if (UNSTORABLE.test(text)) return 'jwks must hold neither NUL nor half characters';
  if (keys.some(isPrivate)) return 'jwks must hold public keys only';
  const read = keys.map(publicPart);
  if (read.some((key) => key === null)) return 'jwks must hold complete EC, OKP or RSA keys';
  const isGood = read.every((key) => key !== null && isSound(key));
  return isGood ? null : 'jwks must hold RSA keys of 2048 to 4096 bits with a usual exponent only';
}

/** What is wrong with an https URL: without user, password and fragment. */
function httpsFault(member: string, text: string): string | null {
  // The parser would leave out spaces, tabs and line breaks; what is kept is the text.
  const url = text.length <= TEXT_MAX && /^https:\/\/[!-~]+$/i.test(text) ? URL.parse(text) : null;
  const good = url !== null && url.username === '' && url.password === '' && url.hash === '';
  return good ? null : `${member} must be an https URL without user, password and fragment`;
}

/** What is wrong with limits such as `100/s`. */
export function limitsFault(limits: { readonly api: string | null; readonly token: string | null }): string | null {
  for (const name of ['api', 'token'] as const) {
    const limit = limits[name];
    if (limit !== null && parseLimit(limit) === null)
      return `limits.${name} must be a limit such as 100/s, 600/m or 5000/h`;
  }
  return null;
}

function isText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
  return text.length > 0 && text.length <= TEXT_MAX && !/[\u0000-\u001F\u007F-\u009F]/.test(text);
}
