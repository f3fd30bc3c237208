import type { AuthMethod } from '../../admin/contract';

/** What the code of the quick start is filled in with. */
export interface SnippetFacts {
  readonly issuer: string;
  readonly clientId: string;
  readonly authMethod: AuthMethod;
  /** The resource that is asked for, and whether the server would take it without being asked. */
  readonly resource: string;
  readonly isDefault: boolean;
}

/** Code in one language. */
export interface Snippet {
  readonly name: string;
  readonly code: string;
}

/** How to get a token and use it: curl, TypeScript, Python. */
export function snippetsFor(facts: SnippetFacts): readonly Snippet[] {
  switch (facts.authMethod) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return withSecret(facts);
    case 'private_key_jwt':
      return withKey(facts);
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return withCertificate(facts);
  }
}

function withSecret({ issuer, clientId, resource, isDefault, authMethod }: SnippetFacts): Snippet[] {
  const post = authMethod === 'client_secret_post';
  const curl = [
    'TOKEN=$(curl -sS --fail-with-body \\',
    post
      ? `  -d client_id=${clientId} --data-urlencode "client_secret=$CLIENT_SECRET" \\`
      : `  -u "${clientId}:$CLIENT_SECRET" \\`,
    '  -d grant_type=client_credentials \\',
    ...(isDefault ? [] : [`  --data-urlencode resource=${resource} \\`]),
    `  ${issuer}/api/auth/token | jq -r .access_token)`,
    '',
    `curl -sS -H "Authorization: Bearer $TOKEN" ${resource}`,
  ];
  const fields = ['grant_type', ...(isDefault ? [] : ['resource'])];
  const values: Readonly<Record<string, string>> = { grant_type: 'client_credentials', resource };
  const typescript = [
    `const answer = await fetch('${issuer}/api/auth/token', {`,
    "  method: 'POST',",
    '  body: new URLSearchParams({',
    ...fields.map((field) => `    ${field}: '${values[field]}',`),
    `    client_id: '${clientId}',`,
    '    client_secret: process.env.CLIENT_SECRET!,',
    '  }),',
    '});',
    'if (!answer.ok) throw new Error(await answer.text());',
    'const { access_token } = await answer.json();',
    '',
    `const data = await fetch('${resource}', {`,
    '  headers: { authorization: `Bearer ${access_token}` },',
    '});',
    'console.log(await data.json());',
  ];
  const python = [
    'import os',
    'import requests',
    '',
    `answer = requests.post("${issuer}/api/auth/token", timeout=10, data={`,
    ...fields.map((field) => `    "${field}": "${values[field]}",`),
    `    "client_id": "${clientId}",`,
    '    "client_secret": os.environ["CLIENT_SECRET"],',
    '})',
    'answer.raise_for_status()',
    'token = answer.json()["access_token"]',
    '',
    `data = requests.get("${resource}", timeout=10,`,
    '                    headers={"Authorization": f"Bearer {token}"})',
    'print(data.json())',
  ];
  return named(curl, typescript, python);
}

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

function withKey({ issuer, clientId, resource }: SnippetFacts): Snippet[] {
  const curl = [
    '# $ASSERTION: a JWT signed with your private key, for one use:',
    `#   iss and sub "${clientId}", aud "${issuer}", jti, iat, exp`,
    'TOKEN=$(curl -sS --fail-with-body \\',
    '  -d grant_type=client_credentials \\',
    `  -d client_assertion_type=${ASSERTION} \\`,
    '  --data-urlencode "client_assertion=$ASSERTION" \\',
    `  --data-urlencode resource=${resource} \\`,
    `  ${issuer}/api/auth/token | jq -r .access_token)`,
    '',
    `curl -sS -H "Authorization: Bearer $TOKEN" ${resource}`,
  ];
  const typescript = [
    "import * as oauth from 'oauth4webapi';",
    '',
    `const issuer = new URL('${issuer}');`,
    'const server = await oauth.processDiscoveryResponse(issuer,',
    "  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' }));",
    `const client = { client_id: '${clientId}' };`,
    'const answer = await oauth.clientCredentialsGrantRequest(server, client,',
    '  oauth.PrivateKeyJwt({ key: privateKey, kid: yourKid }), // privateKey: a CryptoKey',
    `  new URLSearchParams({ resource: '${resource}' }));`,
    'const { access_token } = await oauth.processClientCredentialsResponse(server, client, answer);',
  ];
  const python = [
    'import time, uuid',
    'import jwt, requests  # pip install pyjwt[crypto] requests',
    '',
    'now = int(time.time())',
    `assertion = jwt.encode({"iss": "${clientId}", "sub": "${clientId}",`,
    `    "aud": "${issuer}", "jti": str(uuid.uuid4()),`,
    '    "iat": now, "exp": now + 60},',
    '    open("private.pem").read(), algorithm="ES256", headers={"kid": YOUR_KID})',
    `answer = requests.post("${issuer}/api/auth/token", timeout=10, data={`,
    '    "grant_type": "client_credentials",',
    `    "resource": "${resource}",`,
    `    "client_assertion_type": "${ASSERTION}",`,
    '    "client_assertion": assertion,',
    '})',
    'answer.raise_for_status()',
    'token = answer.json()["access_token"]',
  ];
  return named(curl, typescript, python);
}

function withCertificate({ issuer, clientId, resource }: SnippetFacts): Snippet[] {
  const curl = [
    'TOKEN=$(curl -sS --fail-with-body --cert client.pem --key client.key \\',
    '  -d grant_type=client_credentials \\',
    `  -d client_id=${clientId} \\`,
    `  --data-urlencode resource=${resource} \\`,
    `  ${issuer}/api/auth/token | jq -r .access_token)`,
    '',
    'curl -sS --cert client.pem --key client.key \\',
    `  -H "Authorization: Bearer $TOKEN" ${resource}`,
  ];
  const typescript = [
    '// Bun: fetch takes the certificate; in Node give undici an Agent that has it.',
    'const tls = { cert: await Bun.file("client.pem").text(), key: await Bun.file("client.key").text() };',
    `const answer = await fetch('${issuer}/api/auth/token', {`,
    "  method: 'POST',",
    '  tls,',
    '  body: new URLSearchParams({',
    "    grant_type: 'client_credentials',",
    `    client_id: '${clientId}',`,
    `    resource: '${resource}',`,
    '  }),',
    '});',
    'if (!answer.ok) throw new Error(await answer.text());',
    'const { access_token } = await answer.json();',
  ];
  const python = [
    'import requests',
    '',
    'session = requests.Session()',
    'session.cert = ("client.pem", "client.key")',
    `answer = session.post("${issuer}/api/auth/token", timeout=10, data={`,
    '    "grant_type": "client_credentials",',
    `    "client_id": "${clientId}",`,
    `    "resource": "${resource}",`,
    '})',
    'answer.raise_for_status()',
    'token = answer.json()["access_token"]',
  ];
  return named(curl, typescript, python);
}

function named(...lines: readonly (readonly string[])[]): Snippet[] {
  const names = ['curl', 'TypeScript', 'Python'];
  return lines.map((one, at) => ({ name: names[at] ?? '', code: one.join('\n') }));
}
