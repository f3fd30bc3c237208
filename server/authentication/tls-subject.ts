import type { X509Certificate } from 'node:crypto';
import type { TlsSubject } from '../oauth/client';
import { DerFault } from '../x509/der';
import { type CertificateFields, readCertificateFields } from '../x509/fields';
import { hasAddress, hasDistinguishedName, hasDnsName, hasEmail, hasUri } from '../x509/subject';

type Has = (fields: CertificateFields, value: string) => boolean;

const HAS: Readonly<Record<TlsSubject['kind'], Has>> = {
  tls_client_auth_subject_dn: hasDistinguishedName,
  tls_client_auth_san_dns: hasDnsName,
  tls_client_auth_san_uri: hasUri,
  tls_client_auth_san_ip: hasAddress,
  tls_client_auth_san_email: hasEmail,
};

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
