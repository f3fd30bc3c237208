import { CommanderError } from 'commander';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** A parser of `90d`, `24h`, `30m`, `45s` and `0` → seconds, for an option of this name. @throws CommanderError */
export function seconds(flag: string): (text: string) => number {
  return (text) => {
    if (text === '0') return 0;
    const [, count, unit] = /^([1-9]\d{0,6})([smhd])$/.exec(text) ?? [];
    if (count === undefined) throw wrongValue(`${flag} must be such as 90d, 24h, 30m or 45s`);
    return Number(count) * SECONDS[unit as keyof typeof SECONDS];
  };
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
