/**
 * Which of the offered media types a caller wants (RFC 9110 §12.5.1), by the weight of the range that names each most closely;
 * of equal ones the first. Who wants none of them, or says nothing, is sent the first.
 */
export function preferredType<T extends string>(accept: string | null, offered: readonly [T, ...T[]]): T {
  const ranges = (accept ?? '*/*').split(',').flatMap(readRange);
  const weights = offered.map((type) => ({ type, weight: weightOf(type, ranges) }));
  const [best] = weights.toSorted((a, b) => b.weight - a.weight);
  return best === undefined ? offered[0] : best.type;
}

interface MediaRange {
  readonly range: string;
  readonly weight: number;
}

const RANGE = /^\s*([\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+)\s*((?:;[^;]*)*)$/;
const WEIGHT = /;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)/i;

/** One range and its weight; nothing for what does not follow the grammar. */
function readRange(item: string): MediaRange[] {
  const [, range, parameters = ''] = RANGE.exec(item) ?? [];
  return range === undefined ? [] : [{ range: range.toLowerCase(), weight: Number(WEIGHT.exec(parameters)?.[1] ?? 1) }];
}

function weightOf(type: string, ranges: readonly MediaRange[]): number {
  const closest = [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']
    .map((name) => ranges.find(({ range }) => range === name))
    .find((found) => found !== undefined);
  return closest?.weight ?? 0;
}
