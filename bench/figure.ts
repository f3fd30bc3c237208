/** One line of the report. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** The same of the raw server, where there is one to compare with. */
  readonly raw: number | null;
  /** What the figure must be; null: it is shown for those who look for the cause. */
  readonly hold: Hold | null;
  /** What else there is to know, in a few words. */
  readonly note: string;
}

/** Units of a figure. `µs` is a difference of times, so it has a sign. */
export type Unit = '/s' | 'ms' | 's' | 'MB' | 'µs CPU' | 'µs' | 'same';

/** A bound, and of what: of the value, of value ÷ raw, or of a p value. */
export type Hold =
  | { readonly of: 'value' | 'ratio' | 'p'; readonly atLeast: number; readonly measured: number }
  | { readonly of: 'value' | 'ratio' | 'p'; readonly atMost: number; readonly measured: number };

/** True when the bound is kept. */
export function isHeld(hold: Hold): boolean {
  return 'atLeast' in hold ? hold.measured >= hold.atLeast : hold.measured <= hold.atMost;
}

/** True unless a figure of the list misses its bound. */
export function allHeld(figures: readonly Figure[]): boolean {
  return figures.every(({ hold }) => hold === null || isHeld(hold));
}
