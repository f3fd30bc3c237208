import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel';

/** Counts failures in a row. It opens by itself, or at once when told to; only a success closes it, so that no clock but ours decides when it is tried. */
export interface Breaker {
  isOpen(): boolean;
  fail(): Promise<void>;
  open(): void;
  succeed(): void;
}

/** Failures in a row after which a server is asked last: a single one may be chance. */
const FAILURES_MAX = 2;

/** A breaker that is closed. */
export function createBreaker(): Breaker {
  let policy = closed();
  let hasFailed = false;
  const isOpen = (): boolean => policy.state !== CircuitState.Closed;
  return {
    isOpen,
    async fail() {
      hasFailed = true;
      if (!isOpen()) await policy.execute(() => false);
    },
    open() {
      hasFailed = true;
      if (!isOpen()) policy.isolate();
    },
    succeed() {
      // Another one has nothing to forget, and every call of a server that is well ends here.
      if (hasFailed) policy = closed();
      hasFailed = false;
    },
  };
}

function closed(): CircuitBreakerPolicy {
  const breaker = new ConsecutiveBreaker(FAILURES_MAX);
  return circuitBreaker(
    handleWhenResult((result) => result === false),
    { breaker, halfOpenAfter: Number.MAX_SAFE_INTEGER },
  );
}
