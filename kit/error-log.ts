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
}

/** The log of a process, on standard error: results alone go to standard output. */
export function createErrorLog({ write, terminal, colour, ...rest }: ErrorLogOptions) {
  return ({ logLevel, logFormat }: { logLevel: LogLevel; logFormat: LogFormat }): Log =>
    createLog({
      ...rest,
      level: logLevel,
      format: logFormat,
      write: (line) => write.err(`${line}\n`),
      colour: terminal && colour,
    });
}
