import type { Clock, Deadline, OpenSocket, Schedule } from '../ports';

/** A world whose time moves only when told to. */
export interface World {
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** What `random` gives next; stays until set again. */
  chance: number;
  readonly random: () => number;
  /** Lets time pass, running what falls due on the way, each with all that follows from it. */
  pass(ms: number): Promise<void>;
  /** Sets the wall clock forward or back without time passing. */
  stepWallClock(ms: number): void;
  /** Delays of the timers that are set, in milliseconds from now. */
  timers(): number[];
}

/** 2026-01-01T00:00:00.000Z */
export const START_MS = 1_767_225_600_000;

/** Makes a world at {@link START_MS}. */
export function createWorld(): World {
  let elapsedMs = 1_000_000;
  let wallMs = START_MS;
  let timers: { dueMs: number; run: () => void }[] = [];
  const world: World = {
    clock: { now: () => wallMs, elapsed: () => elapsedMs },
    chance: 0.5,
    random: () => world.chance,
    schedule(delayMs, run) {
      const timer = { dueMs: elapsedMs + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async pass(ms) {
      const endMs = elapsedMs + ms;
      await settle();
      for (;;) {
        const [next] = timers.filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
        if (next === undefined) break;
        wallMs += next.dueMs - elapsedMs;
        elapsedMs = next.dueMs;
        timers = timers.filter((other) => other !== next);
        next.run();
        await settle();
      }
      wallMs += endMs - elapsedMs;
      elapsedMs = endMs;
    },
    stepWallClock(ms) {
      wallMs += ms;
    },
    timers: () => timers.map(({ dueMs }) => dueMs - elapsedMs),
  };
  return world;
}

/** Lets every promise that is settled already be heard: a turn of the loop comes after all of them. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Random bytes that repeat from run to run. */
export function countingBytes(): (length: number) => Uint8Array {
  let next = 0;
  return (length) => Uint8Array.from({ length }, () => (next++ * 7) % 256);
}

/** Deadlines that the world's own time reaches. */
export function deadlineOf({ schedule }: Pick<World, 'schedule'>): Deadline {
  return (ms) => {
    const ending = new AbortController();
    schedule(ms, () => ending.abort(new DOMException('It takes too long.', 'TimeoutError')));
    return ending.signal;
  };
}

/** A signal that never aborts. */
export function noDeadline(): AbortSignal {
  return new AbortController().signal;
}

/** What an awaited promise threw; fails the test when it did not. */
export async function thrown<E extends Error>(
  promise: Promise<unknown>,
  kind: new (...args: never[]) => E,
): Promise<E> {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (cause: unknown) => cause,
  );
  if (error instanceof kind) return error;
  throw error;
}

/** A network in which no WebSocket comes about. */
export const noSocket: OpenSocket = (_url, _headers, { closed }) => {
  queueMicrotask(() => closed(1006));
  return { send: () => {}, close: () => {} };
};
