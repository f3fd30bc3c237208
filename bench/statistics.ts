/** The middle value; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? Number.NaN) : mean(sorted[half - 1], sorted[half]);
}

/** The value that so many of a hundred values do not exceed; NaN of nothing. */
export function percentile(values: readonly number[], hundredths: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((sorted.length * hundredths) / 100) - 1] ?? Number.NaN;
}

/** The slope of the straight line through points (x, y) that is nearest to them by least squares; NaN of fewer than two. */
export function slope(points: readonly (readonly [number, number])[]): number {
  const [meanX, meanY] = [0, 1].map(
    (axis) => points.reduce((sum, point) => sum + (point[axis] ?? 0), 0) / points.length,
  );
  const from = (value: number, middle = Number.NaN): number => value - middle;
  const both = points.reduce((sum, [x, y]) => sum + from(x, meanX) * from(y, meanY), 0);
  return both / points.reduce((sum, [x]) => sum + from(x, meanX) ** 2, 0);
}

function mean(a = Number.NaN, b = Number.NaN): number {
  return (a + b) / 2;
}

/**
 * Two-sided p value of the Mann–Whitney U test: how often two samples of one distribution would be ranked at least as
 * far apart as these. Normal approximation with correction for ties and continuity; good from some 20 values each.
 * It asks for no shape of the distribution, and outliers count by their rank alone.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const total = a.length + b.length;
  const { ranks, ties } = midRanks([...a, ...b]);
  const rankSum = ranks.slice(0, a.length).reduce((sum, rank) => sum + rank, 0);
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  const product = a.length * b.length;
  const variance = (product / 12) * (total + 1 - ties / (total * (total - 1)));
  if (variance <= 0) return 1; // all values are equal
  const distance = Math.max(0, Math.abs(u - product / 2) - 0.5);
  return erfc(distance / Math.sqrt(2 * variance));
}

/** Ranks from 1, equal values sharing the mean of theirs, and the sum of t³ − t over each group of t equal values. */
function midRanks(values: readonly number[]): { ranks: number[]; ties: number } {
  const order = values.map((value, at) => ({ value, at })).sort((a, b) => a.value - b.value);
  const ranks: number[] = [];
  let ties = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && order[end]?.value === order[start]?.value) end += 1;
    for (const { at } of order.slice(start, end)) ranks[at] = (start + 1 + end) / 2;
    ties += (end - start) ** 3 - (end - start);
    start = end;
  }
  return { ranks, ties };
}

/** Complementary error function for x ≥ 0 (Abramowitz and Stegun 7.1.26, error below 1.5e-7). */
function erfc(x: number): number {
  const t = 1 / (1 + 0.3275911 * x);
  const series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  return series.reduce((sum, factor) => (sum + factor) * t, 0) * Math.exp(-x * x);
}

/** Holm's correction: what each of several p values is worth when all were looked at together. Keeps their order. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((p, at) => ({ p, at })).sort((a, b) => a.p - b.p);
  const corrected: number[] = [];
  let worst = 0;
  for (const [rank, { p, at }] of order.entries()) {
    worst = Math.max(worst, Math.min(1, p * (order.length - rank)));
    corrected[at] = worst;
  }
  return corrected;
}

/** The 95 % interval of median(a) − median(b), by resampling both 2,000 times. `random` gives [0, 1). */
export function medianDifferenceInterval(
  a: readonly number[],
  b: readonly number[],
  random: () => number,
): readonly [number, number] {
  const resample = (values: readonly number[]) => values.map(() => values[Math.floor(random() * values.length)] ?? 0);
  const differences = Array.from({ length: 2_000 }, () => median(resample(a)) - median(resample(b)));
  differences.sort((x, y) => x - y);
  return [differences[50] ?? Number.NaN, differences[1_949] ?? Number.NaN];
}

/** The same values in an order of chance (Fisher–Yates). `random` gives [0, 1). */
export function shuffle<T>(values: readonly T[], random: () => number): T[] {
  const shuffled = [...values];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [shuffled[last], shuffled[other]] as [T, T];
    shuffled[last] = b;
    shuffled[other] = a;
  }
  return shuffled;
}
