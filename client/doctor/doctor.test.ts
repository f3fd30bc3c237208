// Each thing that can be wrong, and what is said about it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Finding, renderFindings, reportOn } from '../../kit/finding';
import { passwordFile } from '../access/password';
import { type AccessToken, TokenError } from '../auth/token';
import { createDouble, DOUBLE_RATES, type Double } from '../testing/double';
import { createWorld, noDeadline, START_MS, type World } from '../testing/world';
import { VaultFault } from '../vault/fault';
import { vaultKeyFile } from '../vault/key';
import { openVault, type Vault } from '../vault/vault';
import { type DoctorDeps, type Examined, examine } from './index';
import { type Certificate, NETWORK } from './network';
import { checkServer } from './server';

const ISSUER = 'http://localhost:8000';
const DAY_MS = 86_400_000;

let root: string;
let folder: string;
let world: World;
let double: Double;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'doctor-'));
  folder = join(root, 'data');
  world = createWorld();
  double = createDouble({ issuer: ISSUER, now: world.clock.now });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
const open = (): Vault => openVault({ folder, key: null, previousKey: null, randomBytes });
const failing = (code: string) => async () => Promise.reject(Object.assign(new Error(code), { code }));
const dated = (offsetMs: number, fetch: DoctorDeps['fetch']): DoctorDeps['fetch'] => {
  return async (request) => {
    const answer = await fetch(request);
    answer.headers.set('date', new Date(world.clock.now() + offsetMs).toUTCString());
    return answer;
  };
};
const token: AccessToken = {
  value: 'the-token',
  type: 'Bearer',
  obtainedAtMs: START_MS,
  expiresAtMs: START_MS + 7_200_000,
  scope: null,
};
const goodCertificate: Certificate = { endsAtMs: START_MS + 80.5 * DAY_MS, untrusted: null, otherName: null };

const tried = (more: Partial<ReturnType<DoctorDeps['credentials']>['tried'][number]> = {}) => ({
  name: 'default',
  servers: [ISSUER],
  issuer: ISSUER,
  freshToken: async () => token,
  rates: async () => ({ kind: 'data', data: DOUBLE_RATES }) as const,
  ...more,
});
const deps = (more: Partial<DoctorDeps> = {}): DoctorDeps => ({
  clock: world.clock,
  deadline: noDeadline,
  fetch: dated(0, double.fetch),
  lookup: async () => ['192.0.2.1'],
  network: { connect: async () => {}, certificate: async () => goodCertificate, tryListen: async () => null },
  openVault: open,
  servers: [{ url: ISSUER, issuer: ISSUER }],
  credentials: () => ({ tried: [tried()], close: () => {} }),
  ...more,
});
const look = (more: Partial<DoctorDeps> = {}, config: Partial<Examined> = {}, warnings: string[] = []) =>
  examine(
    { host: '127.0.0.1', port: 8001, tls: null, dataDir: folder, credential: null, ...config },
    warnings,
    deps(more),
  );
/** The findings of one check, without those that are well. */
const wrong = (findings: readonly Finding[]): string[] =>
  findings.flatMap(({ area, check, state, said, advice }) =>
    state === 'ok' ? [] : [`${state} ${area}/${check}: ${said} → ${advice}`],
  );

