import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { ConfigFault } from '../config';
import type { TlsFiles } from './settings';

/** What https is served with, read and found to fit together. */
export interface TlsMaterial {
  /** The certificate and those behind it, in PEM. */
  readonly cert: string;
  readonly key: string;
  /** Authorities of callers, in PEM; null: callers need no certificate. */
  readonly clientCa: string | null;
  /** The last moment of the certificate, in milliseconds since the epoch. */
  readonly endsMs: number;
  /** What an operator should know, a sentence each. */
  readonly warnings: readonly string[];
}

/** Certificates of public authorities are renewed a month before they end: two weeks before, a renewal has failed. */
const ENDS_SOON_MS = 14 * 86_400_000;

/** Whoever is neither the owner nor in the group, which is how orchestrators hand keys to a program. */
const EVERYBODY = 0o007;

/** Reads the files and holds them against each other and the time (milliseconds since the epoch). @throws ConfigFault with every fault at once. */
export function readTlsMaterial(files: TlsFiles, nowMs: number): TlsMaterial {
  const faults: string[] = [];
  const attempt = <T>(read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
      return null;
    }
  };
  const chain = attempt(() => readCertificates('TLS_CERT_FILE', files.certFile));
  const key = attempt(() => readKey(files.keyFile));
  const { clientCaFile } = files;
  const authorities =
    clientCaFile === null ? null : attempt(() => readCertificates('TLS_CLIENT_CA_FILE', clientCaFile));
  if (chain !== null) faults.push(...faultsOfTime(chain.first, files.certFile, nowMs));
  if (chain !== null && key !== null && !chain.first.checkPrivateKey(key.key))
    faults.push(`TLS_KEY_FILE is not the key of the first certificate in TLS_CERT_FILE: ${files.keyFile}`);
  if (chain === null || key === null || faults.length > 0) throw new ConfigFault(faults);
  const endsMs = Date.parse(chain.first.validTo);
  return {
    cert: chain.pem,
    key: key.pem,
    clientCa: authorities?.pem ?? null,
    endsMs,
    warnings: warningsOf(files, endsMs, nowMs),
  };
}

/** The first certificate of a file, in PEM. @throws Error that names the setting. */
export function readLeaf(certFile: string): string {
  return readCertificates('TLS_CERT_FILE', certFile).first.toString();
}

type Name = 'TLS_CERT_FILE' | 'TLS_KEY_FILE' | 'TLS_CLIENT_CA_FILE';

function readFile(name: Name, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const why = { ENOENT: 'no such file', EACCES: 'no permission', EISDIR: 'it is a folder' }[code] ?? code;
    throw new Error(`${name} cannot be read (${why}): ${path}`);
  }
}

interface Certificates {
  readonly pem: string;
  readonly first: X509Certificate;
}

function readCertificates(name: Name, path: string): Certificates {
  const blocks = readFile(name, path).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  let all: X509Certificate[];
  try {
    all = blocks.map((block) => new X509Certificate(block));
  } catch {
    throw new Error(`${name} holds a certificate that cannot be read: ${path}`);
  }
  const [first] = all;
  if (first === undefined) throw new Error(`${name} holds no certificate in PEM: ${path}`);
  // Whatever else stands in the file, such as the private key, goes no further.
  return { pem: blocks.map((block) => `${block}\n`).join(''), first };
}

function readKey(path: string): { readonly pem: string; readonly key: KeyObject } {
  const pem = readFile('TLS_KEY_FILE', path);
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem))
    throw new Error(`TLS_KEY_FILE is encrypted, and nobody is there to type the passphrase: ${path}`);
  try {
    return { pem, key: createPrivateKey(pem) };
  } catch {
    throw new Error(`TLS_KEY_FILE holds no private key in PEM: ${path}`);
  }
}

function faultsOfTime({ validFrom, validTo }: X509Certificate, path: string, nowMs: number): string[] {
  const at = (text: string): string => new Date(Date.parse(text)).toISOString();
  if (Date.parse(validTo) < nowMs) return [`TLS_CERT_FILE holds a certificate that ended at ${at(validTo)}: ${path}`];
  if (Date.parse(validFrom) > nowMs)
    return [`TLS_CERT_FILE holds a certificate that begins at ${at(validFrom)} only: ${path}`];
  return [];
}

function warningsOf({ certFile, keyFile }: TlsFiles, endsMs: number, nowMs: number): string[] {
  const warnings: string[] = [];
  if ((statSync(keyFile).mode & EVERYBODY) !== 0)
    warnings.push(`TLS_KEY_FILE can be read by everybody on this machine: chmod 600 ${keyFile}`);
  if (endsMs - nowMs < ENDS_SOON_MS)
    warnings.push(
      `the certificate in ${certFile} ends at ${new Date(endsMs).toISOString()}: renew it, then send SIGHUP`,
    );
  return warnings;
}
