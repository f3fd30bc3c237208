import { type CircuitBreakerPolicy, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { isPassing } from './trouble';

/** Counts failures in a row. It opens by itself; only {@link Breaker.close} closes it, so that no clock but ours decides when. */
export interface Breaker {
  isOpen(): boolean;
  /** The call, counted. One that is open is passed by: whoever calls then has nobody else to ask. Rejects as the call. */
  call<T>(work: () => Promise<T>, failed: (result: T) => boolean): Promise<T>;
  close(): void;
}

/** Failures in a row after which a server is asked last: a single one may be chance. */
const FAILURES_MAX = 2;

const FAILED = Symbol('failed');

/** A breaker that is closed. */
export function createBreaker(): Breaker {
  let policy = closed();
  const isOpen = (): boolean => policy.state !== CircuitState.Closed;
  return {
    isOpen,
    async call(work, failed) {
      if (isOpen()) return work();
      return through(policy, work, failed);
    },
    close() {
      if (isOpen()) policy = closed();
    },
  };
}

function closed(): CircuitBreakerPolicy {
  const failures = handleWhen(isPassing).orWhenResult((result) => result === FAILED);
  const breaker = new ConsecutiveBreaker(FAILURES_MAX);
  return circuitBreaker(failures, { breaker, halfOpenAfter: Number.MAX_SAFE_INTEGER });
}

/** The policy judges a stand-in of the result, which itself is handed out as it is. */
async function through<T>(
  policy: CircuitBreakerPolicy,
  work: () => Promise<T>,
  failed: (result: T) => boolean,
): Promise<T> {
  const results: T[] = [];
  await policy.execute(async () => {
    const result = await work();
    results.push(result);
    return failed(result) ? FAILED : null;
  });
  return results[0] as T; // The policy has called once, or rejected.
}
