/** What is counted as it happens: token requests that were granted or failed, changes of a secret that were made or failed. */
export type Counted = 'token_granted' | 'token_failed' | 'secret_rotated' | 'rotation_failed';

/** How often each has happened since the start. */
export interface Counts {
  add(what: Counted): void;
  of(what: Counted): number;
}

/** Counts that begin with nothing. */
export function createCounts(): Counts {
  const counted = new Map<Counted, number>();
  const of = (what: Counted): number => counted.get(what) ?? 0;
  return { add: (what) => void counted.set(what, of(what) + 1), of };
}
