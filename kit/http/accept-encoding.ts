import { createBoundedMap } from '../bounded-map';

/** How an answer is sent (RFC 9110 §8.4.1): as it is, or compressed (RFC 1952, RFC 8878). */
export type Coding = 'identity' | 'gzip' | 'zstd';

/** What comes first when a caller likes several equally well: zstd is smaller than gzip at a fraction of the work. */
const PREFERRED: readonly Coding[] = ['zstd', 'gzip', 'identity'];

/** Who says nothing takes anything, and is sent what everybody can read (RFC 9110 §12.5.3). */
const UNASKED: readonly Coding[] = ['identity', 'zstd', 'gzip'];

/** What is not forbidden may be sent as it is, after everything that was asked for: weights begin at 0.001. */
const IDENTITY_WEIGHT = 0.0001;

/** Callers are programs: they send few different headers. */
const REMEMBERED_MAX = 64;

const remembered = createBoundedMap<string, readonly Coding[]>(REMEMBERED_MAX);

/** `Accept-Encoding` (RFC 9110 §12.5.3; null: there is none) → the codings that the caller takes, best first; none when it takes none of ours. */
export function acceptedCodings(header: string | null): readonly Coding[] {
  if (header === null) return UNASKED;
  const known = remembered.get(header);
  if (known !== undefined) return known;
  const codings = readCodings(header);
  remembered.set(header, codings);
  return codings;
}

function readCodings(header: string): readonly Coding[] {
  const weights = new Map(header.split(',').flatMap(readItem));
  const rest = weights.get('*');
  const weightOf = (coding: Coding): number =>
    weights.get(coding) ?? rest ?? (coding === 'identity' ? IDENTITY_WEIGHT : 0);
  // Sorting is stable: equal weights stay in our order.
  return PREFERRED.filter((coding) => weightOf(coding) > 0).sort((one, other) => weightOf(other) - weightOf(one));
}

const ITEM = /^\s*([\w!#$%&'*+.^`|~-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/i;

/** One coding and its weight; nothing for what does not follow the grammar. */
function readItem(item: string): [string, number][] {
  const [, coding, weight = '1'] = ITEM.exec(item) ?? [];
  // The old name is the same coding (RFC 9110 §8.4.1.3).
  return coding === undefined ? [] : [[coding.toLowerCase().replace(/^x-gzip$/, 'gzip'), Number(weight)]];
}
