import { isIP } from 'node:net';
import {
  type CertificateFields,
  type DistinguishedName,
  type GeneralName,
  NAME,
  type NameConstraints,
  readName,
} from './fields';

/** `emailAddress` in a subject, an old place of e-mail addresses (RFC 5280 §4.2.1.6). */
const EMAIL_ATTRIBUTE = '1.2.840.113549.1.9.1';

/**
 * True when an authority with these constraints may vouch for the names of the certificate (RFC 5280 §4.2.1.10). A kind of
 * constraint that is not known here is broken by every name of that kind.
 */
export function mayVouchFor({ permitted, excluded }: NameConstraints, fields: CertificateFields): boolean {
  return namesOf(fields).every((name) => {
    const ofKind = (base: GeneralName): boolean => base.kind === name.kind;
    const within = permitted.filter(ofKind);
    const isPermitted = within.length === 0 || within.some((base) => isWithin(name, base, false));
    return isPermitted && !excluded.filter(ofKind).some((base) => isWithin(name, base, true));
  });
}

function namesOf({ subject, subjectNames }: CertificateFields): readonly GeneralName[] {
  const own = readName(subject);
  const emails = own.flat().filter(({ type }) => type === EMAIL_ATTRIBUTE);
  return [
    ...subjectNames,
    ...(own.length === 0 ? [] : [{ kind: NAME.directory, content: subject }]),
    ...emails.map(({ value }) => ({ kind: NAME.email, content: value.content })),
  ];
}

/** `doubtful`: what to say where it cannot be told, so that doubt never lets a name through. */
function isWithin(name: GeneralName, base: GeneralName, doubtful: boolean): boolean {
  const [given, limit] = [text(name), text(base)];
  switch (name.kind) {
    case NAME.dns:
      return isSubdomain(given, limit);
    case NAME.email:
      return isMailWithin(given, limit);
    case NAME.uri: {
      const host = hostOf(given);
      if (host === null) return doubtful;
      return limit.startsWith('.') ? host.endsWith(limit) : host === limit;
    }
    case NAME.ip:
      return isInNetwork(name.content, base.content) ?? doubtful;
    case NAME.directory:
      return isBelow(readName(name.content), readName(base.content));
    default:
      return doubtful;
  }
}

function text({ content }: GeneralName): string {
  return Buffer.from(content).toString('latin1').toLowerCase();
}

function isSubdomain(name: string, base: string): boolean {
  const domain = base.replace(/^\./, '');
  return domain === '' || name === domain || name.endsWith(`.${domain}`);
}

/** A mailbox, a host, or `.domain` for all hosts below it. */
function isMailWithin(mail: string, base: string): boolean {
  if (base.includes('@')) return mail === base;
  const host = mail.slice(mail.lastIndexOf('@') + 1);
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}

/** Constraints are about names of hosts; a URI without one satisfies none (RFC 5280 §4.2.1.10). */
function hostOf(uri: string): string | null {
  const host = URL.canParse(uri) ? new URL(uri).hostname : '';
  const [, authority] = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:]+)/.exec(uri) ?? [];
  const found = host === '' ? (authority ?? '') : host;
  return found === '' || isIP(found.replace(/^\[|\]$/g, '')) !== 0 ? null : found;
}

/** Null: not an address, or a base that is not address and mask. */
function isInNetwork(address: Uint8Array, base: Uint8Array): boolean | null {
  if (address.length !== 4 && address.length !== 16) return null;
  if (base.length !== 8 && base.length !== 32) return null;
  if (base.length !== address.length * 2) return false;
  return address.every((byte, at) => {
    const mask = base[address.length + at] ?? 0;
    return (byte & mask) === ((base[at] ?? 0) & mask);
  });
}

/** Attribute for attribute, the base first, whatever the case and spaces of a text (RFC 5280 §7.1). */
function isBelow(name: DistinguishedName, base: DistinguishedName): boolean {
  return (
    base.length <= name.length &&
    base.every((relative, at) => {
      const own = name[at] ?? [];
      return (
        own.length === relative.length &&
        relative.every((one) =>
          own.some(({ type, value }) => type === one.type && folded(value.content) === folded(one.value.content)),
        )
      );
    })
  );
}

function folded(content: Uint8Array): string {
  return Buffer.from(content).toString('utf8').normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' ');
}
