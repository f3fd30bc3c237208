/**
 * Several processes of the server on one machine that share its port (`SO_REUSEPORT`): started, watched, started again and
 * stopped by one that serves nothing itself. Apart, because a worker is a replica like any other and knows nothing of the rest.
 */
import type { Log } from '../../kit/logs';
import { createGather } from './gather';
import type { FromWorker, ToWorker } from './messages';

/** A signal that is passed on. */
export type Signal = 'SIGTERM' | 'SIGHUP' | 'SIGKILL';

/** A worker under way. */
export interface Worker {
  send(message: ToWorker): void;
  kill(signal: Signal): void;
  /** Its exit code; 128 + n after a signal. */
  readonly exited: Promise<number>;
}

/** Starts the worker of this number, from 1 on. Throws when the system has no process for it, or its file is being replaced. */
export type Spawn = (number: number, heard: (message: FromWorker) => void) => Worker;

/** What {@link createSupervisor} needs. */
export interface SupervisorOptions {
  readonly count: number;
  readonly spawn: Spawn;
  readonly schedule: (delayMs: number, run: () => void) => () => void;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  readonly log: Log;
}

/** All workers together. */
export interface Supervisor {
  /**
   * Starts the first one, and when it listens the others, unless stopped meanwhile. Rejects when one cannot be started, and
   * with `WorkerFailed` when one ends before it listens.
   */
  start(): Promise<void>;
  /** Passes a signal on to all; to one that does not listen yet, as soon as it does: before that it would die of it. */
  signal(signal: Signal): void;
  /** Ends all of them; what they do not end themselves the caller's deadline does. */
  stop(): Promise<void>;
}

/** A worker ended at the start; it has said why. */
export class WorkerFailed extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`a worker ended with exit code ${code}`);
    this.code = code;
  }
}

/** The first pause before a worker is started again, in milliseconds; it doubles while it does not stay. */
const PAUSE_FIRST_MS = 100;

/** The longest pause, in milliseconds. */
const PAUSE_MAX_MS = 10_000;

/** A worker that lives this long, in milliseconds, is well: its next end is a first one again. */
const STAYS_MS = 60_000;

/** One place for a worker, taken by one process after another. */
interface Place {
  readonly number: number;
  worker: Worker | null;
  isReady: boolean;
  /** What is passed on when it listens. */
  missed: Signal | null;
  failures: number;
  cancel: () => void;
}

function emptyPlace(number: number): Place {
  return { number, worker: null, isReady: false, missed: null, failures: 0, cancel: () => {} };
}

function passOn(signal: Signal, place: Place): void {
  if (place.isReady) place.worker?.kill(signal);
  else place.missed = signal;
}

/** Who answers: those that listen, and `asker`, who does though it may not have said so yet. */
function answering(places: readonly Place[], asker: Worker): Worker[] {
  return places.flatMap(({ worker, isReady }) => (worker !== null && (isReady || worker === asker) ? worker : []));
}

/** Nothing is started yet. */
export function createSupervisor({ count, spawn, schedule, elapsed, log }: SupervisorOptions): Supervisor {
  const gather = createGather(schedule);
  const places = Array.from({ length: count }, (_, at) => emptyPlace(at + 1));
  let stopping = false;

  const hear = (message: FromWorker, worker: Worker): void => {
    if (message.type === 'metrics') gather.take(message.id, worker, message.metrics);
    else if (message.type === 'page') {
      const text = gather.page(answering(places, worker));
      void text.then((all) => worker.send({ type: 'text', id: message.id, text: all }));
    }
  };
  /** Resolves when it listens; rejects too when it cannot be started. */
  const launch = async (place: Place): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const startedMs = elapsed();
    Object.assign(place, { isReady: false, missed: null });
    const worker = spawn(place.number, (message) => {
      if (message.type === 'ready') {
        place.isReady = true;
        if (place.missed !== null) worker.kill(place.missed);
        resolve();
      } else if (place.worker === worker) hear(message, worker);
    });
    place.worker = worker;
    void worker.exited.then((code) => {
      place.worker = null;
      gather.ended(worker);
      if (!place.isReady) reject(new WorkerFailed(code));
      else if (!stopping) again(place, new WorkerFailed(code), elapsed() - startedMs);
    });
    return promise;
  };
  const again = (place: Place, failure: unknown, livedMs: number): void => {
    place.failures = livedMs >= STAYS_MS ? 1 : place.failures + 1;
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (place.failures - 1));
    const fields = { 'process.worker': place.number, 'event.duration': pauseMs * 1e6 };
    if (failure instanceof WorkerFailed)
      log.warn('a worker ended; another one takes its place', { ...fields, 'process.exit_code': failure.code });
    else log.warn('a worker could not be started; it is tried again', { ...fields, error: failure });
    place.cancel = schedule(pauseMs, () => {
      const startedMs = elapsed();
      launch(place).catch((failure: unknown) => {
        if (!stopping) again(place, failure, elapsed() - startedMs);
      });
    });
  };
  const stop = async (): Promise<void> => {
    stopping = true;
    for (const { cancel } of places) cancel();
    const ends = places.flatMap(({ worker }) => worker?.exited ?? []);
    for (const { worker } of places) worker?.kill('SIGTERM');
    await Promise.all(ends);
  };
  return {
    async start() {
      const [first, ...others] = places;
      try {
        // The first one makes what all of them share: tables, keys, secrets.
        if (first !== undefined) await launch(first);
        // Whoever stopped it meanwhile has told the first one, and does not know of others.
        if (stopping) return;
        await Promise.all(others.map(launch));
      } catch (error) {
        await stop();
        throw error;
      }
      log.info(`${count} workers share the port`);
    },
    signal: (signal) => {
      for (const place of places) passOn(signal, place);
    },
    stop,
  };
}
