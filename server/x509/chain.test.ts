// Path validation (RFC 5280 §6) of real certificates, one case per fault.
import { beforeAll, describe, expect, spyOn, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { AUTHORITY, CLIENT, hasOpenssl, type Made, makeCertificate } from '../../kit/testing-certificates';
import { type ChainFault, createChainCheck, readPemCertificates } from './chain';
import { readCertificateFields } from './fields';
import { hasAddress, hasDistinguishedName, hasDnsName, hasEmail, hasUri, parseDistinguishedName } from './subject';

const DAY_MS = 86_400_000;
const RSA = (bits: number): string[] => [`rsa:${bits}`];
const LEAF = '/C=PL/O=Example/CN=machine';

describe.skipIf(!hasOpenssl())('certificates of clients (openssl)', () => {
  let root: Made;
  let middle: Made;
  beforeAll(() => {
    root = makeCertificate({ subject: '/CN=Root', extensions: AUTHORITY, days: 300 });
    middle = makeCertificate({ subject: '/CN=Middle', issuer: root, extensions: AUTHORITY, days: 200 });
  });
  const client = (issuer: Made, extensions: readonly string[] = CLIENT, more = {}): Made =>
    makeCertificate({ subject: LEAF, issuer, extensions, ...more });
  const authority = (issuer: Made | undefined, extensions: readonly string[], more = {}): Made =>
    makeCertificate({ subject: `/CN=${crypto.randomUUID()}`, ...(issuer && { issuer }), extensions, ...more });
  const check = (leaf: Made, chain: readonly Made[] = [], trusted: readonly Made[] = [root], laterMs = 0) =>
    createChainCheck(trusted.map(({ x509 }) => x509)).faultOf(
      leaf.x509,
      chain.map(({ x509 }) => x509),
      Date.now() + laterMs,
    );

  test('a certificate of a trusted authority is good, and so is one of an authority below it', () => {
    expect(check(client(root))).toBeNull();
    expect(check(client(middle), [middle])).toBeNull();
    expect(check(client(middle), [middle, root])).toBeNull();
    expect(check(client(middle), [], [root, middle])).toBeNull();
  });

  test.each([
    ['RSA 2048', RSA(2048), 'sha256'],
    ['P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'sha384'],
    ['Ed25519', ['ed25519'], 'sha256'],
  ])('keys of %s are good', (_name, algorithm, digest) => {
    const own = authority(undefined, AUTHORITY, { algorithm, ...(algorithm[0] === 'ed25519' ? {} : { digest }) });
    expect(check(client(own, CLIENT, { algorithm }), [], [own])).toBeNull();
  });

  test('no purpose said, or any, is good', () => {
    expect(check(client(root, []))).toBeNull();
    expect(check(client(root, ['extendedKeyUsage=anyExtendedKeyUsage']))).toBeNull();
  });

  test('cross-signed: one good path is enough', () => {
    const other = authority(undefined, AUTHORITY);
    expect(check(client(middle), [other, middle], [root])).toBeNull();
    expect(check(client(middle), [middle], [other])).toBe('issuer_unknown');
  });

  const faults: [string, () => unknown, string][] = [
    ['no authority is trusted', () => check(client(root), [], []), 'issuer_unknown'],
    ['another authority', () => check(client(authority(undefined, AUTHORITY))), 'issuer_unknown'],
    [
      'another authority of the same name',
      () => check(client(makeCertificate({ subject: '/CN=Root', extensions: AUTHORITY }))),
      'issuer_unknown',
    ],
    ['signed by itself', () => check(makeCertificate({ subject: LEAF, extensions: CLIENT })), 'issuer_unknown'],
    ['the authority itself', () => check(root), 'issuer_unknown'],
    ['an authority between them that did not come along', () => check(client(middle)), 'issuer_unknown'],
    ['ended', () => check(client(root), [], [root], 31 * DAY_MS), 'expired'],
    ['not begun', () => check(client(root), [], [root], -DAY_MS), 'not_yet_valid'],
    [
      'an authority between them that has ended',
      () => {
        const short = authority(root, AUTHORITY, { days: 1 });
        return check(client(short), [short], [root], 2 * DAY_MS);
      },
      'expired',
    ],
    [
      'the trusted authority has ended',
      () => {
        const short = authority(undefined, AUTHORITY, { days: 1 });
        return check(client(short), [], [short], 2 * DAY_MS);
      },
      'expired',
    ],
    [
      'issued by the certificate of another client',
      () => {
        const evil = client(root);
        return check(client(evil), [evil]);
      },
      'not_an_authority',
    ],
    [
      'issued by one without basicConstraints',
      () => {
        const plain = authority(root, ['keyUsage=keyCertSign']);
        return check(client(plain), [plain]);
      },
      'not_an_authority',
    ],
    [
      'issued by an authority that may not sign certificates',
      () => {
        const plain = authority(root, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,cRLSign']);
        return check(client(plain), [plain]);
      },
      'not_an_authority',
    ],
    [
      'an authority more than pathLen allows',
      () => {
        const last = authority(root, ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=keyCertSign']);
        const more = authority(last, AUTHORITY);
        return check(client(more), [more, last]);
      },
      'path_too_long',
    ],
    ['for servers only', () => check(client(root, ['extendedKeyUsage=serverAuth'])), 'purpose'],
    ['a key that may not sign', () => check(client(root, ['keyUsage=keyEncipherment'])), 'purpose'],
    [
      'an authority for servers only',
      () => {
        const servers = authority(root, [...AUTHORITY, 'extendedKeyUsage=serverAuth']);
        return check(client(servers), [servers]);
      },
      'purpose',
    ],
    ['an RSA key of 1024 bits', () => check(client(root, CLIENT, { algorithm: RSA(1024) })), 'weak'],
    ...[
      ['ed448'],
      ['ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
      ['ec', '-pkeyopt', 'ec_paramgen_curve:brainpoolP256r1'],
      ['ec', '-pkeyopt', 'ec_paramgen_curve:prime192v1'],
      ['rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'],
    ].map((algorithm): [string, () => unknown, string] => [
      `a key that cannot be used here, ${algorithm.at(-1)}`,
      () => check(client(root, CLIENT, { algorithm })),
      'key_unsupported',
    ]),
    [
      'an authority whose key cannot be used here',
      () => {
        const odd = authority(root, AUTHORITY, { algorithm: ['ed448'] });
        return check(client(odd), [odd]);
      },
      'issuer_unknown',
    ],
    ['signed with SHA-1', () => check(client(root, CLIENT, { digest: 'sha1' })), 'weak'],
    [
      'a critical extension that nobody knows',
      () => check(client(root, [...CLIENT, '1.2.3.4=critical,DER:0500'])),
      'critical_extension',
    ],
    [
      'a critical extension of the authority that nobody knows',
      () => {
        const odd = authority(root, [...AUTHORITY, 'policyConstraints=critical,requireExplicitPolicy:0']);
        return check(client(odd), [odd]);
      },
      'critical_extension',
    ],
    [
      'seven authorities in a row',
      () => {
        const chain = [authority(root, AUTHORITY)];
        while (chain.length < 7) chain.unshift(authority(chain[0], AUTHORITY));
        return check(client(chain[0] ?? root), chain);
      },
      'issuer_unknown',
    ],
  ];
  test.each(faults)('refused: %s', (_name, work, fault) => {
    expect(work()).toBe(fault);
  });

  test('of a chain that a stranger has made up, eight signatures are looked at', () => {
    // All of one name, so that each may have issued each.
    const same = (): Made => makeCertificate({ subject: '/CN=Same', extensions: AUTHORITY });
    const first = same();
    const made = [first, same(), same(), same(), same()];
    const leaf = makeCertificate({ subject: LEAF, issuer: first, extensions: CLIENT });
    const verify = spyOn(X509Certificate.prototype, 'verify');
    expect(check(leaf, made)).toBe('issuer_unknown');
    expect(verify.mock.calls.length).toBeLessThanOrEqual(8);
    verify.mockRestore();
  });

  test('pathLen allows what it says', () => {
    const last = authority(root, ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=keyCertSign']);
    expect(check(client(last), [last])).toBeNull();
    const two = authority(root, ['basicConstraints=critical,CA:TRUE,pathlen:1']);
    const below = authority(two, AUTHORITY);
    expect(check(client(below), [two, below])).toBeNull();
  });

  const constrained: [string, string, string, ChainFault | null][] = [
    ['a name below the domain', 'permitted;DNS:example.test', 'DNS:a.example.test', null],
    ['the domain itself', 'permitted;DNS:example.test', 'DNS:example.test', null],
    ['another domain', 'permitted;DNS:example.test', 'DNS:a.example.org', 'name_constraints'],
    ['a domain that only ends like it', 'permitted;DNS:example.test', 'DNS:badexample.test', 'name_constraints'],
    ['one good name and one bad', 'permitted;DNS:example.test', 'DNS:example.test,DNS:x.org', 'name_constraints'],
    ['another kind of name', 'permitted;DNS:example.test', 'email:a@x.org', null],
    ['an excluded name', 'excluded;DNS:example.test', 'DNS:A.EXAMPLE.test', 'name_constraints'],
    ['not the excluded name', 'excluded;DNS:example.test', 'DNS:a.example.org', null],
    ['an address of the network', 'permitted;IP:10.0.0.0/255.0.0.0', 'IP:10.2.3.4', null],
    ['an address outside', 'permitted;IP:10.0.0.0/255.0.0.0', 'IP:11.2.3.4', 'name_constraints'],
    ['an IPv6 address under IPv4', 'permitted;IP:10.0.0.0/255.0.0.0', 'IP:fd00::1', 'name_constraints'],
    ['mail of the host', 'permitted;email:example.test', 'email:a@example.test', null],
    ['mail of a host below', 'permitted;email:example.test', 'email:a@b.example.test', 'name_constraints'],
    ['mail of any host below', 'permitted;email:.example.test', 'email:a@b.example.test', null],
    ['a URI of the host', 'permitted;URI:example.test', 'URI:https://example.test/x', null],
    ['a URI of another host', 'permitted;URI:example.test', 'URI:https://evil.test/example.test', 'name_constraints'],
    [
      'a URI whose user looks like the host',
      'permitted;URI:example.test',
      'URI:https://example.test@evil.test/',
      'name_constraints',
    ],
    ['a URI without a host', 'permitted;URI:example.test', 'URI:urn:x', 'name_constraints'],
    ['a URI without a host where one is excluded', 'excluded;URI:example.test', 'URI:urn:x', 'name_constraints'],
  ];
  test.each(constrained)('name constraints: %s', (_name, constraint, name, fault) => {
    const narrow = authority(root, [...AUTHORITY, `nameConstraints=critical,${constraint}`]);
    expect(check(client(narrow, [...CLIENT, `subjectAltName=${name}`]), [narrow])).toBe(fault);
    // What is above an authority binds what is below it.
    const below = authority(narrow, AUTHORITY);
    expect(check(client(below, [...CLIENT, `subjectAltName=${name}`]), [below, narrow])).toBe(fault);
  });

  const underSubject: [string, string, ChainFault | null][] = [
    ['the same organisation', '/C=PL/O=Example', null],
    ['the same, in other letters', '/C=PL/O=EXAMPLE', null],
    ['another organisation', '/C=PL/O=Other', 'name_constraints'],
  ];
  test.each(underSubject)('name constraints on the subject: %s', (_name, subject, fault) => {
    const pairs = subject.slice(1).split('/');
    const section = ['nameConstraints=critical,permitted;dirName:dn', '[dn]', ...pairs];
    const narrow = makeCertificate({
      subject: '/C=PL/CN=Narrow',
      issuer: root,
      extensions: [...AUTHORITY, ...section],
    });
    expect(check(client(narrow), [narrow])).toBe(fault);
  });

  test('a file of authorities may hold several and text around them', () => {
    const pem = `# ours\n${root.cert}\nSubject: x\n${middle.cert}`;
    expect(readPemCertificates(pem).map(({ subject }) => subject)).toEqual(['CN=Root', 'CN=Middle']);
    expect(readPemCertificates('nothing')).toEqual([]);
  });

  test('the number of an organisation, as eIDAS and PSD2 certificates have it, is part of a name (ETSI EN 319 412-1 §5.1.4)', () => {
    const subject = '/C=PL/O=Example/organizationIdentifier=PSDPL-PFSA-1234567890/CN=machine';
    const fields = readCertificateFields(makeCertificate({ subject, issuer: root, extensions: CLIENT }).x509.raw);
    const written = 'CN=machine,organizationIdentifier=PSDPL-PFSA-1234567890,O=Example,C=PL';
    expect(hasDistinguishedName(fields, written)).toBe(true);
    expect(hasDistinguishedName(fields, written.replace('1234567890', '1'))).toBe(false);
  });

  const names = 'DNS:Machine.example.test,URI:spiffe://example.test/a,IP:10.0.0.7,IP:fd00::7,email:m@example.test';
  const has = { hasAddress, hasDistinguishedName, hasDnsName, hasEmail, hasUri };
  const subjects: [keyof typeof has, string, boolean][] = [
    ['hasDistinguishedName', 'CN=Zażółć\\, a,OU=x+O=Example,C=PL', true],
    ['hasDistinguishedName', 'cn=Za\\C5\\BC\\C3\\B3\\C5\\82\\C4\\87\\2C a , o=Example + ou=x, c=PL', true],
    ['hasDistinguishedName', '2.5.4.3=Zażółć\\, a,OU=x+O=Example,C=PL', true],
    ['hasDistinguishedName', 'C=PL,OU=x+O=Example,CN=Zażółć\\, a', false],
    ['hasDistinguishedName', 'CN=Zażółć\\, a,OU=x+O=Example', false],
    ['hasDistinguishedName', 'CN=Zażółć\\, a,OU=x,O=Example,C=PL', false],
    ['hasDistinguishedName', 'CN=zażółć\\, a,OU=x+O=Example,C=PL', false],
    ['hasDistinguishedName', 'CN=Zażółć\\, a', false],
    ['hasDistinguishedName', '', false],
    ['hasDistinguishedName', 'nonsense', false],
    ['hasDnsName', 'machine.example.test', true],
    ['hasDnsName', 'example.test', false],
    ['hasDnsName', '*.example.test', false],
    ['hasUri', 'spiffe://example.test/a', true],
    ['hasUri', 'spiffe://example.test/A', false],
    ['hasAddress', '10.0.0.7', true],
    ['hasAddress', 'fd00:0:0::7', true],
    ['hasAddress', '10.0.0.8', false],
    ['hasAddress', 'fd00::8', false],
    ['hasAddress', 'x', false],
    ['hasEmail', 'm@example.test', true],
    ['hasEmail', 'M@example.test', false],
  ];
  let named: Made;
  test.each(subjects)('%s %s: %p', (name, value, expected) => {
    named ??= makeCertificate({
      subject: '/C=PL/O=Example+OU=x/CN=Zażółć, a',
      issuer: root,
      extensions: [...CLIENT, `subjectAltName=${names}`],
    });
    expect(has[name](readCertificateFields(named.x509.raw), value)).toBe(expected);
  });
});

test.each([
  ['CN=a', [[{ type: '2.5.4.3', value: 'a' }]]],
  ['CN=\\ a\\ ', [[{ type: '2.5.4.3', value: ' a ' }]]],
  ['1.2.3=#0c0161', [[{ type: '1.2.3', value: Buffer.from('0c0161', 'hex') }]]],
  ['CN=', [[{ type: '2.5.4.3', value: '' }]]],
  ['CN=a\\', null],
  ['CN=a\\x', null],
  ['XX=a', null],
  ['CN=#0c0', null],
  ['CN', null],
  ['CN=a,', null],
])('the name %p (RFC 4514)', (text, expected) => {
  expect(parseDistinguishedName(text) as unknown).toEqual(expected);
});
