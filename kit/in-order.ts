/** Runs one piece of work after the other, in the order they were given. Resolves and rejects as the work does. */
export type InOrder = <T>(work: () => Promise<T>) => Promise<T>;

/** A queue of its own: a slow read cannot overwrite what came after it. Work that fails keeps no other from its turn. */
export function createInOrder(): InOrder {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
}

/**
 * Runs the same work for all who ask: one run at a time, and one run for all who ask while another is under way. Each call
 * settles with a run that began after it: an older one may have missed what the call is about.
 */
export function createRerun(run: () => Promise<void>): () => Promise<void> {
  const inOrder = createInOrder();
  let waiting: Promise<void> | null = null;
  return () => {
    waiting ??= inOrder(() => {
      waiting = null;
      return run();
    });
    return waiting;
  };
}
