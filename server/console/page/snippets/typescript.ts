import { type Algorithm, CERTIFICATE_FILES, KEY_FILE, type SnippetFacts } from './facts';

/** For Bun and Node. Without a library where nothing has to be signed. */
export function typescript(facts: SnippetFacts): string {
  const lines = facts.dpop || facts.proof.kind === 'key' ? signed(facts) : plain(facts);
  return lines.join('\n');
}

function plain({ issuer, clientId, resource, target, proof, certificate }: SnippetFacts): string[] {
  const tls = certificate ? ['  tls,'] : [];
  return [
    ...(certificate ? TLS : []),
    `const answer = await fetch(${text(`${issuer}/api/auth/token`)}, {`,
    "  method: 'POST',",
    ...tls,
    '  body: new URLSearchParams({',
    "    grant_type: 'client_credentials',",
    `    client_id: ${text(clientId)},`,
    ...(proof.kind === 'secret' ? ['    client_secret: process.env.CLIENT_SECRET!,'] : []),
    `    resource: ${text(resource)},`,
    '  }),',
    '});',
    'if (!answer.ok) throw new Error(await answer.text());',
    'const { access_token } = await answer.json();',
    ...(target === null
      ? ['console.log(access_token);']
      : [
          '',
          `const data = await fetch(${text(target)}, {`,
          '  headers: { authorization: `Bearer ${access_token}` },',
          ...tls,
          '});',
          'console.log(await data.text());',
        ]),
  ];
}

/** oauth4webapi makes assertions and proofs. */
function signed({ issuer, clientId, resource, target, proof, dpop, certificate }: SnippetFacts): string[] {
  const insecure = issuer.startsWith('http:');
  const options = [
    ...(insecure ? ['[oauth.allowInsecureRequests]: true'] : []),
    ...(certificate ? ['[oauth.customFetch]: (url: string, init: object) => fetch(url, { ...init, tls })'] : []),
  ];
  return [
    '// npm install oauth4webapi',
    "import * as oauth from 'oauth4webapi';",
    ...(proof.kind === 'key' ? ["import { readFileSync } from 'node:fs';"] : []),
    '',
    ...(certificate ? TLS : []),
    `const options = {${options.map((one) => `\n  ${one},`).join('')}${options.length > 0 ? '\n' : ''}};`,
    `const issuer = new URL(${text(issuer)});`,
    'const server = await oauth.processDiscoveryResponse(issuer,',
    "  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options }));",
    `const client = { client_id: ${text(clientId)} };`,
    ...authentication(proof),
    ...(dpop ? ["const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));"] : []),
    '',
    'const obtain = async () => oauth.processClientCredentialsResponse(server, client,',
    '  await oauth.clientCredentialsGrantRequest(server, client, authentication,',
    `    new URLSearchParams({ resource: ${text(resource)} }), { ${dpop ? 'DPoP, ' : ''}...options }));`,
    ...(dpop
      ? [
          '// The first answer only names the nonce that proofs must have.',
          'const { access_token } = await obtain().catch((error) =>',
          '  oauth.isDPoPNonceError(error) ? obtain() : Promise.reject(error));',
        ]
      : ['const { access_token } = await obtain();']),
    ...(target === null
      ? ['console.log(access_token);']
      : [
          '',
          `const data = await oauth.protectedResourceRequest(access_token, 'GET', new URL(${text(target)}),`,
          `  undefined, undefined, { ${dpop ? 'DPoP, ' : ''}...options });`,
          'console.log(await data.text());',
        ]),
  ];
}

function authentication(proof: SnippetFacts['proof']): string[] {
  switch (proof.kind) {
    case 'secret':
      return ['const authentication = oauth.ClientSecretPost(process.env.CLIENT_SECRET!);'];
    case 'certificate':
      return ['const authentication = oauth.TlsClientAuth();'];
    case 'key':
      return [
        `const pem = readFileSync('${KEY_FILE}', 'utf8').replace(/-----.*-----|\\s/g, '');`,
        `const key = await crypto.subtle.importKey('pkcs8', Buffer.from(pem, 'base64'), ${IMPORT[proof.alg]}, false, ['sign']);`,
        `const authentication = oauth.PrivateKeyJwt({ key${proof.kid === null ? '' : `, kid: ${text(proof.kid)}`} });`,
      ];
  }
}

const IMPORT: Readonly<Record<Algorithm, string>> = {
  ES256: "{ name: 'ECDSA', namedCurve: 'P-256' }",
  EdDSA: "'Ed25519'",
  PS256: "{ name: 'RSA-PSS', hash: 'SHA-256' }",
  RS256: "{ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }",
};

const TLS = [
  '// Bun: its fetch takes the certificate. In Node give fetch a dispatcher: an Agent of undici with the same two.',
  'const tls = {',
  `  cert: await Bun.file('${CERTIFICATE_FILES.cert}').text(),`,
  `  key: await Bun.file('${CERTIFICATE_FILES.key}').text(),`,
  '};',
];

/** A string literal, whatever is in it. */
function text(value: string): string {
  return /^[ -&(-[\]-~]*$/.test(value) ? `'${value}'` : JSON.stringify(value);
}
