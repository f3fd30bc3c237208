import type { RollUpStore } from './roll-up-store';
import type { TickStore } from './tick-store';

/** What the history needs again and again. */
export interface HistoryRetention {
  /**
   * Makes the days ahead that ticks will be written to, and drops what is older than it is kept: for about a second, since the
   * database has others to answer. What is left then is for the next run.
   */
  maintain(): Promise<void>;
}

/** What the retention stands on. */
export interface HistoryRetentionOptions {
  readonly ticks: Pick<TickStore, 'makeDay' | 'dropDays'>;
  readonly candles: Pick<RollUpStore, 'prune'>;
  /** How long ticks are kept, by whole days (UTC); milliseconds. */
  readonly ticksMs: number;
  /** How long candles shorter than an hour are kept; milliseconds. */
  readonly candlesMs: number;
  /** The clock that all servers share (milliseconds since the epoch): one that is wrong on one of them must not cost what others keep. */
  readonly calendar: () => Promise<number>;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
}

/** Days that are made ahead, beside today. */
const DAYS_AHEAD = 2;

/** No more is begun after so long. */
const RUN_MS_MAX = 1_000;

const DAY_MS = 24 * 60 * 60 * 1000;

/** The retention of ticks and candles. */
export function createHistoryRetention(options: HistoryRetentionOptions): HistoryRetention {
  const { ticks, candles, ticksMs, candlesMs, calendar, elapsed } = options;
  return {
    maintain: async () => {
      const nowMs = await calendar();
      for (let day = 0; day <= DAYS_AHEAD; day++) await ticks.makeDay(new Date(nowMs + day * DAY_MS));
      await ticks.dropDays(new Date(nowMs - ticksMs));
      const endsMs = elapsed() + RUN_MS_MAX;
      while ((await candles.prune(new Date(nowMs - candlesMs))) && elapsed() < endsMs);
    },
  };
}
