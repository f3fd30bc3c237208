/** Calls `ended` with the reason of the first of the signals that aborts, at once for one that has. @returns how to stop listening. */
export function onAbort(signals: readonly AbortSignal[], ended: (reason: unknown) => void): () => void {
  const stops = signals.map((signal) => {
    const hear = (): void => ended(signal.reason);
    if (signal.aborted) hear();
    signal.addEventListener('abort', hear, { once: true });
    return () => signal.removeEventListener('abort', hear);
  });
  return () => {
    for (const stop of stops) stop();
  };
}