describe('when all is well', () => {
  test('everything is looked at, and says so', async () => {
    const vault = open();
    vault.write('credential', 'default', '{}');
    vault.close();
    const findings = await look();
    expect(findings.map(({ area, check, state }) => `${area}/${check} ${state}`)).toEqual([
      'configuration/settings ok',
      'data/folder ok',
      'data/vault ok',
      'port/listen ok',
      `server ${ISSUER}/dns ok`,
      `server ${ISSUER}/tcp ok`,
      `server ${ISSUER}/health ok`,
      `server ${ISSUER}/clock ok`,
      `server ${ISSUER}/issuer ok`,
      'credential default/token ok',
      'credential default/rates ok',
    ]);
    expect(findings.map(({ said }) => said)).toEqual(
      expect.arrayContaining([
        'all of it opens; credentials: 1',
        'localhost is 192.0.2.1',
        'port 8000 answers after 0 ms',
        'the same time as the server',
        'obtained, and ends in 2 h 0 min',
        '2 are read with it',
      ]),
    );
  });

  test('before the first start nothing is made, and no credential tried', async () => {
    const findings = await look({ openVault: () => expect.unreachable(), credentials: () => expect.unreachable() });
    expect(wrong(findings)).toEqual([]);
    expect(findings.find(({ check }) => check === 'credentials')?.said).toContain('the first start makes one');
    expect(await Bun.file(join(folder, 'vault.sqlite')).exists()).toBe(false);
  });

  test('a credential of the environment needs no vault to be tried', async () => {
    const findings = await look({}, { credential: { clientId: 'a', clientSecret: 'b' } });
    expect(findings.at(-1)?.check).toBe('rates');
  });
});

describe('the settings', () => {
  test('what is warned of at the start is warned of here', async () => {
    expect(wrong(await look({}, {}, ['ISSUER is odd']))).toEqual([
      'warn configuration/settings: ISSUER is odd → crypto-client config shows where each setting comes from',
    ]);
  });
});

describe('the folder', () => {
  test('that cannot be made', async () => {
    writeFileSync(join(root, 'file'), '');
    expect(wrong(await look({}, { dataDir: join(root, 'file/below') }))).toEqual([
      `fail data/folder: ${root}/file/below cannot be made in ${root}/file → set DATA_DIR to a folder that this user may write to`,
    ]);
  });

  test('that is a file', async () => {
    writeFileSync(folder, '');
    expect(wrong(await look())).toEqual([`fail data/folder: ${folder} is no folder → set DATA_DIR to a folder`]);
  });

  test('that everybody shares', async () => {
    mkdirSync(folder);
    chmodSync(folder, 0o1777);
    expect(wrong(await look())[0]).toStartWith(`fail data/folder: ${folder} is shared by everybody`);
  });

  test('and files that are open to others', async () => {
    open().close();
    for (const path of [vaultKeyFile(folder), passwordFile(folder)]) {
      writeFileSync(path, randomBytes(32).toBase64());
      chmodSync(path, 0o644);
    }
    chmodSync(folder, 0o755);
    const findings = await look({ openVault: () => ({ ...open(), close: () => {} }) });
    expect(wrong(findings)).toEqual([
      `warn data/folder: ${folder} is open to others → chmod 700 ${folder}; the next start does so too`,
      `warn data/files: ${folder}/vault-key is open to others → chmod 600 ${folder}/vault-key; the next start does so too`,
      `warn data/files: ${folder}/dashboard-password is open to others → chmod 600 ${folder}/dashboard-password; the next start does so too`,
    ]);
  });
});

describe('the vault', () => {
  test('that does not open at all', async () => {
    const vault = open();
    vault.write('credential', 'default', '{}');
    vault.close();
    rmSync(vaultKeyFile(folder));
    const findings = await look({ credentials: () => expect.unreachable() });
    expect(wrong(findings)).toEqual([expect.stringMatching(/^fail data\/vault: it does not open → .*key/)]);
  });

  test('of which a row was changed', async () => {
    const vault = open();
    vault.write('credential', 'default', '{}');
    const broken: Vault = { ...vault, faults: () => ['The credential "other" does not open: put the file back.'] };
    const findings = await look({ openVault: () => broken, credentials: () => expect.unreachable() });
    expect(wrong(findings)).toEqual([
      'fail data/vault: a row does not open → The credential "other" does not open: put the file back.',
    ]);
  });
});

