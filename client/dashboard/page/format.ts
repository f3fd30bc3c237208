/** Numbers and times as people of a language write them. */

/** The languages there are. */
export const LANGUAGES = { en: 'English', pl: 'Polski' } as const;

/** One of them. */
export type Language = keyof typeof LANGUAGES;

/** Writes numbers and times; all inputs are plain numbers, times in milliseconds since the epoch. */
export interface Format {
  readonly language: Language;
  /** A rate with digits to suit its size. */
  rate(value: number): string;
  /** `+0.21%`, `−0.21%`; 0 has no sign. */
  percent(value: number): string;
  /** A share from 0 to 1 in whole percent. */
  share(value: number): string;
  count(value: number): string;
  /** `45s`, `12m`, `1h 58m`: whole units, as short as they go. */
  duration(seconds: number): string;
  milliseconds(value: number): string;
  /** Time of day with seconds. */
  time(ms: number): string;
  /** Day and time of day. */
  dateTime(ms: number): string;
  /** Time of day with minutes, or the day: what suits a step of so many seconds. */
  step(ms: number, stepSeconds: number): string;
}

/** The format of a language. */
export function createFormat(language: Language): Format {
  const locale = { en: 'en-GB', pl: 'pl-PL' }[language];
  const number = (options: Intl.NumberFormatOptions): Intl.NumberFormat => new Intl.NumberFormat(locale, options);
  const date = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => new Intl.DateTimeFormat(locale, options);
  const rates = [2, 4, 6, 8].map((digits) =>
    number({ minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: 'always' }),
  );
  const percents = number({
    style: 'percent',
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
    signDisplay: 'exceptZero',
  });
  const [counts, shares] = [number({}), number({ style: 'percent' })];
  const unit = (name: string): Intl.NumberFormat => number({ style: 'unit', unit: name, unitDisplay: 'narrow' });
  const units = { second: unit('second'), minute: unit('minute'), hour: unit('hour'), day: unit('day') };
  const milliseconds = number({ style: 'unit', unit: 'millisecond', maximumFractionDigits: 0 });
  const time = date({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const dateTime = date({ dateStyle: 'medium', timeStyle: 'short' });
  const [minute, day] = [date({ hour: '2-digit', minute: '2-digit' }), date({ day: 'numeric', month: 'short' })];
  return {
    language,
    rate: (value) => (rates[digitsOf(value)] ?? counts).format(value),
    percent: (value) => percents.format(value / 100).replace('-', '−'), // as wide as the plus
    share: (value) => shares.format(value),
    count: (value) => counts.format(value),
    duration: (seconds) =>
      partsOf(seconds)
        .map(([name, value]) => units[name].format(value))
        .join(' '),
    milliseconds: (value) => milliseconds.format(value),
    time: (ms) => time.format(ms),
    dateTime: (ms) => dateTime.format(ms),
    step: (ms, stepSeconds) => (stepSeconds < 86_400 ? minute : day).format(ms),
  };
}

/** Which of the formats shows five digits or more of it. */
function digitsOf(value: number): number {
  const size = Math.abs(value);
  if (size >= 100 || size === 0) return 0;
  if (size >= 1) return 1;
  return size >= 0.001 ? 2 : 3;
}

function partsOf(seconds: number): readonly (readonly ['second' | 'minute' | 'hour' | 'day', number])[] {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) return [['second', whole]];
  const minutes = Math.floor(whole / 60);
  if (minutes < 90) return [['minute', minutes]];
  const hours = Math.floor(minutes / 60);
  const pair = (big: 'hour' | 'day', count: number, small: 'minute' | 'hour', rest: number) =>
    rest === 0 ? [[big, count] as const] : [[big, count] as const, [small, rest] as const];
  if (hours < 48) return pair('hour', hours, 'minute', minutes % 60);
  return pair('day', Math.floor(hours / 24), 'hour', hours % 24);
}
