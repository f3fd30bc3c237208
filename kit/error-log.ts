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
  /** The process, whose runtime warns of what a library does wrong, and tells of what nobody caught. */
  readonly runtime: Runtime;
  readonly exit: (code: number) => never;
}

/** Where the runtime tells what it finds. By itself it writes that to standard error, in several lines and with all that an error carries. */
export interface Runtime {
  on(event: 'warning', heard: (warning: Error) => void): unknown;
  on(event: 'uncaughtException' | 'unhandledRejection', heard: (error: unknown) => void): unknown;
  removeAllListeners(event: 'warning' | 'uncaughtException' | 'unhandledRejection'): unknown;
}

/**
 * The log of a process, on standard error: results alone go to standard output. Once it is open, warnings of the runtime are
 * records of it like any other, and so is an error that nobody caught, with which the process ends.
 */
export function createErrorLog({ write, terminal, colour, runtime, exit, ...rest }: ErrorLogOptions) {
  return ({ logLevel, logFormat }: { logLevel: LogLevel; logFormat: LogFormat }): Log => {
    const log = createLog({
      ...rest,
      level: logLevel,
      format: logFormat,
      write: (line) => write.err(`${line}\n`),
      colour: terminal && colour,
    });
    runtime.removeAllListeners('warning');
    runtime.on('warning', (error) => log.warn('the runtime warns', { error }));
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      runtime.removeAllListeners(event);
      runtime.on(event, (error) => {
        log.error('nobody has caught an error: the program ends', { error });
        exit(1);
      });
    }
    return log;
  };
}
