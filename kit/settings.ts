import { oneOf, setting, text } from './config';
import { LOG_LEVELS, type LogFormat, type LogLevel } from './logs';

/** A parser for a setting that may be unset: null is its fallback. */
export function orNull<T>(parse: (given: string) => T): (given: string) => T | null {
  return parse;
}

/** The settings that both programs know. */
export const COMMON_SETTINGS = {
  HOST: setting({
    about: 'address to listen on',
    parse: text({ max: 255, pattern: /^[A-Za-z0-9.:-]+$/, what: 'a host name or an IP address' }),
    fallback: '127.0.0.1',
  }),
  LOG_LEVEL: setting<LogLevel>({ about: LOG_LEVELS.join(', '), parse: oneOf(...LOG_LEVELS), fallback: 'info' }),
  LOG_FORMAT: setting<LogFormat | null>({
    about: 'pretty or json; pretty on a terminal, else json',
    parse: oneOf('pretty', 'json'),
    fallback: null,
  }),
} as const;
