import type { TlsMaterial } from './material';

/**
 * Suites of TLS 1.2 that are forward secret and authenticate what they encrypt (RFC 9325 §4.2); those of TLS 1.3 are all so. Without
 * this list Bun would take CBC suites too. TLS 1.1 and older it never takes.
 */
const SUITES_1_2 = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** How Bun serves https with this: TLS 1.2 and 1.3, and with authorities for callers, to those alone who have a certificate. */
export function servingOptions({ cert, key, clientCa }: TlsMaterial): Bun.TLSOptions {
  const callers = clientCa === null ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, ciphers: SUITES_1_2, ...callers };
}
