import type { Output } from '../kit/output';

/** A command that measures. */
export interface Measurement<Flags> {
  readonly usage: string;
  readonly write: Output;
  /** Throws a TypeError with a code for what cannot be meant. */
  readonly readFlags: () => Flags;
  /** What is missing to measure at all, as one line; null when all is there. */
  readonly missing: (flags: Flags) => string | null;
  /** @returns the exit code. */
  readonly main: (flags: Flags, signal: AbortSignal) => Promise<number>;
}

/**
 * Runs it and sets the exit code: 2 for what cannot be meant, 1 for what is missing or fails. A signal ends it, which takes half a
 * minute at most; a second one changes nothing, so that no server is left behind.
 */
export async function runMeasurement<Flags>(measurement: Measurement<Flags>): Promise<void> {
  const { usage, write, readFlags, missing, main } = measurement;
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => interruption.abort(new Error('Interrupted.')));
  try {
    const flags = readFlags();
    const lacking = missing(flags);
    if (lacking !== null) throw new Error(lacking);
    process.exitCode = await main(flags, interruption.signal);
  } catch (error) {
    const isMisuse = error instanceof TypeError && 'code' in error;
    write.err(`${error instanceof Error ? error.message : String(error)}${isMisuse ? `\nUsage: ${usage}` : ''}\n`);
    process.exitCode = isMisuse ? 2 : 1;
  }
}
