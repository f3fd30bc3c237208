import { AggregatorRegistry } from 'prom-client';
import type { Metrics } from './messages';

/** Gathers the metrics of all workers for whoever asks. */
export interface Gather {
  /** Asks `workers` and gives the text of all that answer in time. */
  page(workers: readonly { collect(id: number): void }[]): Promise<string>;
  /** Takes the answer of one. */
  take(id: number, metrics: Metrics): void;
}

/** A worker that is held up for longer than this, in milliseconds, is left out. */
const ANSWER_MS = 1_000;

interface Gathering {
  readonly wanted: number;
  readonly answers: Metrics[];
  readonly complete: () => void;
}

/** Nothing is asked yet. `schedule` runs something once after a delay and gives what cancels it. */
export function createGather(schedule: (delayMs: number, run: () => void) => () => void): Gather {
  const gatherings = new Map<number, Gathering>();
  let count = 0;
  return {
    async page(workers) {
      const id = ++count;
      const { promise, resolve } = Promise.withResolvers<void>();
      const gathering = { wanted: workers.length, answers: [], complete: resolve };
      gatherings.set(id, gathering);
      const cancel = schedule(ANSWER_MS, resolve);
      try {
        for (const worker of workers) worker.collect(id);
        await promise;
      } finally {
        cancel();
        gatherings.delete(id);
      }
      // prom-client's own type of it lacks the values.
      return AggregatorRegistry.aggregate(gathering.answers as unknown as object[]).metrics();
    },
    take(id, metrics) {
      const gathering = gatherings.get(id);
      if (gathering === undefined) return;
      gathering.answers.push(metrics);
      if (gathering.answers.length === gathering.wanted) gathering.complete();
    },
  };
}
