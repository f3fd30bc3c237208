import type { Log } from './logs';

/** The signals that ask a program to stop, with their numbers. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/** A signal that asks a program to stop. */
export type StopSignal = keyof typeof SIGNALS;

/** Where signals come from: `process`, or a test. */
export interface SignalSource {
  on(signal: StopSignal | 'SIGHUP', heard: () => void): unknown;
}

/** What stopping needs; `stop` puts everything away and resolves when nothing is in flight. */
export interface StopOptions {
  readonly signals: SignalSource;
  readonly stop: () => Promise<void>;
  readonly deadlineMs: number;
  readonly exit: (code: number) => never;
  readonly log: Log;
}

/**
 * Waits for SIGTERM or SIGINT, then runs `stop` once and resolves. A second signal ends the process at once with
 * 128 + its number; a stop that fails or outlasts `deadlineMs` ends it with 1.
 */
export async function untilStopped({ signals, stop, deadlineMs, exit, log }: StopOptions): Promise<void> {
  const signal = await firstSignal(signals, exit);
  log.info('stopping', { 'event.reason': signal });
  const deadline = setTimeout(() => {
    log.error(`not stopped after ${deadlineMs} ms: ending at once`);
    exit(1);
  }, deadlineMs);
  try {
    await stop();
    log.info('stopped');
  } catch (error) {
    log.error('stopping failed', { error });
    exit(1);
  } finally {
    clearTimeout(deadline);
  }
}

function firstSignal(signals: SignalSource, exit: (code: number) => never): Promise<StopSignal> {
  return new Promise((resolve) => {
    let stopping = false;
    const hear = (signal: StopSignal) => {
      if (stopping) exit(128 + SIGNALS[signal]);
      stopping = true;
      resolve(signal);
    };
    signals.on('SIGINT', () => hear('SIGINT'));
    signals.on('SIGTERM', () => hear('SIGTERM'));
  });
}
