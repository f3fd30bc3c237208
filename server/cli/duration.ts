import { CommanderError } from 'commander';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** A time that a flag takes; `from` and `to` are the bounds that the server sets, as they are typed. */
export interface TimeFlag {
  readonly flag: string;
  readonly from: string;
  readonly to: string;
}

/** Life of a new secret. */
export const EXPIRES_IN: TimeFlag = { flag: '--expires-in', from: '60s', to: '3650d' };

/** How long the other secrets go on. */
export const OVERLAP: TimeFlag = { flag: '--overlap', from: '0', to: '90d' };

/** A parser of `90d`, `24h`, `30m`, `45s` and `0` → seconds. @throws CommanderError */
export function seconds({ flag, from, to }: TimeFlag): (text: string) => number {
  return (text) => {
    const value = read(text);
    if (value === null) throw wrongValue(`${flag} must be such as 90d, 24h, 30m or 45s`);
    if (value < (read(from) ?? 0) || value > (read(to) ?? 0)) throw wrongValue(`${flag} must be from ${from} to ${to}`);
    return value;
  };
}

function read(text: string): number | null {
  if (text === '0') return 0;
  const [, count, unit] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  return count === undefined ? null : Number(count) * SECONDS[unit as keyof typeof SECONDS];
}

/** A parser of a whole number from 1 to `max`. @throws CommanderError */
export function wholeNumber(flag: string, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > max) throw wrongValue(`${flag} must be a whole number from 1 to ${max}`);
    return value;
  };
}

/** A command line that is wrong, told without the value: exit code 2. */
export function wrongValue(message: string): CommanderError {
  return new CommanderError(2, 'crypto-server.wrongValue', message);
}
