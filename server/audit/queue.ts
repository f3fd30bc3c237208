import type { Log } from '../../kit/logs';
import type { AuditDraft } from './chain';

/** Events that are written together. */
const BATCH_EVENTS = 500;

/** After a failed attempt; the database is away, and asking it more often does not bring it back. */
const REST_MS = 1_000;

/** Events on their way to the database. */
export interface AuditQueue {
  /** Resolves when the event was committed, or given up for lost. */
  push(event: AuditDraft): Promise<void>;
  /** Writes what waits; after a failure not for a while, unless it is `urgent`. Never rejects. */
  flush(urgent?: boolean): Promise<void>;
  /** Events that wait. */
  length(): number;
  /** Events that found no place since the start. */
  lost(): number;
}

/** What a queue stands on. */
export interface QueueOptions {
  /** Commits the events; the same ones come again after it has failed. */
  readonly write: (events: readonly AuditDraft[]) => Promise<void>;
  /** Makes the event that says how many were lost, and from when to when. */
  readonly lostEvent: (lost: Lost) => AuditDraft;
  readonly log: Log;
  /** Events that may wait; a few hundred bytes each. */
  readonly max: number;
}

/** Events that found no place. */
export interface Lost {
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

interface Waiting {
  readonly event: AuditDraft;
  readonly done: () => void;
}

/** A bounded queue with one writer. When it is full the oldest failure goes, or without one the oldest event. */
export function createQueue({ write, lostEvent, log, max }: QueueOptions): AuditQueue {
  const waiting: Waiting[] = [];
  const losses = createLosses();
  // What is being written. It stays the same until it is known to be kept, so that nothing is written twice.
  let batch: readonly Waiting[] = [];
  let running: Promise<void> | null = null;
  const trouble = createTrouble(log);

  const drop = (): void => {
    const failure = waiting.findIndex(({ event }) => event.outcome === 'failure');
    const [gone] = waiting.splice(Math.max(0, failure), 1);
    if (gone === undefined) return;
    losses.add(gone.event);
    gone.done();
  };
  const nextBatch = (): readonly Waiting[] => {
    const lost = losses.take();
    const said = lost === null ? [] : [{ event: lostEvent(lost), done: () => {} }];
    return [...said, ...waiting.splice(0, BATCH_EVENTS)];
  };
  const writeAll = async (): Promise<void> => {
    while (batch.length > 0 || waiting.length > 0 || losses.some()) {
      if (batch.length === 0) batch = nextBatch();
      await write(batch.map(({ event }) => event));
      trouble.over();
      for (const { done } of batch) done();
      batch = [];
    }
  };
  return {
    push: (event) => {
      while (waiting.length + batch.length >= max && waiting.length > 0) drop();
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ event, done: resolve });
      return promise;
    },
    flush: async (urgent = false) => {
      if (urgent) trouble.rested();
      // Again, because an event may come while the last batch is already being written.
      while (!trouble.isResting() && batch.length + waiting.length > 0) {
        running ??= writeAll()
          .catch(trouble.begins)
          .finally(() => {
            running = null;
          });
        await running;
      }
    },
    length: () => waiting.length + batch.length,
    lost: losses.ever,
  };
}

/** Counts what found no place. */
function createLosses() {
  let untold: Lost | null = null;
  let ever = 0;
  return {
    add: ({ at, count }: AuditDraft): void => {
      untold = { count: (untold?.count ?? 0) + count, firstAt: untold?.firstAt ?? at, lastAt: at };
      ever += count;
    },
    some: () => untold !== null,
    /** What was lost since this was asked last; null: nothing. */
    take: (): Lost | null => {
      const lost = untold;
      untold = null;
      return lost;
    },
    ever: () => ever,
  };
}

/** Knows whether writing fails: says so once, and lets the database rest. */
function createTrouble(log: Log) {
  let failing = false;
  let resting = false;
  return {
    begins: (error: unknown): void => {
      // One line when it begins to fail, not one a second.
      if (!failing) log.error('audit events cannot be written; they wait in memory', { error });
      failing = true;
      resting = true;
      setTimeout(() => {
        resting = false;
      }, REST_MS).unref();
    },
    over: (): void => {
      if (failing) log.info('audit events are written again');
      failing = false;
    },
    rested: (): void => {
      resting = false;
    },
    isResting: () => resting,
  };
}
