import type { ClientView } from '../../../admin/contract';

/** How an assertion is signed (RFC 7518 §3.1). */
export type Algorithm = 'ES256' | 'EdDSA' | 'PS256' | 'RS256';

/** What the code is filled in with. Nothing of it may be trusted to be free of quotes. */
export interface SnippetFacts {
  readonly issuer: string;
  readonly clientId: string;
  /** What the token is for. */
  readonly resource: string;
  /** Something to read there; null: the resource has no address. */
  readonly target: string | null;
  readonly proof:
    | { readonly kind: 'secret' | 'certificate' }
    | { readonly kind: 'key'; readonly alg: Algorithm; readonly kid: string | null };
  /** True: tokens are bound to a key (RFC 9449). */
  readonly dpop: boolean;
  /** True: the certificate goes along, to authenticate by it or to bind tokens to it (RFC 8705). */
  readonly certificate: boolean;
}

/** Where the code expects the private key of the client, in PEM (PKCS #8). */
export const KEY_FILE = 'client-key.pem';

/** Where it expects the certificate and its private key. */
export const CERTIFICATE_FILES = { cert: 'client-cert.pem', key: 'client-cert-key.pem' } as const;

/** Client and resource → what the code is filled in with. */
export function factsOf(client: ClientView, issuer: string, resource: string): SnippetFacts {
  const proof = proofOf(client);
  return {
    issuer,
    clientId: client.client_id,
    resource,
    target: targetOf(issuer, resource),
    proof,
    dpop: client.dpop_bound,
    certificate: proof.kind === 'certificate' || client.certificate_bound,
  };
}

function proofOf({ auth_method, jwks }: ClientView): SnippetFacts['proof'] {
  switch (auth_method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return { kind: 'secret' };
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return { kind: 'certificate' };
    case 'private_key_jwt':
      return { kind: 'key', ...signingKey(jwks?.keys ?? []) };
  }
}

type Jwk = Readonly<Record<string, unknown>>;

/** The first key that can sign; of keys that are elsewhere nothing is known, and ES256 is what most have. */
function signingKey(keys: readonly Jwk[]): { alg: Algorithm; kid: string | null } {
  for (const key of keys) {
    const alg = algorithmOf(key);
    if (alg !== null && key['use'] !== 'enc') return { alg, kid: typeof key['kid'] === 'string' ? key['kid'] : null };
  }
  return { alg: 'ES256', kid: null };
}

function algorithmOf({ kty, crv, alg }: Jwk): Algorithm | null {
  if (kty === 'EC') return crv === 'P-256' ? 'ES256' : null;
  if (kty === 'OKP') return crv === 'Ed25519' ? 'EdDSA' : null;
  return alg === 'PS256' ? 'PS256' : 'RS256';
}

function targetOf(issuer: string, resource: string): string | null {
  if (resource === `${issuer}/api/admin`) return `${resource}/clients`;
  return /^https?:/i.test(resource) ? resource : null;
}
