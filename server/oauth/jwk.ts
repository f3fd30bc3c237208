/** Public keys of others (RFC 7517) and what they may sign: the same in proofs, in assertions and at registration. */
import { createPublicKey } from 'node:crypto';
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

/** Members that are of use here (RFC 7517 §4) beside those of the key itself: texts, and lists of texts. */
const DESCRIBING = { texts: ['kid', 'use', 'alg', 'x5t', 'x5t#S256'], lists: ['key_ops', 'x5c'] };

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

/** The key with what it says of itself, and nothing that nobody here understands: a stranger may send any depth of it. Null: a member is of another type. */
export function knownPart(key: GivenJwk): GivenJwk | null {
  const kept = Object.entries(key).filter(([name]) => KNOWN.has(name));
  return kept.every(([name, value]) => (DESCRIBING.lists.includes(name) ? isTexts(value) : typeof value === 'string'))
    ? Object.fromEntries(kept)
    : null;
}

const KNOWN = new Set(['kty', ...DESCRIBING.texts, ...DESCRIBING.lists, ...[...PUBLIC_MEMBERS.values()].flat()]);

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** False for what only looks like a key: numbers of another length, points that are on no curve, curves that nobody knows. */
export function isReadable(jwk: JWK): boolean {
  const numbers = [jwk.x, jwk.y, jwk.n, jwk.e].filter((number) => number !== undefined);
  if (!numbers.every((number) => /^[\w-]+$/.test(number))) return false;
  try {
    createPublicKey({ key: { ...jwk }, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}

/** The public part of a key that may have signed with the algorithm, by its kind and by what it says of itself; null: it cannot have. */
export function signingKey(key: GivenJwk, alg: SignatureAlgorithm): JWK | null {
  if (!isFor(key, alg)) return null;
  const jwk = publicPart(key);
  return jwk !== null && isOfKind(jwk, alg) && isSound(jwk) ? jwk : null;
}

/** What the key says of itself (RFC 7517 §4.2 to §4.4). */
function isFor({ use, alg: own, key_ops: operations }: GivenJwk, alg: SignatureAlgorithm): boolean {
  if (use !== undefined && use !== 'sig') return false;
  if (own !== undefined && edwards(own) !== edwards(alg)) return false;
  return !Array.isArray(operations) || operations.includes('verify');
}

/** `EdDSA` with this curve is called `Ed25519` since RFC 9864. */
function edwards(alg: unknown): unknown {
  return alg === 'EdDSA' ? 'Ed25519' : alg;
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
