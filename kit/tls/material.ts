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

/** A certificate with those behind it, and its key. */
export type TlsPair = Pick<TlsMaterial, 'cert' | 'key' | 'endsMs' | 'warnings'>;

/** The files of a pair. */
export type PairFiles = Pick<TlsFiles, 'certFile' | 'keyFile'>;

/** Reads the files and holds them against each other and the time (milliseconds since the epoch). @throws ConfigFault with every fault at once. */
export function readTlsMaterial(files: TlsFiles, nowMs: number): TlsMaterial {
  const { clientCaFile } = files;
  const faults: string[] = [];
  const attempt = attempting(faults);
  const pair = attempt(() => readTlsPair(files, nowMs));
  const authorities =
    clientCaFile === null ? null : attempt(() => readCertificates('TLS_CLIENT_CA_FILE', clientCaFile));
  if (pair === null || faults.length > 0) throw new ConfigFault(faults);
  return { ...pair, clientCa: authorities?.pem ?? null };
}

/** The pair alone. The settings that name its files begin with `prefix`. @throws ConfigFault with every fault at once. */
export function readTlsPair(files: PairFiles, nowMs: number, prefix = ''): TlsPair {
  const { certFile, keyFile } = files;
  const [certName, keyName] = [`${prefix}TLS_CERT_FILE`, `${prefix}TLS_KEY_FILE`];
  const faults: string[] = [];
  const attempt = attempting(faults);
  const chain = attempt(() => readCertificates(certName, certFile));
  const key = attempt(() => readKey(keyName, keyFile));
  if (chain !== null) faults.push(...faultsOfTime(chain.first, certName, certFile, nowMs));
  if (chain !== null && key !== null && !chain.first.checkPrivateKey(key.key))
    faults.push(`${keyName} is not the key of the first certificate in ${certName}: ${keyFile}`);
  if (chain === null || key === null || faults.length > 0) throw new ConfigFault(faults);
  const endsMs = Date.parse(chain.first.validTo);
  return { cert: chain.pem, key: key.pem, endsMs, warnings: warningsOf(files, endsMs, nowMs, prefix) };
}

/** Reads on after a fault, which is kept, so that all are told at once. */
function attempting(faults: string[]) {
  return <T>(read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      faults.push(
        ...(error instanceof ConfigFault ? error.faults : [error instanceof Error ? error.message : String(error)]),
      );
      return null;
    }
  };
}

/** The first certificate of a file, in PEM. @throws Error that names the setting. */
export function readLeaf(certFile: string): string {
  return readCertificates('TLS_CERT_FILE', certFile).first.toString();
}

function readFile(name: string, path: string): string {
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

function readCertificates(name: string, path: string): Certificates {
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

function readKey(name: string, path: string): { readonly pem: string; readonly key: KeyObject } {
  const pem = readFile(name, path);
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem))
    throw new Error(`${name} is encrypted, and nobody is there to type the passphrase: ${path}`);
  try {
    return { pem, key: createPrivateKey(pem) };
  } catch {
    throw new Error(`${name} holds no private key in PEM: ${path}`);
  }
}

function faultsOfTime({ validFrom, validTo }: X509Certificate, name: string, path: string, nowMs: number): string[] {
  const at = (text: string): string => new Date(Date.parse(text)).toISOString();
  if (Date.parse(validTo) < nowMs) return [`${name} holds a certificate that ended at ${at(validTo)}: ${path}`];
  if (Date.parse(validFrom) > nowMs)
    return [`${name} holds a certificate that begins at ${at(validFrom)} only: ${path}`];
  return [];
}

function warningsOf({ certFile, keyFile }: PairFiles, endsMs: number, nowMs: number, prefix: string): string[] {
  const warnings: string[] = [];
  if ((statSync(keyFile).mode & EVERYBODY) !== 0)
    warnings.push(`${prefix}TLS_KEY_FILE can be read by everybody on this machine: chmod 600 ${keyFile}`);
  if (endsMs - nowMs < ENDS_SOON_MS) {
    // What is served is read at a signal; what is shown to others, whenever it has changed.
    const renew = prefix === '' ? 'renew it, then send SIGHUP' : 'renew it';
    warnings.push(`the certificate in ${certFile} ends at ${new Date(endsMs).toISOString()}: ${renew}`);
  }
  return warnings;
}
