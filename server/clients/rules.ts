// What must hold of a client's own settings, whoever gives them: pure functions, each with the first fault it finds, or null. A fault
// names the member as it is called outside and what is expected, never what was given.
import { parseLimit } from '../../kit/limit';
import { type AuthMethod, TLS_SUBJECT_KINDS, type TlsSubject } from '../oauth/client';
import {
  CLIENT_KEYS_MAX,
  type GivenJwk,
  isPrivate,
  isReadable,
  isSound,
  knownPart,
  publicPart,
  SIGNATURE_ALGORITHMS,
  signingKey,
} from '../oauth/jwk';

/** What a client authenticates with, other than secrets. */
export interface ClientKeyring {
  readonly authMethod: AuthMethod;
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] } | null;
  readonly jwksUri: string | null;
  readonly tlsSubject: TlsSubject | null;
}

/** What a server can do for clients: that of others would never work. */
export interface Offers {
  /** How they may authenticate. */
  readonly methods: readonly AuthMethod[];
  /** True when client certificates can come in (RFC 8705). */
  readonly certificates: boolean;
  /** False for what is no name of a certificate. */
  readonly isSubject: (subject: TlsSubject) => boolean;
}

/** The settings that need something of the server. */
type Needing = Pick<ClientKeyring, 'authMethod' | 'tlsSubject'> & { readonly certificateBound: boolean };

/** What is asked for and this server cannot do; what a client has already (null: it is new) it may keep. */
export function offerFault(wanted: Needing, has: Needing | null, offers: Offers): string | null {
  const { authMethod, certificateBound, tlsSubject } = wanted;
  if (authMethod !== has?.authMethod && !offers.methods.includes(authMethod))
    return `${authMethod} is not offered here; see token_endpoint_auth_methods_supported`;
  if (certificateBound && has?.certificateBound !== true && !offers.certificates)
    return 'tls_client_certificate_bound_access_tokens (certificate_bound) needs client certificates, which cannot come in here';
  return tlsSubject === null || offers.isSubject(tlsSubject) ? null : `${tlsSubject.kind} is not such a name`;
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
  return (jwks && keysFault(jwks.keys, authMethod)) ?? (jwksUri === null ? null : httpsFault('jwks_uri', jwksUri));
}

/** Public keys as they are kept: only what is known of keys. To be asked for what {@link keyringFault} lets pass. */
export function keptKeys(jwks: ClientKeyring['jwks']): ClientKeyring['jwks'] {
  return jwks && { keys: jwks.keys.map(knownPart).filter((key) => key !== null) };
}

/** How JSON writes what `jsonb` does not take: NUL and half a surrogate pair. */
const UNSTORABLE = /\\u(?:0000|d[89a-f])/;

/** What is wrong with a set of public keys. */
function keysFault(keys: readonly GivenJwk[], authMethod: AuthMethod): string | null {
  if (keys.length === 0 || keys.length > CLIENT_KEYS_MAX) return `jwks must have 1 to ${CLIENT_KEYS_MAX} keys`;
  if (keys.some(isPrivate)) return 'jwks must hold public keys only';
  // What is not kept need not be looked at, whatever it is.
  const known = keys.map(knownPart);
  if (known.includes(null)) return 'jwks must hold keys of texts, with lists of texts for key_ops and x5c';
  const text = JSON.stringify(known);
  if (Buffer.byteLength(text) > KEYS_BYTES_MAX) return 'jwks is too large';
  if (UNSTORABLE.test(text)) return 'jwks must hold neither NUL nor half characters';
  const read = keys.map(publicPart);
  if (read.some((key) => key === null)) return 'jwks must hold complete EC, OKP or RSA keys';
  if (!read.every((key) => key !== null && isSound(key)))
    return 'jwks must hold RSA keys of 2048 to 4096 bits with a usual exponent only';
  if (!read.every((key) => key !== null && isReadable(key))) return 'jwks must hold keys that can be read';
  const isOfUse = authMethod !== 'private_key_jwt' || keys.some(maySign);
  return isOfUse ? null : `jwks must hold a key for one of ${SIGNATURE_ALGORITHMS.join(', ')}`;
}

function maySign(key: GivenJwk): boolean {
  return SIGNATURE_ALGORITHMS.some((alg) => signingKey(key, alg) !== null);
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
