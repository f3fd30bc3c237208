import type { Schedule } from '../ports';

/** Barks once when it has not been fed for so long. */
export interface Watchdog {
  /** From now on it waits for its whole time again. */
  feed(): void;
  /** It waits for nothing until it is fed. */
  rest(): void;
}

/** A watchdog that rests. */
export function createWatchdog(schedule: Schedule, idleMs: number, bark: () => void): Watchdog {
  let cancel = (): void => {};
  return {
    feed: () => {
      cancel();
      cancel = schedule(idleMs, bark);
    },
    rest: () => {
      cancel();
      cancel = (): void => {};
    },
  };
}