describe('the port', () => {
  const taken = (code: string) => ({ ...deps().network, tryListen: async () => code });
  test.each([
    ['EADDRINUSE', 'another program listens on 127.0.0.1:8001 → stop it, or set PORT to a free one'],
    ['EACCES', 'this user may not listen on 127.0.0.1:8001 → set PORT to 1024 or more'],
    ['EADDRNOTAVAIL', '127.0.0.1:8001 cannot be listened on (EADDRNOTAVAIL) → set HOST to an address of this machine'],
  ])('%s', async (code, said) => {
    expect(wrong(await look({ network: taken(code) }))).toEqual([`fail port/listen: ${said}`]);
  });

  test('that this client has already is well', async () => {
    const fetch: DoctorDeps['fetch'] = async (request) =>
      request.url === 'http://127.0.0.1:8001/health'
        ? Response.json({ service: 'crypto-client' })
        : double.fetch(request);
    const findings = await look({ network: taken('EADDRINUSE'), fetch });
    expect(wrong(findings)).toEqual([]);
    expect(findings.map(({ said }) => said)).toContain('a crypto-client listens on 127.0.0.1:8001');
  });

  test('0 is free', async () => {
    expect(wrong(await look({ network: taken('EADDRINUSE') }, { port: 0 }))).toEqual([]);
  });
});

describe('the server', () => {
  const server = (more: Partial<DoctorDeps>, url = ISSUER) => look({ servers: [{ url, issuer: ISSUER }], ...more });
  const at = (url: string, said: string): string[] => [said.replace('/', `server ${url}/`)];

  test('whose name is not found', async () => {
    expect(wrong(await server({ lookup: failing('ENOTFOUND') }))).toEqual(
      at(
        ISSUER,
        'fail /dns: localhost is not found (ENOTFOUND) → check the name in CRYPTO_SERVER_URL, and the name servers of this machine',
      ),
    );
  });

  test('that does not take connections', async () => {
    const network = { ...deps().network, connect: failing('ECONNREFUSED') };
    expect(wrong(await server({ network }, 'http://127.0.0.1:1'))).toEqual(
      at(
        'http://127.0.0.1:1',
        'fail /tcp: no connection to port 1 (ECONNREFUSED) → start the server, or set CRYPTO_SERVER_URL to where it is; a firewall on the way may be closed',
      ),
    );
  });

  const secure = 'https://rates.example.com';
  test.each([
    [
      'ended',
      { endsAtMs: START_MS - 2.5 * DAY_MS },
      'fail /tls: the certificate ended 3 days ago → renew it on the server',
    ],
    [
      'ends soon',
      { endsAtMs: START_MS + 6.5 * DAY_MS },
      'warn /tls: the certificate ends in 6 days → see why it is not renewed on the server',
    ],
    [
      'is for another name',
      { otherName: 'Host: a is not b' },
      'fail /tls: the certificate is for another name (Host: a is not b) → use the name of the certificate in CRYPTO_SERVER_URL, and set ISSUER to the one of the server',
    ],
    [
      'is of an unknown authority',
      { untrusted: 'SELF_SIGNED_CERT_IN_CHAIN' },
      'fail /tls: the certificate is not trusted (SELF_SIGNED_CERT_IN_CHAIN) → set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority',
    ],
  ])('whose certificate %s', async (_name, given, said) => {
    const network = { ...deps().network, certificate: async () => ({ ...goodCertificate, ...given }) };
    double = createDouble({ issuer: ISSUER, now: world.clock.now });
    expect(wrong(await server({ network, fetch: dated(0, double.fetch) }, secure))).toEqual(at(secure, said));
  });

  test('that does not speak TLS', async () => {
    const network = { ...deps().network, certificate: failing('ECONNRESET') };
    expect(wrong(await server({ network }, secure))).toEqual(
      at(secure, 'fail /tls: port 443 does not speak TLS (ECONNRESET) → use http:// there, or the port of https'),
    );
  });

  test('in plain http beyond this machine', async () => {
    expect(wrong(await server({}, 'http://rates.example.com:8000'))).toEqual(
      at(
        'http://rates.example.com:8000',
        'warn /tls: plain http beyond this machine → use https: secrets and tokens can be read on the way',
      ),
    );
  });

  test.each([
    [404, 'fail /health: /health is answered with status 404'],
    [503, 'fail /health: /health is answered with status 503'],
  ])('whose health is %p', async (status, said) => {
    const findings = wrong(await server({ fetch: dated(0, async () => new Response(null, { status })) }));
    expect(findings).toEqual([expect.stringContaining(said.replace('/', `server ${ISSUER}/`))]);
  });

  test('that is a client', async () => {
    const findings = wrong(await server({ fetch: dated(0, async () => Response.json({ service: 'crypto-client' })) }));
    expect(findings).toEqual([expect.stringContaining('/health: it is a crypto-client that answers there → set')]);
  });

  test('that does not answer', async () => {
    expect(wrong(await server({ fetch: failing('ECONNRESET') }))[0]).toContain(
      'no connection to http://localhost:8000 (ECONNRESET)',
    );
  });

  test('that names another issuer', async () => {
    double = createDouble({ issuer: 'https://other.example', now: world.clock.now });
    const [said] = wrong(await server({ fetch: dated(0, double.fetch) }));
    expect(said).toContain('/issuer: the metadata cannot be used → ');
    expect(said).toContain('set ISSUER=https://other.example');
  });

  test('that has no metadata is well', async () => {
    double = createDouble({ issuer: ISSUER, modern: false, now: world.clock.now });
    const findings = await server({ fetch: dated(0, double.fetch) });
    expect(wrong(findings)).toEqual([]);
    expect(findings.find(({ check }) => check === 'issuer')?.said).toContain('the short JSON form');
  });

  test.each([
    [29_000, 'ok', 'this machine is 29 s behind the server'],
    [-29_000, 'ok', 'this machine is 29 s ahead of the server'],
    [40_000, 'warn', 'this machine is 40 s behind the server'],
    [-40_000, 'warn', 'this machine is 40 s ahead of the server'],
    [-299_000, 'warn', 'this machine is 299 s ahead of the server'],
    [310_000, 'fail', 'this machine is 310 s behind the server'],
    [-310_000, 'fail', 'this machine is 310 s ahead of the server'],
  ] as const)('whose clock is %p ms off: %s', async (offset, state, said) => {
    const found = (await server({ fetch: dated(offset, double.fetch) })).find(({ check }) => check === 'clock');
    expect([found?.state, found?.said]).toEqual([state, said]);
    expect(found?.advice?.includes('NTP') ?? false).toBe(state !== 'ok');
  });

  test('all of several are looked at', async () => {
    const network = {
      ...deps().network,
      connect: async (host: string) => void (host === 'a' && (await failing('X')())),
    };
    const findings = await look({
      servers: [
        { url: 'http://a', issuer: ISSUER },
        { url: ISSUER, issuer: ISSUER },
      ],
      network,
    });
    expect(wrong(findings)).toEqual([expect.stringContaining('fail server http://a/tcp')]);
    expect(findings.some(({ area, check }) => area === `server ${ISSUER}` && check === 'issuer')).toBe(true);
  });
});

