import { afterEach, describe, expect, test } from 'bun:test';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { ConfigFault } from '../config';
import { hasOpenssl, type Made, makeCertificate } from '../testing-certificates';
import { readTlsMaterial } from './material';
import { type CertificateFolder, certificateFolder, makeAuthority } from './testing';

const DAY_MS = 86_400_000;

describe.skipIf(!hasOpenssl())('the files of https', () => {
  const { ca, issue } = makeAuthority();
  const good = issue('good');
  // Also certificates that a test makes later have begun by then.
  const now = good.x509.validFromDate.getTime() + 60_000;
  let folder: CertificateFolder;
  afterEach(() => folder.remove());

  const faultsWith = (
    change: (folder: CertificateFolder) => void,
    at = now,
    clientCa: string | null = null,
  ): readonly string[] => {
    folder = certificateFolder(good, clientCa);
    change(folder);
    try {
      readTlsMaterial(folder.files, at);
    } catch (error) {
      if (error instanceof ConfigFault) return error.faults;
      throw error;
    }
    return [];
  };
  const encrypted = ({ key }: Made): string => {
    const words = ['openssl', 'pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-passout', 'pass:secret'];
    return Bun.spawnSync(words, { stdin: Buffer.from(key) }).stdout.toString();
  };

  test('that fit together are used as they are', () => {
    folder = certificateFolder({ ...good, cert: good.cert + ca.cert }, ca.cert);
    const { cert, key, clientCa, endsMs, warnings } = readTlsMaterial(folder.files, now);
    expect([cert, key, clientCa, warnings]).toEqual([good.cert + ca.cert, good.key, ca.cert, []]);
    expect(endsMs).toBe(good.x509.validToDate.getTime());
  });

  test('of which one holds the key too give away none of it with the certificate', () => {
    folder = certificateFolder({ ...good, cert: good.key + good.cert });
    expect(readTlsMaterial(folder.files, now).cert).toBe(good.cert);
  });

  test.each<[string, (folder: CertificateFolder) => void, string]>([
    ['there is no certificate', ({ files }) => rmSync(files.certFile), 'TLS_CERT_FILE cannot be read (no such file): '],
    ['there is no key', ({ files }) => rmSync(files.keyFile), 'TLS_KEY_FILE cannot be read (no such file): '],
    [
      'the certificate is none',
      ({ files }) => writeFileSync(files.certFile, 'x'),
      'TLS_CERT_FILE holds no certificate in PEM: ',
    ],
    [
      'the certificate is cut',
      ({ files }) => writeFileSync(files.certFile, good.cert.replace(/\n\w{20}/, '\n')),
      'TLS_CERT_FILE holds a certificate that cannot be read: ',
    ],
    [
      'the key is none',
      ({ files }) => writeFileSync(files.keyFile, good.cert),
      'TLS_KEY_FILE holds no private key in PEM: ',
    ],
    [
      'the key has a passphrase',
      ({ files }) => writeFileSync(files.keyFile, encrypted(good)),
      'TLS_KEY_FILE is encrypted, and nobody is there to type the passphrase: ',
    ],
    [
      'the key is of another certificate',
      ({ files }) => writeFileSync(files.keyFile, ca.key),
      'TLS_KEY_FILE is not the key of the first certificate in TLS_CERT_FILE: ',
    ],
  ])('are refused when %s', (_name, change, said) => {
    const faults = faultsWith(change);
    expect(faults.map((fault) => fault.slice(0, said.length))).toEqual([said]);
    expect(faults.join()).toContain(folder.path);
    expect(faults.join()).not.toContain('PRIVATE KEY-----');
  });

  test('are refused before the first and after the last moment of the certificate', () => {
    const at = (date: Date): string => date.toISOString();
    const { validFromDate, validToDate } = good.x509;
    expect(faultsWith(() => {}, now + 31 * DAY_MS).join()).toStartWith(
      `TLS_CERT_FILE holds a certificate that ended at ${at(validToDate)}: `,
    );
    folder.remove();
    expect(faultsWith(() => {}, now - DAY_MS).join()).toStartWith(
      `TLS_CERT_FILE holds a certificate that begins at ${at(validFromDate)} only: `,
    );
  });

  test('are refused with all that is wrong at once', () => {
    const spoil = ({ files }: CertificateFolder): void => {
      rmSync(files.keyFile);
      writeFileSync(files.clientCaFile ?? '', 'nothing');
    };
    expect(faultsWith(spoil, now, ca.cert).map((fault) => fault.split(':')[0])).toEqual([
      'TLS_KEY_FILE cannot be read (no such file)',
      'TLS_CLIENT_CA_FILE holds no certificate in PEM',
    ]);
  });

  test('are warned of while everybody can read the key, but not while a group can', () => {
    folder = certificateFolder(good);
    const { keyFile } = folder.files;
    chmodSync(keyFile, 0o644);
    expect(readTlsMaterial(folder.files, now).warnings).toEqual([
      `TLS_KEY_FILE can be read by everybody on this machine: chmod 600 ${keyFile}`,
    ]);
    chmodSync(keyFile, 0o640);
    expect(readTlsMaterial(folder.files, now).warnings).toEqual([]);
  });

  test('are warned of two weeks before the certificate ends', () => {
    const short = makeCertificate({ subject: '/CN=short', days: 15 });
    folder = certificateFolder(short);
    expect(readTlsMaterial(folder.files, now).warnings).toEqual([]);
    expect(readTlsMaterial(folder.files, now + 2 * DAY_MS).warnings).toEqual([
      `the certificate in ${folder.files.certFile} ends at ${short.x509.validToDate.toISOString()}: renew it, then send SIGHUP`,
    ]);
  });
});
