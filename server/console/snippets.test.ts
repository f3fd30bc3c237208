// The code of the quick start, run as it is copied: by bash with curl, by Bun, by Python.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../../db/testing-postgres';
import { CLIENT, hasOpenssl, type Made, makeCertificate } from '../../kit/testing-certificates';
import type { ClientView } from '../admin/contract';
import { hasHaproxy, startProxy, type TlsProxy } from '../authentication/testing-proxy';
import { CERTIFICATE_FILES, factsOf, KEY_FILE } from './page/snippets/facts';
import { LANGUAGES, type Language, snippetFor } from './page/snippets/snippets';
import { type ConsoleServer, startConsoleServer } from './testing-console';

setDefaultTimeout(60_000);

const hasShell = ['bash', 'curl', 'jq', 'awk'].every((tool) => Bun.which(tool) !== null) && hasOpenssl();
/** The system's own comes second: packages of the system are for it alone, and another may stand before it. */
const python = ['python3', '/usr/bin/python3'].find(
  (program) => Bun.which(program) !== null && Bun.spawnSync([program, '-c', 'import cryptography']).exitCode === 0,
);
const RUNS: Readonly<Record<Language, { missing: boolean; file: string; command: string }>> = {
  curl: { missing: !hasShell, file: 'quick-start.sh', command: 'bash' },
  typescript: { missing: false, file: 'quick-start.ts', command: process.execPath },
  python: { missing: python === undefined, file: 'quick-start.py', command: python ?? '' },
};
const ALL = Object.keys(LANGUAGES) as Language[];

/** Runs the code in a folder that holds what it names, and nothing else. */
async function run(language: Language, client: ClientView, given: Given): Promise<{ out: string; err: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'quick-start-'));
  try {
    const { file, command } = RUNS[language];
    for (const [name, content] of Object.entries({ ...given.files, 'authority.pem': given.authority ?? '' }))
      writeFileSync(join(folder, name), content);
    symlinkSync(resolve(import.meta.dir, '../../node_modules'), join(folder, 'node_modules'));
    const code = snippetFor(language, factsOf(client, given.issuer, given.resource ?? `${given.issuer}/api/currency`));
    writeFileSync(join(folder, file), code);
    const trusted = given.authority === undefined ? '' : join(folder, 'authority.pem');
    const env = {
      PATH: String(Bun.env['PATH']),
      HOME: folder,
      TMPDIR: folder,
      ...(given.secret && { CLIENT_SECRET: given.secret }),
      ...(trusted && { CURL_CA_BUNDLE: trusted, SSL_CERT_FILE: trusted, NODE_EXTRA_CA_CERTS: trusted }),
    };
    const child = Bun.spawn([command, file], { cwd: folder, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { out, err };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Given {
  readonly issuer: string;
  readonly resource?: string;
  readonly secret?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Who signed the certificate of the server. */
  readonly authority?: string;
}

const pem = (key: KeyObject): string => String(key.export({ format: 'pem', type: 'pkcs8' }));

type Case = readonly [name: string, settings: Readonly<Record<string, unknown>>, files?: Given['files']];

function keyCase(
  name: string,
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  more = {},
): Case {
  const { alg, ...settings } = more as { alg?: string };
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: `the "key's" $(id) \\`, ...(alg && { alg }) };
  return [
    name,
    { auth_method: 'private_key_jwt', jwks: { keys: [jwk] }, ...settings },
    { [KEY_FILE]: pem(privateKey) },
  ];
}

const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });

