import { type KeyObject, X509Certificate } from 'node:crypto';
import { DerFault, sameBytes } from './der';
import { type CertificateFields, readCertificateFields } from './fields';
import { mayVouchFor } from './name-constraints';

/** Why a certificate is not believed; `null`: it is. */
export type ChainFault =
  | 'malformed'
  | 'issuer_unknown'
  | 'expired'
  | 'not_yet_valid'
  | 'not_an_authority'
  | 'path_too_long'
  | 'purpose'
  | 'weak'
  | 'key_unsupported'
  | 'critical_extension'
  | 'name_constraints';

/** Authorities below the one that is trusted; more is no chain of anybody's. */
const INTERMEDIATES_MAX = 4;

/** Signatures looked at for one certificate: strangers choose what stands in the chain. */
const SIGNATURES_MAX = 8;

/** RSA keys below 2048 bits are broken (NIST SP 800-57 part 1). */
const RSA_BITS_MIN = 2_048;

/** `id-kp-clientAuth` (RFC 5280 §4.2.1.12). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** `anyExtendedKeyUsage`. */
const ANY_USAGE = '2.5.29.37.0';

/** Bits of key usage (RFC 5280 §4.2.1.3). */
const USAGE = { digitalSignature: 1 << 0, keyCertSign: 1 << 5 } as const;

/** Signature algorithms that are not broken: RSA and ECDSA with SHA-2, RSASSA-PSS, Ed25519. */
const SIGNATURE_ALGORITHMS = new Set([
  '1.2.840.113549.1.1.10',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112',
]);

/** A certificate and what it says. */
interface Link {
  readonly x509: X509Certificate;
  readonly fields: CertificateFields;
}

/** Verifies certificates against authorities. */
export interface ChainCheck {
  /** Path validation of RFC 5280 §6 at that time (milliseconds since the epoch), without revocation lists. */
  faultOf(leaf: X509Certificate, chain: readonly X509Certificate[], nowMs: number): ChainFault | null;
}

/** Certificates in a text of PEM. @throws Error when one of them cannot be read. */
export function readPemCertificates(pem: string): readonly X509Certificate[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((one) => new X509Certificate(one));
}

/** The check against these authorities. @throws DerFault when one of them cannot be read. */
export function createChainCheck(authorities: readonly X509Certificate[]): ChainCheck {
  const anchors = authorities.map(linkOf);
  return {
    faultOf: (leaf, chain, nowMs) => {
      try {
        return faultOfAnyPath(linkOf(leaf), chain.map(linkOf), anchors, nowMs);
      } catch (error) {
        if (error instanceof DerFault) return 'malformed';
        throw error;
      }
    },
  };
}

/** What is wrong with the time of a certificate by itself; null: nothing. */
export function faultOfTime(x509: X509Certificate, nowMs: number): 'expired' | 'not_yet_valid' | null {
  // Turned round, so that a date that cannot be read is one that has passed.
  if (!(nowMs <= Date.parse(x509.validTo))) return 'expired';
  return nowMs >= Date.parse(x509.validFrom) ? null : 'not_yet_valid';
}

function linkOf(x509: X509Certificate): Link {
  return { x509, fields: readCertificateFields(x509.raw) };
}

/** Several paths may lead to an authority (cross-signing): the first one without a fault counts, else the first fault. */
function faultOfAnyPath(leaf: Link, chain: readonly Link[], anchors: readonly Link[], nowMs: number) {
  let fault: ChainFault | null = 'issuer_unknown';
  let found = false;
  for (const path of pathsFrom([leaf], chain, anchors, { left: SIGNATURES_MAX })) {
    const own = faultOfPath(path, nowMs);
    if (own === null) return null;
    if (!found) fault = own;
    found = true;
  }
  return fault;
}

/** Paths whose names chain and whose signatures are right, the certificate first, a trusted authority last. */
function* pathsFrom(
  path: readonly Link[],
  chain: readonly Link[],
  anchors: readonly Link[],
  signatures: { left: number },
): Generator<readonly Link[]> {
  const last = path.at(-1);
  if (last === undefined) return;
  const isNew = ({ x509 }: Link): boolean => !path.some((own) => sameBytes(own.x509.raw, x509.raw));
  for (const anchor of anchors) if (isNew(anchor) && hasIssued(anchor, last, signatures)) yield [...path, anchor];
  if (path.length > INTERMEDIATES_MAX) return;
  for (const link of chain) {
    if (isNew(link) && hasIssued(link, last, signatures)) yield* pathsFrom([...path, link], chain, anchors, signatures);
  }
}

function hasIssued(issuer: Link, issued: Link, signatures: { left: number }): boolean {
  if (!sameBytes(issuer.fields.subject, issued.fields.issuer) || signatures.left <= 0) return false;
  signatures.left -= 1;
  const key = publicKeyOf(issuer.x509);
  try {
    return key !== null && issued.x509.verify(key);
  } catch {
    return false; // A key of a kind that cannot have made this signature.
  }
}

function faultOfPath(path: readonly Link[], nowMs: number): ChainFault | null {
  for (const [at, link] of path.entries()) {
    const fault =
      faultOfTime(link.x509, nowMs) ??
      faultOfStrength(link, at === path.length - 1) ??
      (link.fields.unknownCritical.length > 0 ? 'critical_extension' : null) ??
      (at === 0 ? faultOfClient(link.fields) : faultOfAuthority(link.fields, path.slice(0, at)));
    if (fault !== null) return fault;
  }
  return null;
}

/** A trusted authority is believed for its key, not for its signature of itself. */
function faultOfStrength({ x509, fields }: Link, isAnchor: boolean): ChainFault | null {
  if (!isAnchor && !SIGNATURE_ALGORITHMS.has(fields.signatureAlgorithm)) return 'weak';
  const key = publicKeyOf(x509);
  if (key === null) return 'key_unsupported';
  const isShort = key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < RSA_BITS_MIN;
  return isShort || key.asymmetricKeyType === 'dsa' ? 'weak' : null;
}

/** Null: a key of a kind that cannot be used here (Ed448, secp256k1, RSASSA-PSS …), or no key at all. */
function publicKeyOf(x509: X509Certificate): KeyObject | null {
  try {
    return x509.publicKey;
  } catch {
    return null;
  }
}

function faultOfClient({ keyUsage, extendedKeyUsage }: CertificateFields): ChainFault | null {
  if (keyUsage !== null && !(keyUsage & USAGE.digitalSignature)) return 'purpose';
  return servesClients(extendedKeyUsage) ? null : 'purpose';
}

/** `below`: what it vouches for, the client's certificate first. */
function faultOfAuthority(fields: CertificateFields, below: readonly Link[]): ChainFault | null {
  const { isAuthority, keyUsage, pathLength, extendedKeyUsage, nameConstraints } = fields;
  if (!isAuthority || (keyUsage !== null && !(keyUsage & USAGE.keyCertSign))) return 'not_an_authority';
  // An authority that issued a certificate to itself, to change its key, is not one more (RFC 5280 §6.1.4 l).
  const others = below.filter(({ fields: { issuer, subject } }, at) => at === 0 || !sameBytes(issuer, subject));
  if (pathLength !== null && others.length - 1 > pathLength) return 'path_too_long';
  if (!servesClients(extendedKeyUsage)) return 'purpose';
  if (nameConstraints === null) return null;
  return others.every((link) => mayVouchFor(nameConstraints, link.fields)) ? null : 'name_constraints';
}

function servesClients(usages: readonly string[] | null): boolean {
  return usages === null || usages.includes(CLIENT_AUTH) || usages.includes(ANY_USAGE);
}
