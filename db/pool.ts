// Connections for queries. Each job has one connection to itself and one deadline for everything: its turn, connecting, the answer.
import type { Sql } from 'postgres';
import type { Connection } from './connection';

/** An unused connection is closed after this time, so that no firewall forgets it silently. */
const IDLE_MS = 60_000;

/** Goodbyes at the end of the pool take no longer. */
const CLOSE_MS = 1_000;

/** A query or transaction had no answer in time; whether it was committed is not known. */
export class QueryDeadlineExceeded extends Error {
  readonly code = 'QUERY_DEADLINE';
}

/** The pool is closed. */
export class PoolClosed extends Error {
  readonly code = 'CONNECTION_ENDED';
}

/** Connections `busy` with a job, `idle` ones, and jobs `waiting` for their turn. */
export type PoolCounts = Readonly<Record<'busy' | 'idle' | 'waiting', number>>;

/** Connections for queries, each lent to one job at a time. */
export interface Pool {
  counts(): PoolCounts;
  /** Runs `job` on a connection of its own. Rejects with `QueryDeadlineExceeded`, and cuts the connection, when it takes too long. */
  run<T>(job: (client: Sql) => PromiseLike<T>): Promise<T>;
  /** Lets running jobs end, then closes every connection. */
  close(): Promise<void>;
}

/** At most `size` jobs run at once, the others wait their turn; every one settles within `deadlineMs`. */
export function createPool(options: { size: number; deadlineMs: number; open: () => Connection }): Pool {
  const turns = createTurns(options.size);
  const idle: { connection: Connection; timer: ReturnType<typeof setTimeout> }[] = [];
  const running = new Set<Promise<unknown>>();
  let closed = false;

  function take(): Connection {
    for (let last = idle.pop(); last; last = idle.pop()) {
      clearTimeout(last.timer);
      if (last.connection.alive()) return last.connection;
    }
    return options.open();
  }

  function keep(connection: Connection) {
    if (!connection.alive()) return;
    if (closed) return void connection.close(CLOSE_MS);
    const timer = setTimeout(() => {
      idle.splice(idle.indexOf(entry), 1);
      void connection.close(CLOSE_MS);
    }, IDLE_MS);
    timer.unref();
    const entry = { connection, timer };
    idle.push(entry);
  }

  async function attempt<T>(job: (client: Sql) => PromiseLike<T>): Promise<T> {
    const turn = turns.take();
    const deadline = startDeadline(options.deadlineMs);
    try {
      await Promise.race([turn.granted, deadline.passed]);
      const connection = take();
      try {
        return await Promise.race([job(connection.client), deadline.passed]);
      } catch (error) {
        if (error instanceof QueryDeadlineExceeded) connection.destroy();
        throw error;
      } finally {
        keep(connection);
      }
    } finally {
      deadline.clear();
      turn.leave();
    }
  }

  return {
    counts: () => ({ ...turns.counts(), idle: idle.length }),
    async run(job) {
      if (closed) throw new PoolClosed('The database is closed');
      const outcome = attempt(job);
      running.add(outcome);
      try {
        return await outcome;
      } finally {
        running.delete(outcome);
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled(running);
      const last = idle.splice(0);
      for (const { timer } of last) clearTimeout(timer);
      await Promise.all(last.map(({ connection }) => connection.close(CLOSE_MS)));
    },
  };
}

/** What `work` gives, or a rejection with `QueryDeadlineExceeded` after `deadlineMs`. */
export async function settle<T>(work: PromiseLike<T>, deadlineMs: number): Promise<T> {
  const deadline = startDeadline(deadlineMs);
  try {
    return await Promise.race([work, deadline.passed]);
  } finally {
    deadline.clear();
  }
}

function startDeadline(deadlineMs: number): { passed: Promise<never>; clear: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = new Promise<never>((_, reject) => {
    const late = () => reject(new QueryDeadlineExceeded(`The database did not answer within ${deadlineMs} ms`));
    timer = setTimeout(late, deadlineMs);
  });
  return { passed, clear: () => clearTimeout(timer) };
}

/** Turns, first come first served: `granted` resolves when one of `size` is free; `leave` gives it, or the place in the queue, up. */
function createTurns(size: number): {
  take(): { granted: Promise<void>; leave: () => void };
  counts(): { busy: number; waiting: number };
} {
  const waiting = new Set<() => void>();
  let free = size;

  const pass = () => {
    const [first] = waiting;
    if (!first) return void free++;
    waiting.delete(first);
    first();
  };
  return {
    counts: () => ({ busy: size - free, waiting: waiting.size }),
    take() {
      if (free > 0) {
        free--;
        return { granted: Promise.resolve(), leave: pass };
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      return { granted: promise, leave: () => void (waiting.delete(resolve) || pass()) };
    },
  };
}
