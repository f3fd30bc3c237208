import type { SecretMethod } from './client';
import { invalidRequest, OAuthError } from './errors';
import { decodeForm, hasControl, type Parameters } from './form';

/** Id and secret of a client (RFC 6749 §2.3.1). */
export interface SecretCredentials {
  readonly method: SecretMethod;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A JWT that the client has signed (RFC 7523 §2.2). */
export interface AssertionCredentials {
  readonly method: 'private_key_jwt';
  /** The `client_id` parameter, which may be left out (RFC 7521 §4.2); null: it was. */
  readonly clientId: string | null;
  readonly assertion: string;
}

/** The certificate of the connection, and whose it is said to be (RFC 8705 §2). */
export interface CertificateCredentials {
  readonly method: 'certificate';
  readonly clientId: string;
}

/** How a client says who it is. */
export type Credentials = SecretCredentials | AssertionCredentials | CertificateCredentials;

/** The one type of assertion there is (RFC 7523 §2.2). */
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * Client authentication of a request: exactly one method at a time (RFC 6749 §2.3). A certificate counts only beside a
 * client_id alone: with another method it is what the token may be bound to. It is asked for only then.
 * @throws OAuthError invalid_request when two methods are used or the Basic header is malformed; invalid_client when
 * there is none, or one that is not supported.
 */
export function parseCredentials(
  authorization: string | null,
  parameters: Parameters,
  hasCertificate: () => boolean = () => false,
): Credentials {
  const clientId = parameters.get('client_id')?.[0];
  const clientSecret = parameters.get('client_secret')?.[0];
  const asserted = parameters.has('client_assertion') || parameters.has('client_assertion_type');
  const methods = Number(authorization !== null) + Number(clientSecret !== undefined) + Number(asserted);
  if (methods > 1) throw invalidRequest('authentication_twice');
  if (authorization !== null) return basicCredentials(authorization, clientId);
  if (asserted) return assertionCredentials(parameters, clientId);
  if (clientId === undefined) throw new OAuthError('invalid_client', 'credentials_missing');
  if (clientSecret !== undefined) return { method: 'client_secret_post', clientId, clientSecret };
  if (!hasCertificate()) throw new OAuthError('invalid_client', 'credentials_missing', { clientId });
  return { method: 'certificate', clientId };
}

function basicCredentials(authorization: string, clientId: string | undefined): SecretCredentials {
  if (!/^basic(?: |$)/i.test(authorization)) throw new OAuthError('invalid_client', 'authorization_scheme_unsupported');
  const basic = parseBasic(authorization);
  if (clientId !== undefined && clientId !== basic.clientId) {
    throw invalidRequest('client_id_differs');
  }
  return basic;
}

function assertionCredentials(parameters: Parameters, clientId: string | undefined): AssertionCredentials {
  const type = parameters.get('client_assertion_type')?.[0];
  const assertion = parameters.get('client_assertion')?.[0];
  if (type === undefined) throw invalidRequest('assertion_type_missing');
  if (type !== JWT_BEARER) throw new OAuthError('invalid_client', 'assertion_type_unsupported');
  if (assertion === undefined) throw invalidRequest('assertion_missing');
  return { method: 'private_key_jwt', clientId: clientId ?? null, assertion };
}

/**
 * `Basic base64(form(id):form(secret))` (RFC 6749 §2.3.1, RFC 7617): both parts are form-decoded once.
 * @throws OAuthError invalid_request when the header does not follow that grammar.
 */
export function parseBasic(authorization: string): SecretCredentials {
  const encoded = authorization.slice('basic '.length).trim();
  const text = decodeBase64(encoded);
  const colon = text?.indexOf(':') ?? -1;
  if (text === null || colon < 0 || hasControl(text)) throw invalidRequest('basic_malformed');
  const clientId = decodeForm(text.slice(0, colon));
  const clientSecret = decodeForm(text.slice(colon + 1));
  if (hasControl(clientId) || hasControl(clientSecret)) {
    throw invalidRequest('basic_control_character');
  }
  return { method: 'client_secret_basic', clientId, clientSecret };
}

/** Base64 (RFC 4648 §4, padding optional) of UTF-8 → text; null when it is neither. */
function decodeBase64(encoded: string): string | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, 'base64'));
  } catch {
    return null;
  }
}
