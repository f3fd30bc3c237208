// Certificates of every kind, made by openssl.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate with its private key, both in PEM. */
export interface Made {
  readonly cert: string;
  readonly key: string;
  readonly x509: X509Certificate;
}

/** What to make. Without an issuer it signs itself. */
export interface Wanted {
  /** `/O=Example/CN=machine` */
  readonly subject: string;
  readonly issuer?: Made;
  /** Lines of an openssl extension section. */
  readonly extensions?: readonly string[];
  readonly algorithm?: readonly string[];
  readonly digest?: string;
  readonly days?: number;
}

/** Extensions of an authority. */
export const AUTHORITY = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

/** Extensions of a client. */
export const CLIENT = [
  'basicConstraints=CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=clientAuth',
];

/** True when this machine has openssl. */
export function hasOpenssl(): boolean {
  return Bun.which('openssl') !== null;
}

/** Makes a certificate that is valid from now on. */
export function makeCertificate(wanted: Wanted): Made {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  try {
    const at = (name: string): string => join(folder, name);
    const algorithm = wanted.algorithm ?? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    const subject = ['-utf8', '-multivalue-rdn', '-subj', wanted.subject];
    openssl(['req', '-new', '-newkey', ...algorithm, '-nodes', '-keyout', at('key'), '-out', at('csr'), ...subject]);
    writeFileSync(at('extensions'), (wanted.extensions ?? []).join('\n'));
    if (wanted.issuer !== undefined) {
      writeFileSync(at('ca'), wanted.issuer.cert);
      writeFileSync(at('cakey'), wanted.issuer.key);
    }
    const by = wanted.issuer === undefined ? ['-key', at('key')] : ['-CA', at('ca'), '-CAkey', at('cakey')];
    const serial = `0x${crypto.randomUUID().replaceAll('-', '').slice(1)}`;
    const life = ['-days', String(wanted.days ?? 30), '-set_serial', serial, `-${wanted.digest ?? 'sha256'}`];
    openssl(['x509', '-req', '-in', at('csr'), ...by, ...life, '-extfile', at('extensions'), '-out', at('cert')]);
    const cert = readFileSync(at('cert'), 'utf8');
    return { cert, key: readFileSync(at('key'), 'utf8'), x509: new X509Certificate(cert) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function openssl(words: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(['openssl', ...words]);
  if (exitCode !== 0) throw new Error(`openssl ${words.join(' ')}: ${stderr}`);
}
