import type { Random, Schedule } from '../ports';

/** Over so many milliseconds renewals are spread that were slept through. */
export const SPREAD_MS = 30_000;

/** Longest single timer, in milliseconds: timers stand still while the machine sleeps, so the clock is looked at this often. */
export const TIMER_MAX_MS = 60_000;

/** Renews in the background when it is time. */
export interface RenewalTimer {
  /** Plans the next renewal in the place of the one that was planned. */
  arm(): void;
  close(): void;
}

/** What {@link createRenewalTimer} needs. */
export interface RenewalTimerDeps {
  readonly random: Random;
  readonly schedule: Schedule;
  /** Milliseconds until the next renewal; 0: now. */
  readonly waitMs: () => number;
  /** True when the renewal was slept through, and others with it. */
  readonly isLate: () => boolean;
  readonly renew: () => void;
}

/** After a sleep everything is late at once, and is spread; who needs a token then asks for it and does not wait for this. */
export function createRenewalTimer({ random, schedule, waitMs, isLate, renew }: RenewalTimerDeps): RenewalTimer {
  let cancel = (): void => {};
  let closed = false;
  let isSpread = false;
  const set = (ms: number): void => {
    cancel();
    if (!closed) cancel = schedule(Math.min(Math.ceil(ms), TIMER_MAX_MS), wake);
  };
  const wake = (): void => {
    const spreads = waitMs() === 0 && isLate() && !isSpread;
    isSpread = spreads;
    if (spreads) set(random() * SPREAD_MS);
    else if (waitMs() > 0) set(waitMs());
    else renew();
  };
  return {
    arm: () => set(waitMs()),
    close() {
      closed = true;
      cancel();
    },
  };
}
