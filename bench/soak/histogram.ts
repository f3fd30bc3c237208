/** Millions of times in a few kilobytes: percentiles to within a hundredth, the count and the maximum exact. */
export interface Histogram {
  record(ms: number): void;
  count(): number;
  /** The time that so many of a hundred times do not exceed, in milliseconds; NaN of nothing. */
  percentile(hundredths: number): number;
  maxMs(): number;
}

/** Each bucket ends so much above the one before: what is read is off by half of it at most. */
const GROWTH = 1.02;

/** Everything below is one bucket: no answer of another process comes sooner. */
const LEAST_MS = 0.01;

/** To ten minutes, far above what a request is waited for. */
const BUCKETS = bucketOf(600_000) + 1;

/** An empty one. */
export function createHistogram(): Histogram {
  const counts = new Uint32Array(BUCKETS);
  let count = 0;
  let maxMs = Number.NaN;
  return {
    record: (ms) => {
      const at = Math.min(bucketOf(ms), BUCKETS - 1);
      counts[at] = (counts[at] ?? 0) + 1;
      count += 1;
      if (!(maxMs >= ms)) maxMs = ms;
    },
    count: () => count,
    percentile: (hundredths) => {
      const rank = Math.ceil((count * hundredths) / 100);
      let seen = 0;
      for (let at = 0; at < BUCKETS; at++) {
        seen += counts[at] ?? 0;
        if (seen >= rank && seen > 0) return Math.min(middleOf(at), maxMs);
      }
      return Number.NaN;
    },
    maxMs: () => maxMs,
  };
}

function bucketOf(ms: number): number {
  return ms <= LEAST_MS ? 0 : Math.ceil(Math.log(ms / LEAST_MS) / Math.log(GROWTH));
}

function middleOf(bucket: number): number {
  return LEAST_MS * GROWTH ** (bucket - 0.5);
}
