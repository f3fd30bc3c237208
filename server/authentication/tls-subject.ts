import type { X509Certificate } from 'node:crypto';
import type { TlsSubject } from '../oauth/client';
import { DerFault } from '../x509/der';
import { type CertificateFields, readCertificateFields } from '../x509/fields';
import {
  hasAddress,
  hasDistinguishedName,
  hasDnsName,
  hasEmail,
  hasUri,
  isAddress,
  isDistinguishedName,
} from '../x509/subject';

type Has = (fields: CertificateFields, value: string) => boolean;

const HAS: Readonly<Record<TlsSubject['kind'], Has>> = {
  tls_client_auth_subject_dn: hasDistinguishedName,
  tls_client_auth_san_dns: hasDnsName,
  tls_client_auth_san_uri: hasUri,
  tls_client_auth_san_ip: hasAddress,
  tls_client_auth_san_email: hasEmail,
};

/** Names that are `IA5String` in a certificate, and have no blanks (RFC 5280 §4.2.1.6). */
const isAscii = (text: string): boolean => /^[!-~]+$/.test(text);

const IS: Readonly<Record<TlsSubject['kind'], (value: string) => boolean>> = {
  tls_client_auth_subject_dn: isDistinguishedName,
  tls_client_auth_san_dns: isAscii,
  tls_client_auth_san_uri: isAscii,
  tls_client_auth_san_ip: isAddress,
  tls_client_auth_san_email: isAscii,
};

/** False for what no certificate can have as a name of this kind. */
export function isSubject({ kind, value }: TlsSubject): boolean {
  return IS[kind](value);
}

/** What is wrong with the names of a certificate: it must have exactly the one of the client (RFC 8705 §2.1.2). Null: nothing. */
export function faultOfSubject(x509: X509Certificate, subject: TlsSubject | null): 'subject' | 'malformed' | null {
  try {
    // Read where there is nothing to compare, too: the time must not tell.
    const fields = readCertificateFields(x509.raw);
    return subject !== null && HAS[subject.kind](fields, subject.value) ? null : 'subject';
  } catch (error) {
    if (error instanceof DerFault) return 'malformed';
    throw error;
  }
}
