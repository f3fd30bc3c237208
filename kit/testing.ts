// For tests alone.
import { createLog, type Log } from './logs';

/** A log at its most talkative whose lines, JSON texts, are kept in `logged`. */
export function captureLog(service: string, now: () => number = () => 0): { log: Log; logged: string[] } {
  const logged: string[] = [];
  const write = (line: string): void => void logged.push(line);
  return {
    log: createLog({ service, version: '0', level: 'debug', format: 'json', write, now, colour: false }),
    logged,
  };
}
