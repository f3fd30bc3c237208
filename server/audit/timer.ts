/** Something that is done again and again while it runs; never twice at once. */
export interface Timer {
  start(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
  isRunning(): boolean;
}

/** Runs `work` every `periodMs`; it must not reject. */
export function createTimer(periodMs: number, work: () => Promise<void>): Timer {
  let interval: ReturnType<typeof setInterval> | null = null;
  let underWay: Promise<void> | null = null;
  const run = (): void => {
    underWay ??= work().finally(() => {
      underWay = null;
    });
  };
  return {
    start: () => {
      interval ??= setInterval(run, periodMs);
    },
    stop: async () => {
      if (interval !== null) clearInterval(interval);
      interval = null;
      await underWay;
    },
    isRunning: () => interval !== null,
  };
}

/** Says when a period is over, by the clock that it is given. */
export function createEvery(periodMs: number, now: () => number): { isDue(): boolean } {
  let sinceMs = now();
  return {
    isDue: () => {
      // A clock that was set back must not keep it from being due.
      if (now() - sinceMs < periodMs && now() >= sinceMs) return false;
      sinceMs = now();
      return true;
    },
  };
}
