/** Something that is done again and again while it runs; never twice at once. */
export interface Timer {
  start(): void;
  stop(): void;
  isRunning(): boolean;
}

/** Runs `work` every `periodMs`; it must not reject. */
export function createTimer(periodMs: number, work: () => Promise<void>): Timer {
  let interval: ReturnType<typeof setInterval> | null = null;
  let working = false;
  const run = async (): Promise<void> => {
    if (working) return;
    working = true;
    await work();
    working = false;
  };
  return {
    start: () => {
      interval ??= setInterval(() => void run(), periodMs);
    },
    stop: () => {
      if (interval !== null) clearInterval(interval);
      interval = null;
    },
    isRunning: () => interval !== null,
  };
}

/** Does each task when its period is over, seen whenever the returned function is called; the first time after one period. */
export function createUpkeep(
  now: () => number,
  tasks: readonly { readonly everyMs: number; readonly run: () => Promise<void> }[],
): () => Promise<void> {
  const doneAtMs = tasks.map(() => now());
  return async () => {
    for (const [at, { everyMs, run }] of tasks.entries()) {
      if (now() - (doneAtMs[at] ?? 0) < everyMs) continue;
      doneAtMs[at] = now();
      await run();
    }
  };
}
