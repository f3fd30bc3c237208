import { createLog, type Log, type LogFormat, type LogLevel } from './logs';
import type { Output } from './output';

/** What the log of a process is made of. */
export interface ErrorLogOptions {
  readonly service: string;
  readonly version: string;
  readonly write: Output;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** True when a person reads standard error. */
  readonly terminal: boolean;
  /** False when the person does not want colours. */
  readonly colour: boolean;
  /** The process, whose runtime warns of what a library does wrong. */
  readonly warnings: Warnings;
}

/** Where the runtime gives its warnings. By itself it writes them to standard error, each in several lines. */
export interface Warnings {
  on(event: 'warning', heard: (warning: Error) => void): unknown;
  removeAllListeners(event: 'warning'): unknown;
}

/**
 * The log of a process, on standard error: results alone go to standard output. Once it is open, warnings of the runtime are
 * records of it like any other.
 */
export function createErrorLog({ write, terminal, colour, warnings, ...rest }: ErrorLogOptions) {
  return ({ logLevel, logFormat }: { logLevel: LogLevel; logFormat: LogFormat }): Log => {
    const log = createLog({
      ...rest,
      level: logLevel,
      format: logFormat,
      write: (line) => write.err(`${line}\n`),
      colour: terminal && colour,
    });
    warnings.removeAllListeners('warning');
    warnings.on('warning', (error) => log.warn('the runtime warns', { error }));
    return log;
  };
}
