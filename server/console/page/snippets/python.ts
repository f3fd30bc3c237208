import { type Algorithm, CERTIFICATE_FILES, KEY_FILE, type SnippetFacts } from './facts';

/** For Python 3, with its standard library alone where nothing has to be signed. */
export function python(facts: SnippetFacts): string {
  const { issuer, clientId, resource, target, proof, dpop, certificate } = facts;
  const signs = dpop || proof.kind === 'key';
  return [
    ...(signs ? ['# pip install cryptography'] : []),
    `import ${modulesOf(facts).join(', ')}`,
    'from urllib.error import HTTPError',
    'from urllib.parse import urlencode',
    'from urllib.request import Request, urlopen',
    ...(signs ? imports(facts) : []),
    '',
    ...(signs ? JWT : []),
    ...(proof.kind === 'key' ? assertion(facts, proof) : []),
    ...(dpop ? DPOP : []),
    ...(certificate
      ? [
          'tls = ssl.create_default_context()',
          `tls.load_cert_chain("${CERTIFICATE_FILES.cert}", "${CERTIFICATE_FILES.key}")`,
          '',
        ]
      : []),
    ...call(facts),
    '',
    `token = call(${text(`${issuer}/api/auth/token`)}, form=${isMadeAnew(facts) ? 'lambda: ' : ''}{`,
    '    "grant_type": "client_credentials",',
    `    "client_id": ${text(clientId)},`,
    ...credential(proof),
    `    "resource": ${text(resource)},`,
    '})["access_token"]',
    target === null ? 'print(token)' : `print(call(${text(target)}, token=token))`,
  ].join('\n');
}

function modulesOf({ proof, dpop, certificate }: SnippetFacts): string[] {
  const signs = dpop || proof.kind === 'key';
  return [
    ...(signs ? ['base64', ...(dpop ? ['hashlib'] : [])] : []),
    'json',
    ...(proof.kind === 'secret' ? ['os'] : []),
    ...(certificate ? ['ssl'] : []),
    ...(signs ? ['time', 'uuid'] : []),
  ];
}

function credential(proof: SnippetFacts['proof']): string[] {
  switch (proof.kind) {
    case 'secret':
      return ['    "client_secret": os.environ["CLIENT_SECRET"],'];
    case 'certificate':
      return [];
    case 'key':
      return [
        '    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",',
        '    "client_assertion": assertion(),',
      ];
  }
}

/** An assertion is good once, and a request with a proof may be sent twice. */
function isMadeAnew({ proof, dpop }: SnippetFacts): boolean {
  return dpop && proof.kind === 'key';
}

/** One request; a refusal ends the program with the words of the server. */
function call(facts: SnippetFacts): string[] {
  const { dpop, certificate } = facts;
  const open = `urlopen(Request(url, data, headers), timeout=10${certificate ? ', context=tls' : ''})`;
  const scheme = dpop ? 'DPoP' : 'Bearer';
  return [
    'def call(url, form=None, token=None):',
    ...(dpop ? ['    global nonce'] : []),
    `    data = urlencode(form${isMadeAnew(facts) ? '()' : ''}).encode() if form else None`,
    `    headers = {"Authorization": f"${scheme} {token}"} if token else {}`,
    ...(dpop ? ['    headers["DPoP"] = proof("POST" if form else "GET", url, token)'] : []),
    '    try:',
    `        with ${open} as answer:`,
    '            return json.load(answer)',
    '    except HTTPError as error:',
    ...(dpop
      ? [
          '        before, nonce = nonce, error.headers.get("DPoP-Nonce")',
          '        if nonce and nonce != before:  # the first answer only names the nonce that proofs must have',
          '            return call(url, form, token)',
        ]
      : []),
    '        raise SystemExit(error.read().decode())',
  ];
}

function imports({ proof, dpop }: SnippetFacts): string[] {
  const algorithms = new Set<Algorithm>([
    ...(proof.kind === 'key' ? [proof.alg] : []),
    ...(dpop ? ['ES256' as const] : []),
  ]);
  const types = [
    ...(algorithms.has('ES256') ? ['ec, utils'] : []),
    ...(algorithms.has('PS256') || algorithms.has('RS256') ? ['padding'] : []),
  ];
  const hashes = types.length > 0;
  return [
    ...(hashes ? ['from cryptography.hazmat.primitives import hashes'] : []),
    ...(hashes ? [`from cryptography.hazmat.primitives.asymmetric import ${types.join(', ')}`] : []),
    ...(proof.kind === 'key' ? ['from cryptography.hazmat.primitives.serialization import load_pem_private_key'] : []),
    ...[...algorithms].flatMap((algorithm) => ['', ...SIGN[algorithm]]),
  ];
}

const SIGN: Readonly<Record<Algorithm, readonly string[]>> = {
  ES256: [
    'def es256(key, data):',
    '    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))',
    '    return r.to_bytes(32, "big") + s.to_bytes(32, "big")',
  ],
  EdDSA: ['def eddsa(key, data):', '    return key.sign(data)'],
  PS256: [
    'def ps256(key, data):',
    '    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)',
    '    return key.sign(data, pss, hashes.SHA256())',
  ],
  RS256: ['def rs256(key, data):', '    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())'],
};

const JWT = [
  'def base64url(data):',
  '    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()',
  '',
  'def jwt(header, claims, sign, key):',
  '    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))',
  '    return text + "." + base64url(sign(key, text.encode()))',
  '',
];

function assertion({ clientId, issuer }: SnippetFacts, { alg, kid }: { alg: Algorithm; kid: string | null }): string[] {
  const header = [`"alg": "${alg}"`, ...(kid === null ? [] : [`"kid": ${text(kid)}`])].join(', ');
  return [
    `client_key = load_pem_private_key(open("${KEY_FILE}", "rb").read(), None)`,
    '',
    'def assertion():',
    '    now = int(time.time())',
    `    return jwt({${header}}, {`,
    `        "iss": ${text(clientId)}, "sub": ${text(clientId)}, "aud": ${text(issuer)},`,
    '        "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60,',
    `    }, ${alg.toLowerCase()}, client_key)`,
    '',
  ];
}

const DPOP = [
  'dpop_key = ec.generate_private_key(ec.SECP256R1())',
  'point = dpop_key.public_key().public_numbers()',
  'dpop_jwk = {"kty": "EC", "crv": "P-256",',
  '            "x": base64url(point.x.to_bytes(32, "big")), "y": base64url(point.y.to_bytes(32, "big"))}',
  'nonce = None',
  '',
  'def proof(method, url, token):',
  '    claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time())}',
  '    if nonce:',
  '        claims["nonce"] = nonce',
  '    if token:',
  '        claims["ath"] = base64url(hashlib.sha256(token.encode()).digest())',
  '    return jwt({"typ": "dpop+jwt", "alg": "ES256", "jwk": dpop_jwk}, claims, es256, dpop_key)',
  '',
];

/** A string literal: what JSON writes Python reads. */
function text(value: string): string {
  return JSON.stringify(value);
}
