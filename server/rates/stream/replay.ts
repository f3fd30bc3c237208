import type { Tick } from './frames';

/** The last ticks, for those who come back. */
export interface Replay {
  /** Keeps one more; a change of the catalogue makes all before it useless. */
  add(tick: Tick): void;
  /** The ticks after the one that somebody had, oldest first; null when it is too old, unknown or of the future: he needs a snapshot. */
  after(seq: number): readonly Tick[] | null;
}

/** Ticks kept: an hour at one in three seconds. */
export const REPLAY_TICKS_MAX = 1_200;

/** Rates kept in all: twenty ticks of 5,000 currencies, some twenty megabytes. */
export const REPLAY_RATES_MAX = 100_000;

/** A ring of ticks, bounded by their number and by the number of their rates. */
export function createReplay(ticksMax = REPLAY_TICKS_MAX, ratesMax = REPLAY_RATES_MAX): Replay {
  const ticks: Tick[] = [];
  let rates = 0;
  /** Whoever had this one or a later one misses nothing. */
  let since = 0;
  const dropFirst = (): void => {
    const dropped = ticks.shift();
    if (dropped === undefined) return;
    rates -= dropped.rates.length;
    since = dropped.seq;
  };
  return {
    add: (tick) => {
      const last = ticks.at(-1);
      if (last?.catalogueVersion !== tick.catalogueVersion) {
        ticks.length = 0;
        rates = 0;
        // The rates of this very tick may have been seen before the catalogue changed.
        since = tick.seq + 1;
      }
      if (last !== undefined && last.seq >= tick.seq && last.catalogueVersion === tick.catalogueVersion) return;
      ticks.push(tick);
      rates += tick.rates.length;
      while (ticks.length > ticksMax || (rates > ratesMax && ticks.length > 1)) dropFirst();
    },
    after: (seq) => {
      if (seq < since || seq > (ticks.at(-1)?.seq ?? 0)) return null;
      return ticks.filter((tick) => tick.seq > seq);
    },
  };
}