describe('The code of the quick start runs as it stands', () => {
  let server: ConsoleServer;
  beforeAll(async () => {
    server = await startConsoleServer();
  });
  afterAll(() => server?.close());

  const CASES: readonly Case[] = [
    ['with a secret', {}],
    ['with a secret, in the form only', { auth_method: 'client_secret_post' }],
    ['with a secret, DPoP', { dpop_bound: true }],
    keyCase('with a key, ES256', ec()),
    keyCase('with a key, EdDSA', generateKeyPairSync('ed25519')),
    keyCase('with a key, RS256', rsa()),
    keyCase('with a key, PS256', rsa(), { alg: 'PS256' }),
    keyCase('with a key, ES256, DPoP', ec(), { dpop_bound: true }),
    keyCase('with a key, RS256, DPoP', rsa(), { dpop_bound: true }),
  ];
  for (const language of ALL) {
    describe.skipIf(RUNS[language].missing)(LANGUAGES[language], () => {
      for (const [name, settings, files = {}] of CASES) {
        test.concurrent(name, async () => {
          const { client, client_secret: secret } = await server.create({ app_name: 'Sample', ...settings });
          const { out, err } = await run(language, client, { issuer: server.issuer, files, secret: secret ?? '' });
          expect({ out, err }).toEqual({ out: expect.stringMatching(/symbol\W+BTC/), err: '' });
        });
      }

      test('it reads something of the admin API', async () => {
        const resource = `${server.issuer}/api/admin`;
        const settings = { app_name: 'Sample', grants: { [resource]: ['admin'] } };
        const { client, client_secret: secret } = await server.create(settings);
        const { out } = await run(language, client, { issuer: server.issuer, resource, secret: secret ?? '' });
        expect(out).toContain(client.client_id);
      });

      test('a refusal is shown in the words of the server', async () => {
        const { client } = await server.create({ app_name: 'Sample' });
        const { out, err } = await run(language, client, { issuer: server.issuer, secret: 'cs_wrong' });
        expect(out + err).toContain('invalid_client');
      });
    });
  }
});

describe.skipIf(!hasHaproxy() || !hasOpenssl())('The code of the quick start runs behind HAProxy', () => {
  let server: ConsoleServer;
  let proxy: TlsProxy;
  let tls: Made;
  let own: Made;
  let issuer: string;
  beforeAll(async () => {
    tls = makeCertificate({ subject: '/CN=localhost', extensions: ['subjectAltName=DNS:localhost'] });
    own = makeCertificate({ subject: '/CN=machine', extensions: CLIENT });
    const [port, front] = [await freePort(), await freePort()];
    issuer = `https://localhost:${front}`;
    server = await startConsoleServer({ port, settings: { issuer, trusted: (address) => address === '127.0.0.1' } });
    proxy = await startProxy({ port: front, serverPort: port, tls, authorities: own.cert });
  });
  afterAll(async () => {
    await proxy?.close();
    await server?.close();
  });

  const { privateKey, publicKey } = ec();
  const CASES: readonly (readonly [string, () => Readonly<Record<string, unknown>>])[] = [
    ['with a secret, bound to its certificate', () => ({ certificate_bound: true })],
    [
      'with a key, bound to its certificate and by DPoP',
      () => ({
        auth_method: 'private_key_jwt',
        jwks: { keys: [publicKey.export({ format: 'jwk' })] },
        certificate_bound: true,
        dpop_bound: true,
      }),
    ],
    ['with its certificate', () => selfSigned()],
    ['with its certificate, bound to it', () => ({ ...selfSigned(), certificate_bound: true })],
    ['with its certificate, DPoP', () => ({ ...selfSigned(), dpop_bound: true })],
  ];
  const selfSigned = () => ({
    auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [own.x509.publicKey.export({ format: 'jwk' })] },
  });
  for (const language of ALL) {
    describe.skipIf(RUNS[language].missing)(LANGUAGES[language], () => {
      for (const [name, settings] of CASES) {
        test.concurrent(name, async () => {
          const { client, client_secret: secret } = await server.create({ app_name: 'Sample', ...settings() });
          const files = {
            [CERTIFICATE_FILES.cert]: own.cert,
            [CERTIFICATE_FILES.key]: own.key,
            [KEY_FILE]: pem(privateKey),
          };
          const { out, err } = await run(language, client, {
            issuer,
            files,
            secret: secret ?? '',
            authority: tls.cert,
          });
          expect({ out, err }).toEqual({ out: expect.stringMatching(/symbol\W+BTC/), err: '' });
        });
      }
    });
  }
});
