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
