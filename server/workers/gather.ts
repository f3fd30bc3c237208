import { AggregatorRegistry } from 'prom-client';
import type { Metrics, ToWorker } from './messages';

/** A worker, as far as it is asked. */
export interface Asked {
  send(message: ToWorker): void;
}

/** Gathers the metrics of all workers for whoever asks. Totals never fall: Prometheus would take that for a new start. */
export interface Gather {
  /** Asks `workers` and gives the text of all that answer in time, with the last totals of those that do not. */
  page(workers: readonly Asked[]): Promise<string>;
  /** Takes the answer of one that has not ended. */
  take(id: number, worker: Asked, metrics: Metrics): void;
  /** Keeps what is last known of the totals of one that has ended. */
  ended(worker: Asked): void;
}

/** A worker that is held up for longer than this, in milliseconds, is left out, but for its totals. */
const ANSWER_MS = 1_000;

interface Gathering {
  readonly wanted: number;
  readonly answers: Map<Asked, Metrics>;
  readonly complete: () => void;
}

/** Nothing is asked yet. `schedule` runs something once after a delay and gives what cancels it. */
export function createGather(schedule: (delayMs: number, run: () => void) => () => void): Gather {
  const gatherings = new Map<number, Gathering>();
  const totals = new Map<Asked, Metrics>();
  /** Those of all that have ended, as one. */
  let past: Promise<Metrics> = Promise.resolve([]);
  let count = 0;
  return {
    async page(workers) {
      const id = ++count;
      const { promise, resolve } = Promise.withResolvers<void>();
      const answers = new Map<Asked, Metrics>();
      gatherings.set(id, { wanted: workers.length, answers, complete: resolve });
      const cancel = schedule(ANSWER_MS, resolve);
      try {
        for (const worker of workers) worker.send({ type: 'collect', id });
        await promise;
      } finally {
        cancel();
        gatherings.delete(id);
      }
      // Before anything is waited for: one that ends meanwhile would be told twice.
      const living = [...totals].map(([worker, last]) => answers.get(worker) ?? last);
      return added([...living, await past]).metrics();
    },
    take(id, worker, metrics) {
      totals.set(worker, metrics.filter(isTotal));
      const gathering = gatherings.get(id);
      if (gathering === undefined) return;
      gathering.answers.set(worker, metrics);
      if (gathering.answers.size === gathering.wanted) gathering.complete();
    },
    ended(worker) {
      const last = totals.get(worker);
      if (last === undefined) return;
      totals.delete(worker);
      past = past.then((before) => added([before, last]).getMetricsAsJSON());
    },
  };
}

/** True for what only grows. At run time the type is a word, whatever prom-client declares. */
function isTotal({ type }: Metrics[number]): boolean {
  return String(type) !== 'gauge';
}

function added(metrics: readonly Metrics[]) {
  // prom-client's own type of it lacks the values.
  return AggregatorRegistry.aggregate(metrics as unknown as object[]);
}
