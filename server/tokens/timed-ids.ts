/** UUIDs that are to be known until a time. */
export interface TimedIds {
  has(id: string): boolean;
  size(): number;
  /** Knows the id until `seconds` since the epoch; what was said of it before is forgotten. */
  set(id: string, seconds: number): void;
  /** Forgets those whose time is `seconds` or earlier. */
  forget(seconds: number): void;
}

/** An entry: the four words of an id, and its time, which is never 0. */
const WORDS = 5;
const TIME = 4;

/** In entries. */
const SIZE_MIN = 64;

/** Beyond this share of the table, looking for a free place takes too long. */
const FULL = 0.75;

/**
 * A hash table in one piece of memory: 100,000 ids take 5 MB and none of the garbage collector's time, while the entries of a
 * map take 15 MB, and as much again of what it leaves lying about because of them. The bits of a random UUID are its hash.
 */
export function createTimedIds(): TimedIds {
  let table = new Uint32Array(SIZE_MIN * WORDS);
  let count = 0;

  /** Where the entry of those words is, or would be; the words behind the first are asked for when it is the same. */
  const placeOf = (first: number, isRest: (at: number) => boolean): number => {
    let at = (first * WORDS) % table.length;
    while (table[at + TIME] !== 0 && !(table[at] === first && isRest(at))) at = (at + WORDS) % table.length;
    return at;
  };
  const placeOfId = (id: string): number =>
    placeOf(wordOf(id, 0), (at) => [1, 2, 3].every((place) => table[at + place] === wordOf(id, place)));
  /** The same in a table of another size, without those whose time is over. */
  const rebuild = (entries: number, forgotten: number): void => {
    const before = table;
    table = new Uint32Array(sizeFor(entries) * WORDS);
    count = 0;
    for (let from = 0; from < before.length; from += WORDS) {
      if ((before[from + TIME] ?? 0) <= forgotten) continue;
      // No two of them are the same, so that any free place is right.
      table.set(
        before.subarray(from, from + WORDS),
        placeOf(before[from] ?? 0, () => false),
      );
      count += 1;
    }
  };
  return {
    size: () => count,
    has: (id) => count > 0 && table[placeOfId(id) + TIME] !== 0,
    set: (id, seconds) => {
      if (count >= (table.length / WORDS) * FULL) rebuild(count, 0);
      const at = placeOfId(id);
      if (table[at + TIME] === 0) count += 1;
      for (let place = 0; place < TIME; place++) table[at + place] = wordOf(id, place);
      table[at + TIME] = Math.max(1, seconds);
    },
    forget: (seconds) => {
      let left = 0;
      for (let at = TIME; at < table.length; at += WORDS) if ((table[at] ?? 0) > seconds) left += 1;
      if (left < count) rebuild(left, seconds);
    },
  };
}

function sizeFor(entries: number): number {
  let size = SIZE_MIN;
  while (entries >= size * FULL) size *= 2;
  return size;
}

/** Where the 16-bit halves of each word stand in the text of a UUID (RFC 9562 §4). */
const HALVES = [
  [0, 4],
  [9, 14],
  [19, 24],
  [28, 32],
] as const;

function wordOf(id: string, place: number): number {
  const [high, low] = HALVES[place] ?? HALVES[0];
  return ((hex(id, high) << 16) | hex(id, low)) >>> 0;
}

/** Four digits. */
function hex(id: string, at: number): number {
  return (digit(id, at) << 12) | (digit(id, at + 1) << 8) | (digit(id, at + 2) << 4) | digit(id, at + 3);
}

/** `0` to `9` are 48 to 57; letters of both cases have bit 6, and 1 to 6 in the lowest bits. */
function digit(id: string, at: number): number {
  const code = id.charCodeAt(at);
  return (code & 0xf) + (code >> 6) * 9;
}
