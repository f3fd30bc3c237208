/** True for the code of an error that says why a certificate was not taken, such as `CERT_HAS_EXPIRED`. */
export function isOfCertificate(code: string): boolean {
  return /CERT|SIGNATURE|ISSUER/.test(code);
}
