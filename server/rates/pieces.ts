/** Minutes of a candle, shortest first. Each is made of the ones before it in this list. */
export const LENGTHS = [1, 5, 15, 60, 240, 1440] as const;

/** Minutes of a candle. */
export type Length = (typeof LENGTHS)[number];

/** From a moment on, and before another: milliseconds since the epoch. */
export interface Range {
  readonly from: number;
  readonly before: number;
}

/** A candle that is not as the shorter ones within it say: its length, and when it opens. The longer ones around it are no better. */
export interface Due {
  readonly minutes: Length;
  readonly opens: number;
}

/** Stored candles of one length that open within the range. */
export interface Piece extends Range {
  readonly minutes: Length;
}

const MINUTE_MS = 60_000;

/** When the candle around a moment opens. */
export function openOf(ms: number, minutes: Length): number {
  return Math.floor(ms / (minutes * MINUTE_MS)) * minutes * MINUTE_MS;
}

/** The range of a candle. */
export function rangeOf({ minutes, opens }: Due): Range {
  return { from: opens, before: opens + minutes * MINUTE_MS };
}

/** The next longer candles; undefined: there are none. */
export function longerThan(minutes: Length): Length | undefined {
  return LENGTHS[LENGTHS.indexOf(minutes) + 1];
}

/** The next shorter candles; undefined: there are none. */
export function shorterThan(minutes: Length): Length | undefined {
  return LENGTHS[LENGTHS.indexOf(minutes) - 1];
}

/** When the candles of this length within a range open that are not to be taken as they are stored. */
export function openingsDue(due: readonly Due[], minutes: Length, { from, before }: Range): number[] {
  const openings = due.filter((one) => one.minutes <= minutes).map(({ opens }) => openOf(opens, minutes));
  return [...new Set(openings)].filter((opens) => opens >= from && opens < before).sort((a, b) => a - b);
}

/**
 * Stored candles that make up all of a range, of which both ends are on a minute: the longest that fit in, up to `longest`,
 * and shorter ones at its ends and in place of those that are due.
 */
export function cover(range: Range, longest: Length, due: readonly Due[]): Piece[] {
  if (range.from >= range.before) return [];
  const shorter = shorterThan(longest);
  if (shorter === undefined) return [{ minutes: longest, ...range }];
  const begin = openOf(range.from + longest * MINUTE_MS - 1, longest);
  const end = openOf(range.before, longest);
  if (begin >= end) return cover(range, shorter, due);
  const pieces = cover({ from: range.from, before: begin }, shorter, due);
  let from = begin;
  for (const opens of openingsDue(due, longest, { from: begin, before: end })) {
    const around = rangeOf({ minutes: longest, opens });
    if (from < opens) pieces.push({ minutes: longest, from, before: opens });
    pieces.push(...cover(around, shorter, due));
    from = around.before;
  }
  if (from < end) pieces.push({ minutes: longest, from, before: end });
  return [...pieces, ...cover({ from: end, before: range.before }, shorter, due)];
}
