import type { DayRow } from './candle-store';

/** Figures of one currency over the last 24 hours. Rates are in US dollars. */
export interface DayFigures {
  /** The rate 24 hours ago, or the oldest one known since. */
  readonly reference: number;
  readonly high: number;
  readonly low: number;
}

/** What the candles say, before the running rate is taken in. */
export function dayFigures(row: DayRow | undefined, rate: number): DayFigures {
  return {
    reference: Number(row?.before ?? row?.first ?? rate),
    high: Math.max(Number(row?.high ?? rate), rate),
    low: Math.min(Number(row?.low ?? rate), rate),
  };
}

/** The figures after one more rate in the same window. */
export function widen(figures: DayFigures, rate: number): DayFigures {
  return { ...figures, high: Math.max(figures.high, rate), low: Math.min(figures.low, rate) };
}

/** Change in percent with four decimals. */
export function changePercent(rate: number, reference: number): number {
  return Math.round(((rate - reference) / reference) * 1_000_000) / 10_000;
}
