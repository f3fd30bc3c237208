/** What the outside world gives to the client; set once in `main.ts`, and by hand in the tests. */

/** Two clocks: one that people read, and one that never steps. */
export interface Clock {
  /** Milliseconds since the epoch; may be stepped by the operator or by time synchronisation. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back, but may stand still while the machine sleeps. */
  elapsed(): number;
}

/** Runs something once after a delay in milliseconds; the function it returns cancels it. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

/** Sends one request. Rejects when there is no answer. */
export type Fetch = (request: Request) => Promise<Response>;

/** A signal that aborts after so many milliseconds, or earlier when the program stops. */
export type Deadline = (ms: number) => AbortSignal;

/** A number in [0, 1). */
export type Random = () => number;

/** So many random bytes, fit for secrets. */
export type RandomBytes = (length: number) => Uint8Array;
