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

/** What becomes of a WebSocket; `closed` is told once, and last. */
export interface SocketEvents {
  opened(): void;
  /** A text message; others are not told. */
  message(text: string): void;
  /** The close code (RFC 6455 §7.4); 1006 or so when it broke off or never opened. */
  closed(code: number): void;
}

/** A WebSocket that is opening or open. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

/** Opens a WebSocket with these headers on its request. */
export type OpenSocket = (url: string, headers: Readonly<Record<string, string>>, events: SocketEvents) => Socket;
