import { type Algorithm, CERTIFICATE_FILES, KEY_FILE, type SnippetFacts } from './facts';

/** For bash; also zsh. Secrets come in by standard input or files: what stands in arguments every user of the machine sees. */
export function curl(facts: SnippetFacts): string {
  const { issuer, resource, target, proof, dpop } = facts;
  const signs = dpop || proof.kind === 'key';
  const tls = facts.certificate ? [`--cert ${CERTIFICATE_FILES.cert} --key ${CERTIFICATE_FILES.key}`] : [];
  const ask = [
    ...[
      'curl -sS',
      ...tls,
      ...(dpop ? [`-D "$HEADERS" -H "DPoP: $(proof POST ${quote(`${issuer}/api/auth/token`)})"`] : []),
    ],
    ...['-d grant_type=client_credentials', `-d client_id=${quote(facts.clientId)}`, ...credential(facts)],
    ...[`--data-urlencode resource=${quote(resource)}`, quote(`${issuer}/api/auth/token`)],
  ].join(' \\\n    ');
  const piped = proof.kind === 'secret' ? `printf %s "$CLIENT_SECRET" | ${ask}` : ask;
  return [
    `# Needs ${['curl', 'jq', ...(signs ? ['openssl'] : [])].join(', ')}${needed(facts)}.`,
    ...(signs ? [...JWT, ...SIGN[proof.kind === 'key' ? proof.alg : 'ES256']] : []),
    ...(dpop && proof.kind === 'key' && proof.alg !== 'ES256' ? SIGN.ES256 : []),
    ...(proof.kind === 'key' ? assertion(facts, proof) : []),
    ...(dpop ? DPOP : []),
    '',
    'ask() {',
    `  ${piped}`,
    '}',
    'ANSWER=$(ask)',
    ...(dpop ? NONCE : []),
    'if TOKEN=$(echo "$ANSWER" | jq -er .access_token); then',
    ...use(target, tls, dpop),
    'else',
    '  echo "$ANSWER" >&2',
    'fi',
  ].join('\n');
}

/** What the files and variables are that it reads. */
function needed({ proof, certificate }: SnippetFacts): string {
  return [
    ...(proof.kind === 'secret' ? ['; the secret in $CLIENT_SECRET'] : []),
    ...(proof.kind === 'key' ? [`; the private key in ${KEY_FILE}`] : []),
    ...(certificate ? [`; the certificate in ${CERTIFICATE_FILES.cert}, its key in ${CERTIFICATE_FILES.key}`] : []),
  ].join('');
}

function credential({ proof }: SnippetFacts): string[] {
  switch (proof.kind) {
    case 'secret':
      return ['--data-urlencode client_secret@-'];
    case 'certificate':
      return [];
    case 'key':
      return [
        '-d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        '-d client_assertion="$(assertion)"',
      ];
  }
}

function use(target: string | null, tls: readonly string[], dpop: boolean): string[] {
  if (target === null) return ['  echo "$TOKEN"'];
  const bearer = ['-H "Authorization: Bearer $TOKEN"'];
  const bound = ['-H "Authorization: DPoP $TOKEN"', `-H "DPoP: $(proof GET ${quote(target)} "$TOKEN")"`];
  return [`  ${['curl -sS', ...tls, ...(dpop ? bound : bearer), quote(target)].join(' \\\n    ')}`];
}

const JWT = [
  "base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }",
  'jwt() { # header, claims, algorithm, key file',
  '  TEXT=$(printf %s "$1" | base64url).$(printf %s "$2" | base64url)',
  '  printf %s "$TEXT.$(printf %s "$TEXT" | "$3" "$4" | base64url)"',
  '}',
];

const SIGN: Readonly<Record<Algorithm, readonly string[]>> = {
  ES256: [
    'ES256() { # openssl writes r and s as ASN.1; a JWT has 32 bytes of each',
    '  printf "$(openssl dgst -sha256 -sign "$1" | openssl asn1parse -inform DER |',
    `    awk -F: '/INTEGER/ { printf "%64s", $4 }' | tr ' ' 0 | sed 's/../\\\\x&/g')"`,
    '}',
  ],
  EdDSA: [
    'EdDSA() {',
    '  FILE=$(mktemp) && cat >"$FILE"',
    '  openssl pkeyutl -sign -rawin -inkey "$1" -in "$FILE"; rm "$FILE"',
    '}',
  ],
  PS256: [
    'PS256() {',
    '  openssl dgst -sha256 -sign "$1" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest',
    '}',
  ],
  RS256: ['RS256() { openssl dgst -sha256 -sign "$1"; }'],
};

function assertion({ clientId, issuer }: SnippetFacts, { alg, kid }: { alg: Algorithm; kid: string | null }): string[] {
  return [
    'assertion() {',
    `  jwt ${quote(JSON.stringify(kid === null ? { alg } : { alg, kid }))} "$(jq -cn --arg jti "$(openssl rand -hex 16)" \\`,
    `    --arg id ${quote(clientId)} --arg aud ${quote(issuer)} \\`,
    `    '{iss: $id, sub: $id, $aud, $jti, iat: (now | floor), exp: (now + 60 | floor)}')" ${alg} ${KEY_FILE}`,
    '}',
  ];
}

const DPOP = [
  '',
  'HEADERS=$(mktemp) DPOP_KEY=$(mktemp) NONCE=',
  'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$DPOP_KEY"',
  'coordinate() { openssl pkey -in "$DPOP_KEY" -pubout -outform DER | tail -c 64 | "$@" | base64url; }',
  'proof() { # method, URL, access token',
  '  jwt "$(jq -cn --arg x "$(coordinate head -c 32)" --arg y "$(coordinate tail -c 32)" \\',
  `    '{typ: "dpop+jwt", alg: "ES256", jwk: {kty: "EC", crv: "P-256", $x, $y}}')" "$(jq -cn \\`,
  '    --arg htm "$1" --arg htu "$2" --arg jti "$(openssl rand -hex 16)" --arg nonce "$NONCE" \\',
  '    --arg ath "$(printf %s "$3" | openssl dgst -sha256 -binary | base64url)" \\',
  `    '{$htm, $htu, $jti, $nonce, $ath, iat: (now | floor)}')" ES256 "$DPOP_KEY"`,
  '}',
];

const NONCE = [
  '# The first answer only names the nonce that proofs must have.',
  `NONCE=$(tr -d '\\r' <"$HEADERS" | awk 'tolower($1) == "dpop-nonce:" { print $2 }')`,
  'ANSWER=$(ask)',
];

/** One word of the shell, whatever is in it. */
function quote(text: string): string {
  return /^[\w.~:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
