// To whom the client shows its certificate, and which one.
import { afterEach, describe, expect, test } from 'bun:test';
import { utimesSync, writeFileSync } from 'node:fs';
import { hasOpenssl, makeCertificate } from '../kit/testing-certificates';
import { type CertificateFolder, certificateFolder } from '../kit/tls/testing';
import { createOwnCertificate } from './certificate';

describe.skipIf(!hasOpenssl())('the certificate of the client (openssl)', () => {
  const [first, second] = [makeCertificate({ subject: '/CN=first' }), makeCertificate({ subject: '/CN=second' })];
  const folders: CertificateFolder[] = [];
  afterEach(() => {
    for (const { remove } of folders.splice(0)) remove();
  });
  const open = (pair: Pick<typeof first, 'cert' | 'key'> = first, now = Date.now) => {
    const folder = certificateFolder(pair);
    folders.push(folder);
    const servers = ['https://a.example', 'https://b.example:8443/behind/a/path'];
    return { folder, certificate: createOwnCertificate({ files: folder.files, servers, now }) };
  };
  /** Files that were written within the same moment have the same time. */
  const later = ({ files }: CertificateFolder, seconds: number): void => {
    const at = Date.now() / 1_000 + seconds;
    for (const path of [files.certFile, files.keyFile]) utimesSync(path, at, at);
  };

  test.each([
    ['https://a.example/api/auth/token', true],
    ['https://b.example:8443/api/currency', true],
    ['wss://a.example/api/currency/stream', true],
    ['https://b.example/', false],
    ['https://a.example.com/', false],
    ['http://a.example/', false],
  ])('is shown to the servers of the client alone: %s', (url, isShown) => {
    expect(open().certificate.shownTo(url)?.key ?? null).toBe(isShown ? first.key : null);
  });

  test('is the new one once both files are new, and the one before while they do not fit together', () => {
    const { folder, certificate } = open();
    const shown = () => certificate.shownTo('https://a.example/')?.cert.trim();
    writeFileSync(folder.files.certFile, second.cert);
    later(folder, 1);
    expect(shown()).toBe(first.cert.trim());
    folder.put(second);
    later(folder, 2);
    expect(shown()).toBe(second.cert.trim());
  });

  test('that will not do is a fault at the start, by the names of its settings', () => {
    expect(() => open({ cert: first.cert, key: second.key })).toThrow(
      /^SERVER_TLS_KEY_FILE is not the key of the first certificate in SERVER_TLS_CERT_FILE: /,
    );
    expect(() => open(first, () => first.x509.validToDate.getTime() + 1_000)).toThrow(
      /^SERVER_TLS_CERT_FILE holds a certificate that ended at /,
    );
  });

  test('that ends soon is warned of', () => {
    const { certificate } = open(first, () => first.x509.validToDate.getTime() - 86_400_000);
    expect(certificate.warnings).toEqual([expect.stringMatching(/ends at \S+: renew it$/)]);
  });
});
