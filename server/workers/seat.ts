import type { Registry } from 'prom-client';
import type { FromWorker, ToWorker } from './messages';

/** The line to the supervisor: `process` of a worker, or a test. */
export interface Line {
  send(message: FromWorker): void;
  heard(hear: (message: ToWorker) => void): void;
  /** Cuts it: while it is open the process does not end. */
  cut(): void;
}

/** What is written to whoever asks for metrics. */
export type Page = Pick<Registry, 'contentType' | 'metrics'>;

/** The place of one worker among others that share a port. */
export interface Seat {
  /** Which of them it is, from 1 on. */
  readonly number: number;
  /** Says that it listens. */
  ready(): void;
  /** Metrics of all workers, of which these are its own. */
  page(registry: Registry): Page;
  /** Gives it up, when all is put away. */
  leave(): void;
}

/** The supervisor gathers them in a second; when it has not answered after this time, in milliseconds, a worker tells its own alone. */
const PAGE_MS = 2_000;

/** The seat of this process, with this number. */
export function takeSeat(number: number, line: Line): Seat {
  const waiting = new Map<number, (text: string) => void>();
  let asked = 0;
  let own: Registry | null = null;
  line.heard((message) => {
    if (message.type === 'text') waiting.get(message.id)?.(message.text);
    else void own?.getMetricsAsJSON().then((metrics) => line.send({ type: 'metrics', id: message.id, metrics }));
  });
  const all = async (registry: Registry): Promise<string> => {
    const id = ++asked;
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const timer = setTimeout(() => resolve(null), PAGE_MS);
    waiting.set(id, resolve);
    line.send({ type: 'page', id });
    const text = await promise;
    clearTimeout(timer);
    waiting.delete(id);
    return text ?? registry.metrics();
  };
  return {
    number,
    ready: () => line.send({ type: 'ready' }),
    page: (registry) => {
      own = registry;
      return { contentType: registry.contentType, metrics: () => all(registry) };
    },
    leave: line.cut,
  };
}
