import { childrenOf, DerFault, type Element, readAll, readOid, readOne, readSmallInteger, TAG } from './der';

/** One attribute of a name: `2.5.4.3` and the element of its value. */
export interface NameAttribute {
  readonly type: string;
  readonly value: Element;
}

/** A distinguished name (RFC 5280 §4.1.2.4): relative names, outermost first, each of one or more attributes. */
export type DistinguishedName = readonly (readonly NameAttribute[])[];

/** A name of a subject: its kind is its context tag (RFC 5280 §4.2.1.6). */
export interface GeneralName {
  readonly kind: number;
  readonly content: Uint8Array;
}

/** Kinds of {@link GeneralName}. */
export const NAME = { email: 1, dns: 2, directory: 4, uri: 6, ip: 7 } as const;

/** Names that a CA may, or must not, vouch for (RFC 5280 §4.2.1.10). */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** What path validation reads of a certificate (RFC 5280 §4.1, §4.2). Null: the extension is not there. */
export interface CertificateFields {
  readonly signatureAlgorithm: string;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly subjectNames: readonly GeneralName[];
  readonly isAuthority: boolean;
  /** Authorities that may stand below this one; null: any number. */
  readonly pathLength: number | null;
  /** Bits of the key's use, first bit (digitalSignature) lowest. */
  readonly keyUsage: number | null;
  readonly extendedKeyUsage: readonly string[] | null;
  readonly nameConstraints: NameConstraints | null;
  /** Critical extensions that this server does not know. */
  readonly unknownCritical: readonly string[];
}

/** Object identifiers of extensions (RFC 5280 §4.2.1). */
const EXTENSION = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Known, and nothing of it need be checked: any policy will do (RFC 5280 §6.1.1 c). */
const CERTIFICATE_POLICIES = '2.5.29.32';

/** `[3]` of a certificate: its extensions. */
const EXTENSIONS_TAG = 0xa3;

/** Reads a certificate in DER. @throws DerFault */
export function readCertificateFields(der: Uint8Array): CertificateFields {
  const [tbs, outer] = childrenOf(der, TAG.sequence);
  if (tbs === undefined || outer === undefined) throw new DerFault('no certificate');
  const fields = readAll(tbs.content);
  // The version `[0]` is left out in version 1.
  const at = fields[0]?.tag === 0xa0 ? 1 : 0;
  const [inner, issuer, , subject] = fields.slice(at + 1);
  if (inner === undefined || issuer === undefined || subject === undefined) throw new DerFault('no certificate');
  if (Buffer.compare(inner.whole, outer.whole) !== 0) throw new DerFault('two signature algorithms');
  const extensions = readExtensions(fields.find(({ tag }) => tag === EXTENSIONS_TAG)?.content ?? null);
  const known = new Set<string>([...Object.values(EXTENSION), CERTIFICATE_POLICIES]);
  return {
    signatureAlgorithm: readOid(readAll(outer.content)[0]?.content ?? new Uint8Array()),
    issuer: issuer.whole,
    subject: subject.whole,
    ...readKnown((name) => extensions.get(EXTENSION[name])?.value ?? null),
    unknownCritical: [...extensions].filter(([oid, { critical }]) => critical && !known.has(oid)).map(([oid]) => oid),
  };
}

/** A distinguished name in DER → its attributes. @throws DerFault */
export function readName(der: Uint8Array): DistinguishedName {
  return childrenOf(der, TAG.sequence).map((relative) =>
    childrenOf(relative.whole, TAG.set).map((attribute) => {
      const [type, value] = childrenOf(attribute.whole, TAG.sequence);
      if (type === undefined || value === undefined) throw new DerFault('no attribute');
      return { type: readOid(type.content), value };
    }),
  );
}

interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

function readExtensions(content: Uint8Array | null): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  for (const { whole } of content === null ? [] : childrenOf(content, TAG.sequence)) {
    const parts = childrenOf(whole, TAG.sequence);
    const [oid, value] = [parts[0], parts.at(-1)];
    if (oid?.tag !== TAG.oid || value?.tag !== TAG.octetString) throw new DerFault('no extension');
    const name = readOid(oid.content);
    if (found.has(name)) throw new DerFault('an extension twice');
    const critical = parts.length === 3 && parts[1]?.content[0] !== 0;
    found.set(name, { critical, value: value.content });
  }
  return found;
}

type Known = Omit<CertificateFields, 'signatureAlgorithm' | 'issuer' | 'subject' | 'unknownCritical'>;

function readKnown(extension: (name: keyof typeof EXTENSION) => Uint8Array | null): Known {
  const basic = extension('basicConstraints');
  const usage = extension('keyUsage');
  const extended = extension('extendedKeyUsage');
  const names = extension('subjectAltName');
  const constraints = extension('nameConstraints');
  return {
    ...readBasicConstraints(basic),
    keyUsage: usage === null ? null : readBits(readOne(usage, TAG.bitString).content),
    extendedKeyUsage:
      extended === null ? null : childrenOf(extended, TAG.sequence).map(({ content }) => readOid(content)),
    subjectNames: names === null ? [] : childrenOf(names, TAG.sequence).map(nameOf),
    nameConstraints: constraints === null ? null : readNameConstraints(constraints),
  };
}

function readBasicConstraints(value: Uint8Array | null): Pick<CertificateFields, 'isAuthority' | 'pathLength'> {
  const parts = value === null ? [] : childrenOf(value, TAG.sequence);
  const length = parts.find(({ tag }) => tag === TAG.integer);
  return {
    isAuthority: parts[0]?.tag === TAG.boolean && parts[0].content[0] === 0xff,
    pathLength: length === undefined ? null : readSmallInteger(length.content),
  };
}

/** The first eight bits of a bit string, the first one lowest. */
function readBits(content: Uint8Array): number {
  const byte = content[1] ?? 0;
  return Array.from({ length: 8 }, (_, bit) => ((byte >> (7 - bit)) & 1) << bit).reduce((sum, bit) => sum | bit, 0);
}

function readNameConstraints(value: Uint8Array): NameConstraints {
  const parts = childrenOf(value, TAG.sequence);
  const subtrees = (tag: number): GeneralName[] =>
    readAll(parts.find((part) => part.tag === tag)?.content ?? new Uint8Array()).map((subtree) => {
      const [base, ...distances] = readAll(subtree.content);
      // RFC 5280 §4.2.1.10: minimum is 0 and maximum is absent.
      if (base === undefined || distances.length > 0) throw new DerFault('unusual name constraint');
      return nameOf(base);
    });
  return { permitted: subtrees(0xa0), excluded: subtrees(0xa1) };
}

function nameOf({ tag, content }: Element): GeneralName {
  return { kind: tag & 0x1f, content };
}
