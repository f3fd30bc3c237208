import { readFileSync } from 'node:fs';
import { Refusal } from '../kit/command';
import { readPemCertificates } from './x509/chain';

/** The text of MTLS_CA_FILE, in which certificates are (PEM). @throws Refusal when it cannot be read, or holds none. */
export function readAuthorities(file: string): string {
  try {
    const authorities = readFileSync(file, 'utf8');
    if (readPemCertificates(authorities).length > 0) return authorities;
  } catch {
    throw new Refusal(`MTLS_CA_FILE cannot be read: ${file}`);
  }
  throw new Refusal(`MTLS_CA_FILE holds no certificate in PEM: ${file}`);
}
