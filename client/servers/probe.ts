import { sayNetworkError } from '../auth/answer';
import type { Clock, Deadline, Fetch, Schedule } from '../ports';

/** Longest wait for a sign of life, in milliseconds. */
export const PROBE_DEADLINE_MS = 3_000;

/** Asks one server how it is, again and again. */
export interface Probe {
  /** Asks after so many milliseconds at the latest. */
  ask(delayMs: number): void;
  isAsking(): boolean;
  /** When it is next asked, in milliseconds since the epoch; null: that is not planned. */
  nextAtMs(): number | null;
  close(): void;
}

/** What {@link createProbe} needs. */
export interface ProbeDeps {
  readonly url: string;
  readonly fetch: Fetch;
  readonly deadline: Deadline;
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** Told that it is well, and since when it was asked (on the clock that never steps). @returns when to ask again, in milliseconds; null: never. */
  readonly well: (beganElapsedMs: number) => number | null;
  /** Told that it is not. @returns when to ask again, in milliseconds. */
  readonly ill: (reason: string) => number;
}

/** Asks `GET /health`. Any answer but one of its own trouble is a sign of life: a server of another make may not know the path. */
export function createProbe({ url, fetch, deadline, clock, schedule, well, ill }: ProbeDeps): Probe {
  let planned: { readonly cancel: () => void; readonly dueElapsedMs: number } | null = null;
  let asking = false;
  let closed = false;

  const judge = async (): Promise<number | null> => {
    const began = clock.elapsed();
    const request = new Request(`${url}/health`, { signal: deadline(PROBE_DEADLINE_MS), redirect: 'manual' });
    try {
      const response = await fetch(request);
      await response.body?.cancel();
      return response.status < 500 ? well(began) : ill(`its health is answered with status ${response.status}`);
    } catch (error) {
      return ill(sayNetworkError(error, new URL(url).origin));
    }
  };
  const run = async (): Promise<void> => {
    planned = null;
    asking = true;
    const nextMs = await judge();
    asking = false;
    if (nextMs !== null) plan(nextMs);
  };
  const plan = (delayMs: number): void => {
    const dueElapsedMs = clock.elapsed() + delayMs;
    if (asking || closed || (planned !== null && planned.dueElapsedMs <= dueElapsedMs)) return;
    planned?.cancel();
    planned = { cancel: schedule(Math.ceil(delayMs), () => void run()), dueElapsedMs };
  };
  return {
    ask: plan,
    isAsking: () => asking,
    nextAtMs: () => (planned === null ? null : clock.now() + planned.dueElapsedMs - clock.elapsed()),
    close() {
      closed = true;
      planned?.cancel();
      planned = null;
    },
  };
}
