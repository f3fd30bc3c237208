/** Candles that go on with the rates. */
import { type Candle, INTERVALS, type Interval } from './model';

/** Candles that are asked for and kept: more are not told apart on a screen. */
export const CANDLES_MAX = 180;

/** The candles with a rate of a time in milliseconds since the epoch: the last one moves, or another begins. */
export function withRate(
  candles: readonly Candle[],
  interval: Interval,
  rate: number,
  atMs: number,
): readonly Candle[] {
  const lengthMs = INTERVALS[interval] * 1_000;
  const openMs = Math.floor(atMs / lengthMs) * lengthMs;
  const last = candles.at(-1);
  const lastMs = last === undefined ? Number.NEGATIVE_INFINITY : Date.parse(last.open_time);
  if (last === undefined || openMs > lastMs) {
    const fresh = { open_time: new Date(openMs).toISOString(), open: rate, high: rate, low: rate, close: rate };
    return [...candles, fresh].slice(-CANDLES_MAX);
  }
  if (openMs < lastMs) return candles; // from before what was fetched
  const moved = { ...last, high: Math.max(last.high, rate), low: Math.min(last.low, rate), close: rate };
  return [...candles.slice(0, -1), moved];
}
