import type { Log } from './logs';

/** Something that a server does again and again on its own: flushing, pruning, turning keys over. */
export interface Chore {
  readonly name: string;
  /** Between the end of one run and the start of the next, in milliseconds. */
  readonly everyMs: number;
  readonly run: () => Promise<unknown>;
  /** What it does must not be lost with the process: it is run once more at the end. */
  readonly atEnd?: true;
}

/** Does each chore when it is due. */
export interface Maintenance {
  /** Runs what is due, one after another; call it more often than the shortest period. Never rejects. */
  run(): Promise<void>;
  /** Lets what is being run end, then runs what is to be run at the end, and nothing after that. */
  close(): Promise<void>;
}

/**
 * One after another, so that the chores of a server never compete with each other for the database. A chore that fails is
 * tried again at its next turn; one line says when it begins to fail, and one when it is well again.
 */
export function createMaintenance(options: { chores: readonly Chore[]; now: () => number; log: Log }): Maintenance {
  const { chores, now, log } = options;
  const dueAt = new Map<Chore, number>();
  const failing = new Set<Chore>();
  let underWay: Promise<void> | null = null;
  let closed = false;
  const attempt = async (chore: Chore): Promise<void> => {
    try {
      await chore.run();
      if (failing.delete(chore)) log.info(`${chore.name}: well again`);
    } catch (error) {
      if (!failing.has(chore))
        log.error(`${chore.name} fails; it is tried again every ${chore.everyMs / 1000} s`, { error });
      failing.add(chore);
    }
    dueAt.set(chore, now() + chore.everyMs);
  };
  const runAll = async (wanted: (chore: Chore) => boolean): Promise<void> => {
    for (const chore of chores) if (wanted(chore)) await attempt(chore);
  };
  const isDue = (chore: Chore): boolean => {
    if (closed) return false;
    const [nowMs, due] = [now(), dueAt.get(chore) ?? 0];
    // Further away than it was ever put: the clock has been set back.
    return due <= nowMs || due > nowMs + chore.everyMs;
  };
  return {
    run: () => {
      if (closed) return Promise.resolve();
      underWay ??= runAll(isDue).finally(() => {
        underWay = null;
      });
      return underWay;
    },
    close: async () => {
      closed = true;
      await underWay;
      await runAll(({ atEnd }) => atEnd === true);
    },
  };
}
