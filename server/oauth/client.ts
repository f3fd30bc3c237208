/** Clients as the standards have them: what they are called, how they authenticate, and by what a certificate is known. */

/** Characters of the longest client id there can be. */
export const CLIENT_ID_CHARACTERS_MAX = 128;

/** `client_id`: unreserved characters of RFC 3986 only, so that it is the same in a header, a form and a path. */
export const CLIENT_ID_PATTERN = `^[A-Za-z0-9._~-]{1,${CLIENT_ID_CHARACTERS_MAX}}$`;

const CLIENT_ID = new RegExp(CLIENT_ID_PATTERN);

/** True for what can be a `client_id`. */
export function isClientId(text: string): boolean {
  return CLIENT_ID.test(text);
}

/** How a client may authenticate (RFC 7591 §2, RFC 8705 §2). */
export const AUTH_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
] as const;

/** One of {@link AUTH_METHODS}. */
export type AuthMethod = (typeof AUTH_METHODS)[number];

/** True for the two methods that need a secret; they stand for each other. */
export function usesSecret(method: AuthMethod): method is SecretMethod {
  return method === 'client_secret_basic' || method === 'client_secret_post';
}

/** The two methods with a secret (RFC 6749 §2.3.1). */
export type SecretMethod = 'client_secret_basic' | 'client_secret_post';

/** True for the two methods with a certificate. */
export function usesCertificate(method: AuthMethod): method is CertificateMethod {
  return method === 'tls_client_auth' || method === 'self_signed_tls_client_auth';
}

/** The two methods with a certificate (RFC 8705 §2.1, §2.2). */
export type CertificateMethod = 'tls_client_auth' | 'self_signed_tls_client_auth';

/** The methods of a server: certificates need a proxy that passes them on; those of authorities, the authorities too (RFC 8705 §2). */
export function offeredMethods({
  certificates,
  authorities,
}: {
  certificates: boolean;
  authorities: boolean;
}): AuthMethod[] {
  return AUTH_METHODS.filter((method) => {
    if (method === 'tls_client_auth') return certificates && authorities;
    return method !== 'self_signed_tls_client_auth' || certificates;
  });
}

/** The five kinds of name by which a `tls_client_auth` certificate is known (RFC 8705 §2.1.2). */
export const TLS_SUBJECT_KINDS = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const;

/** The one name that must be in the certificate of a `tls_client_auth` client, and of which kind it is. */
export interface TlsSubject {
  readonly kind: (typeof TLS_SUBJECT_KINDS)[number];
  readonly value: string;
}