describe('a credential', () => {
  const credential = { clientId: 'a', clientSecret: 'b' };
  test('that the server refuses', async () => {
    const error = new TokenError({ kind: 'refused', error: 'invalid_client', description: null });
    let closed = 0;
    const refused = tried({ freshToken: () => Promise.reject(error), rates: () => expect.unreachable() });
    const findings = await look(
      { credentials: () => ({ tried: [refused, tried({ name: 'b' })], close: () => void closed++ }) },
      { credential },
    );
    expect(wrong(findings)).toEqual([
      expect.stringMatching(/^fail credential default\/token: none is obtained → The server refuses/),
    ]);
    expect([findings.at(-1)?.area, closed]).toEqual(['credential b', 1]);
  });

  test('that may not read rates', async () => {
    const rates = async () => ({ kind: 'status', status: 403, retryAfter: null }) as const;
    const findings = await look(
      { credentials: () => ({ tried: [tried({ rates })], close: () => {} }) },
      { credential },
    );
    expect(wrong(findings)).toEqual([
      expect.stringContaining(
        'fail credential default/rates: none are read with the token → The server refuses its rates',
      ),
    ]);
  });

  test('is not tried while none of its servers can be reached', async () => {
    const connect = async (host: string) => void (host === 'away' && (await failing('ECONNREFUSED')()));
    const own = tried({ name: 'own', servers: ['http://away'], freshToken: () => expect.unreachable() });
    const findings = await look(
      { network: { ...deps().network, connect }, credentials: () => ({ tried: [tried(), own], close: () => {} }) },
      { credential },
    );
    expect(wrong(findings)).toEqual([expect.stringContaining('fail server http://away/tcp')]);
    expect(findings.map(({ area }) => area)).toContain('credential default');
    expect(findings.map(({ area }) => area)).not.toContain('credential own');
  });

  test('that cannot be read leaves the rest to be looked at', async () => {
    const credentials = () => {
      throw new VaultFault('Put the file back.');
    };
    const findings = await look({ credentials }, { credential });
    expect(wrong(findings)).toEqual(['fail data/vault: the credentials cannot be read → Put the file back.']);
    expect(findings.at(-1)?.check).toBe('issuer');
  });
});

