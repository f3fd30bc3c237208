// Https on a port of its own: which handshakes are taken.
import { afterEach, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { CLIENT, hasOpenssl, type Made, makeCertificate } from '../testing-certificates';
import { handshake, makeAuthority, openTestDoor, type TestDoor } from './testing';

describe.skipIf(!hasOpenssl())('https', () => {
  const { ca, issue } = makeAuthority();
  const own = issue('own');
  const rsa = makeCertificate({ subject: '/CN=rsa', algorithm: ['rsa:2048'] });
  let open: TestDoor;
  const start = (pair: Made, clientCa?: string): void => {
    open = openTestDoor(pair, clientCa === undefined ? {} : { clientCa });
  };
  afterEach(() => open.end());

  test.each<[string, Made, readonly string[], string]>([
    ['TLS 1.3', own, ['-tls1_3'], 'TLSv1.3, Cipher is TLS_'],
    ['TLS 1.2', own, ['-tls1_2'], 'TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384'],
    ['TLS 1.2 with ChaCha20', own, ['-tls1_2', '-cipher', 'CHACHA20'], 'Cipher is ECDHE-ECDSA-CHACHA20-POLY1305'],
    ['TLS 1.2 with an RSA key', rsa, ['-tls1_2'], 'TLSv1.2, Cipher is ECDHE-RSA-AES256-GCM-SHA384'],
  ])('takes %s', async (_name, pair, options, said) => {
    start(pair);
    expect(await handshake(open.door.port, options)).toContain(said);
  });

  test.each<[string, Made, readonly string[], string]>([
    ['TLS 1.1', own, ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], 'alert protocol version'],
    ['TLS 1.2 with AES-CBC', own, ['-tls1_2', '-cipher', 'ECDHE+AES:!AESGCM:!AESCCM'], 'alert handshake failure'],
    ['TLS 1.2 without forward secrecy', rsa, ['-tls1_2', '-cipher', 'kRSA'], 'alert handshake failure'],
  ])('refuses %s', async (_name, pair, options, said) => {
    start(pair);
    const outcome = await handshake(open.door.port, options);
    expect(outcome).toContain(said);
    expect(outcome).toContain('Cipher is (NONE)');
  });

  const ask = (scheme: 'http' | 'https', tls: Bun.TLSOptions = {}): Promise<string> =>
    fetch(`${scheme}://127.0.0.1:${open.door.port}/`, { tls: { ca: ca.cert, ...tls } }).then(
      (answer) => answer.text(),
      () => 'refused',
    );

  test('does not answer plain http on its port', async () => {
    start(own);
    expect([await ask('http'), await ask('https')]).toEqual(['refused', 'hello 127.0.0.1']);
  });

  describe('where callers need a certificate', () => {
    const callerOf = (issuer?: Made): Bun.TLSOptions => {
      const { cert, key } = makeCertificate({ subject: '/CN=caller', extensions: CLIENT, ...(issuer && { issuer }) });
      return { cert, key };
    };

    test('lets in those of the authority and nobody else', async () => {
      start(own, ca.cert);
      expect([await ask('https'), await ask('https', callerOf()), await ask('https', callerOf(ca))]).toEqual([
        'refused',
        'refused',
        'hello 127.0.0.1',
      ]);
    });

    test('goes by the authorities of the last renewal', async () => {
      start(own, ca.cert);
      const before = callerOf(ca);
      expect(await ask('https', before)).toBe('hello 127.0.0.1');
      const other = makeAuthority();
      writeFileSync(open.folder.files.clientCaFile ?? '', other.ca.cert);
      open.door.renew();
      expect(await ask('https', callerOf(other.ca))).toBe('hello 127.0.0.1');
      expect(await ask('https', callerOf(ca))).toBe('refused');
    });
  });
});
