import { isIP } from 'node:net';
import { sameBytes } from './der';
import { type CertificateFields, type DistinguishedName, NAME, type NameAttribute, readName } from './fields';

/** True when the subject is the name that this text writes (RFC 4514). */
export function hasDistinguishedName({ subject }: CertificateFields, text: string): boolean {
  const wanted = parseDistinguishedName(text);
  return wanted !== null && isSameName(readName(subject), wanted);
}

/** True when the certificate is for this host; names of hosts are the same in any case (RFC 4343). */
export function hasDnsName(fields: CertificateFields, wanted: string): boolean {
  return hasText(fields, NAME.dns, (name) => name.toLowerCase() === wanted.toLowerCase());
}

/** True when the certificate is for exactly this URI. */
export function hasUri(fields: CertificateFields, wanted: string): boolean {
  return hasText(fields, NAME.uri, (name) => name === wanted);
}

/** True when the certificate is for exactly this e-mail address. */
export function hasEmail(fields: CertificateFields, wanted: string): boolean {
  return hasText(fields, NAME.email, (name) => name === wanted);
}

/** True when the certificate is for this IP address, however it is written. */
export function hasAddress({ subjectNames }: CertificateFields, address: string): boolean {
  const wanted = addressBytes(address);
  return wanted !== null && subjectNames.some(({ kind, content }) => kind === NAME.ip && sameBytes(content, wanted));
}

/** True for the text of a distinguished name (RFC 4514). */
export function isDistinguishedName(text: string): boolean {
  return parseDistinguishedName(text) !== null;
}

/** True for an IP address as {@link hasAddress} reads it. */
export function isAddress(text: string): boolean {
  return addressBytes(text) !== null;
}

/** One attribute as it is written: type in dots, and a text or the DER of the value. */
interface WrittenAttribute {
  readonly type: string;
  readonly value: string | Uint8Array;
}

/** Names of attribute types (RFC 4514 §3), and some that certificates often have. */
const ATTRIBUTE_TYPES: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  SN: '2.5.4.4',
  SERIALNUMBER: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  GN: '2.5.4.42',
  ORGANIZATIONIDENTIFIER: '2.5.4.97',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
  E: '1.2.840.113549.1.9.1',
};

/** `CN=a\, b,O=c+OU=d,C=PL` (RFC 4514 §3), outermost relative name first as in a certificate; null: not such a text. */
export function parseDistinguishedName(text: string): readonly (readonly WrittenAttribute[])[] | null {
  const relatives = splitUnescaped(text, ',').map((relative) => splitUnescaped(relative, '+').map(parseAttribute));
  const read = relatives.map((relative) => relative.filter((attribute) => attribute !== null));
  const isWhole = read.every((relative, at) => relative.length === relatives[at]?.length);
  return text !== '' && isWhole ? read.reverse() : null;
}

function parseAttribute(text: string): WrittenAttribute | null {
  const [, name = '', written = ''] = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*(.*)$/s.exec(text) ?? [];
  const type = /^\d/.test(name) ? name : ATTRIBUTE_TYPES[name.toUpperCase()];
  if (type === undefined || type === '') return null;
  if (written.startsWith('#')) {
    const hex = written.slice(1).trim();
    return /^(?:[0-9a-f]{2})+$/i.test(hex) ? { type, value: Buffer.from(hex, 'hex') } : null;
  }
  const value = unescapeText(written.replace(/(?<!\\) +$/, ''));
  return value === null ? null : { type, value };
}

/** Splits where the separator is not escaped. */
function splitUnescaped(text: string, separator: string): string[] {
  const parts = [''];
  for (const [piece] of text.matchAll(/\\.|[^\\]|\\$/gs)) {
    if (piece === separator) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${piece}`);
  }
  return parts;
}

/** `\,` and `\C4\8D` (the bytes of UTF-8) → text; null: a broken escape. */
function unescapeText(written: string): string | null {
  const bytes: Buffer[] = [];
  for (const [piece] of written.matchAll(/\\[0-9a-f]{2}|\\.|[^\\]+|\\$/gis)) {
    const escaped = piece.slice(1);
    if (!piece.startsWith('\\')) bytes.push(Buffer.from(piece));
    else if (/^[0-9a-f]{2}$/i.test(escaped)) bytes.push(Buffer.from(escaped, 'hex'));
    else if (/^[ "#+,;<=>\\]$/.test(escaped)) bytes.push(Buffer.from(escaped));
    else return null;
  }
  return Buffer.concat(bytes).toString('utf8');
}

function isSameName(own: DistinguishedName, wanted: readonly (readonly WrittenAttribute[])[]): boolean {
  return (
    own.length === wanted.length &&
    wanted.every((relative, at) => {
      const attributes = own[at] ?? [];
      return (
        attributes.length === relative.length && relative.every((one) => attributes.some((has) => isSame(has, one)))
      );
    })
  );
}

function isSame({ type, value }: NameAttribute, wanted: WrittenAttribute): boolean {
  if (type !== wanted.type) return false;
  return typeof wanted.value === 'string' ? textOf(value) === wanted.value : sameBytes(value.whole, wanted.value);
}

/** Text of a string type (X.680 §41); null: another type, which can only be written in hexadecimal. */
function textOf({ tag, content }: NameAttribute['value']): string | null {
  const bytes = Buffer.from(content);
  switch (tag) {
    case 0x0c: // UTF8String
      return bytes.toString('utf8');
    case 0x13: // PrintableString
    case 0x16: // IA5String
    case 0x14: // TeletexString
      return bytes.toString('latin1');
    case 0x1e: // BMPString, which is UTF-16 with the high byte first
      return bytes.length % 2 === 0 ? Buffer.from(bytes).swap16().toString('utf16le') : null;
    default:
      return null;
  }
}

function hasText({ subjectNames }: CertificateFields, kind: number, fits: (name: string) => boolean): boolean {
  return subjectNames.some((one) => one.kind === kind && fits(Buffer.from(one.content).toString('latin1')));
}

function addressBytes(address: string): Uint8Array | null {
  const family = isIP(address);
  if (family === 4) return Uint8Array.from(address.split('.').map(Number));
  return family === 6 ? ipv6Bytes(address) : null;
}

/** The URL parser writes IPv6 without IPv4 in it; what `::` left out is zero. */
function ipv6Bytes(address: string): Uint8Array | null {
  if (address.includes('%')) return null;
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(head), tail === undefined ? [] : groups(tail)];
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
