import { namesSecret, REDACTED, redactText } from '../../kit/redact';

/** Characters of one text; 256 of four bytes each still fit into an entry of an index (2,704 bytes). */
const TEXT_CHARACTERS_MAX = 256;

/** Members of `details`: the trail tells what happened and carries no documents. */
const MEMBERS_MAX = 32;

/** Items of a list in it: as many as a resource has scopes. */
const ITEMS_MAX = 100;

/**
 * JSON text in which members are sorted by name, so that it is the same before and after a stay in a `jsonb` column, which
 * keeps neither their order nor the way a number was written.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}

/** Text that PostgreSQL gives back as it got it: no NUL, no half characters; without secrets, and not endless. */
export function storableText(text: string): string {
  return redactText(text).slice(0, TEXT_CHARACTERS_MAX).replaceAll('\u0000', '\ufffd').toWellFormed();
}

/** The same details, fit to be stored: texts as in {@link storableText}, a bounded number of members, JSON values only. */
export function storableDetails(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const members = Object.entries(details).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    members.slice(0, MEMBERS_MAX).map(([name, value]) => {
      const secret = typeof value === 'string' && namesSecret(name);
      return [storableText(name), secret ? REDACTED : storable(value)];
    }),
  );
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return storableList(value);
  // An infinite number is null in JSON, and minus nought is nought.
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  return typeof value === 'boolean' ? value : null;
}

/** What finds no place is counted: a list that was cut must not look like a whole one. */
function storableList(items: readonly unknown[]): unknown[] {
  const kept = items.slice(0, ITEMS_MAX).map(storable);
  return items.length > ITEMS_MAX ? [...kept, `and ${items.length - ITEMS_MAX} more`] : kept;
}