test('as text: by area, and what to do below', () => {
  const findings: Finding[] = [];
  const report = reportOn('server http://a', (finding) => findings.push(finding));
  report.ok('dns', 'a is 192.0.2.1');
  report.warn('clock', 'it is late', 'set it');
  report.fail('tls', 'Bearer abc.def is told', 'hide it');
  expect(renderFindings(findings, false)).toBe(
    [
      'server http://a',
      '  ok    dns: a is 192.0.2.1',
      '  warn  clock: it is late',
      '        → set it',
      '  fail  tls: Bearer [redacted] is told',
      '        → hide it',
      '',
    ].join('\n'),
  );
});

describe.skipIf(Bun.which('openssl') === null)('over connections', () => {
  let server: Bun.Server<undefined>;
  let keys: string;
  beforeAll(() => {
    keys = mkdtempSync(join(tmpdir(), 'doctor-tls-'));
    const [key, cert] = [join(keys, 'key.pem'), join(keys, 'cert.pem')];
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
    const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    Bun.spawnSync(['openssl', ...args, ...name, '-keyout', key, '-out', cert], { stderr: 'ignore' });
    server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      tls: { key: Bun.file(key), cert: Bun.file(cert) },
      fetch: () => new Response('ok'),
    });
  });
  afterAll(async () => {
    await server.stop(true);
    rmSync(keys, { recursive: true, force: true });
  });

  const certificateOf = async (host: string): Promise<string[]> => {
    const findings: Finding[] = [];
    const clock = { now: Date.now, elapsed: () => performance.now() };
    const given = { ...deps({ network: NETWORK, lookup: async () => ['127.0.0.1'] }), clock };
    await checkServer(
      `https://${host}:${server.port}`,
      ISSUER,
      given,
      reportOn('', (one) => findings.push(one)),
    );
    return findings.filter(({ check }) => check === 'tls').map(({ state, said }) => `${state} ${said}`);
  };

  test('a certificate of an unknown authority, and one for another name', async () => {
    expect(await certificateOf('localhost')).toEqual([
      'fail the certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)',
    ]);
    expect(await certificateOf('127.0.0.1')).toEqual([
      expect.stringContaining('fail the certificate is for another name'),
    ]);
  });

  test('a port that is taken, one that is free, and one that nobody answers at', async () => {
    expect(await NETWORK.tryListen('127.0.0.1', server.port ?? 0)).toBe('EADDRINUSE');
    expect(await NETWORK.tryListen('127.0.0.1', 0)).toBeNull();
    expect(await NETWORK.tryListen('192.0.2.1', 0)).toBe('EADDRNOTAVAIL');
    expect(await NETWORK.connect('127.0.0.1', server.port ?? 0)).toBeUndefined();
    expect(await NETWORK.connect('127.0.0.1', 1).catch(({ code }) => code)).toBe('ECONNREFUSED');
  });

  test('a port without TLS', async () => {
    const plain = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('ok') });
    expect(await NETWORK.certificate('127.0.0.1', plain.port ?? 0).catch(() => 'none')).toBe('none');
    await plain.stop(true);
  });
});
