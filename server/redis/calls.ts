/** Calls that wait for an answer, and the watch over them. */
export interface Calls {
  /** The answer, or what `failed` makes of the error; whichever comes first, it or {@link Calls.failAll}. */
  wait(answer: Promise<unknown>, failed: (error: unknown) => Error): Promise<unknown>;
  /** Lets all that wait fail now. */
  failAll(error: Error): void;
}

interface Waiting {
  /** Looks that have found it waiting. */
  looks: number;
  readonly fail: (error: Error) => void;
}

/** How often it is looked whether one waits too long, in milliseconds. */
const LOOK_MS = 25;

/**
 * Watches calls together, by one timer that runs while there are any; one for each would cost more than the call. One is overdue
 * after `answerMs` at most, and a look less at least. Looks are counted and not time: when this process itself was held up, time has
 * passed, and the answer may be there and not read yet.
 */
export function createCalls(answerMs: number, overdue: () => void): Calls {
  const overdueAt = Math.max(1, Math.floor(answerMs / LOOK_MS));
  const waiting = new Set<Waiting>();
  let timer: Timer | null = null;
  const look = (): void => {
    if (waiting.size === 0) {
      if (timer !== null) clearInterval(timer);
      timer = null;
      return;
    }
    let late = false;
    for (const one of waiting) late = ++one.looks >= overdueAt || late;
    if (late) overdue();
  };
  return {
    wait: (answer, failed) =>
      new Promise((resolve, reject) => {
        const one: Waiting = { looks: 0, fail: reject };
        waiting.add(one);
        timer ??= setInterval(look, LOOK_MS);
        answer.then(
          (value) => {
            waiting.delete(one);
            resolve(value);
          },
          (error: unknown) => {
            // After `failAll` the connection is another one, or none: this error is of the one before.
            if (waiting.delete(one)) reject(failed(error));
          },
        );
      }),
    failAll: (error) => {
      for (const one of waiting) one.fail(error);
      waiting.clear();
    },
  };
}
