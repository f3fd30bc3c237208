/** Public keys of others (RFC 7517) and what they may sign: the same in proofs, in assertions and at registration. */
import type { JWK } from 'jose';

/** A JWK as somebody registered, published or sent it: nothing in it is trusted yet. */
export type GivenJwk = Readonly<Record<string, unknown>>;

/** How clients may sign (RFC 7518 §3.1): asymmetric and in wide use. Both names of Ed25519 (RFC 8037, RFC 9864) are understood. */
export const SIGNATURE_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const;

/** One of {@link SIGNATURE_ALGORITHMS}. */
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number];

/**
 * Keys of one client: one in use, one to come, and some more for those who have one key a machine. As many are tried when a
 * signature does not say which of them made it.
 */
export const CLIENT_KEYS_MAX = 10;

/** Members that make a key private or symmetric (RFC 7518 §6). */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Members that make up a public key, by `kty` (RFC 7518 §6, RFC 8037 §2). */
const PUBLIC_MEMBERS = new Map<unknown, readonly string[]>([
  ['EC', ['crv', 'x', 'y']],
  ['OKP', ['crv', 'x']],
  ['RSA', ['n', 'e']],
]);

/** RSA keys below can be forged (RFC 7518 §3.3, NIST SP 800-131A), those above cost too much to verify. In bits. */
const RSA_BITS = { min: 2_048, max: 4_096 };

/** A large public exponent serves nobody and makes verification slow; 65537 takes three bytes. */
const EXPONENT_BYTES_MAX = 4;

/** True for a key that should have stayed with its owner. */
export function isPrivate(key: GivenJwk): boolean {
  return PRIVATE_MEMBERS.some((member) => member in key);
}

/** The members that make up the public key: no other may make another key of it, or influence a check. Null: one is missing. */
export function publicPart(key: GivenJwk): JWK | null {
  const members = PUBLIC_MEMBERS.get(key['kty']);
  if (members?.every((member) => typeof key[member] === 'string' && key[member] !== '') !== true) return null;
  return Object.fromEntries(['kty', ...members].map((member) => [member, key[member]])) as JWK;
}

/** False for an RSA key that is too short, or costly to verify; the curves in use leave no choice. */
export function isSound({ kty, n = '', e = '' }: JWK): boolean {
  if (kty !== 'RSA') return true;
  const bits = bitsOf(n);
  return bits >= RSA_BITS.min && bits <= RSA_BITS.max && bitsOf(e) <= EXPONENT_BYTES_MAX * 8;
}

/** True for a key of the kind that the algorithm signs with (RFC 7518 §3.1, RFC 8037 §3.1). */
export function isOfKind({ kty, crv }: JWK, alg: SignatureAlgorithm): boolean {
  switch (alg) {
    case 'ES256':
      return kty === 'EC' && crv === 'P-256';
    case 'EdDSA':
    case 'Ed25519':
      return kty === 'OKP' && crv === 'Ed25519';
    case 'PS256':
    case 'RS256':
      return kty === 'RSA';
  }
}

/** Bits of a number in base64url, without leading zeros. */
function bitsOf(number: string): number {
  const bytes = Buffer.from(number, 'base64url');
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (bytes.length - first) * 8 - Math.clz32(bytes[first] ?? 0) + 24;
}
