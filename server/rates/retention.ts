import type { RollUpStore } from './roll-up-store';
import type { TickStore } from './tick-store';

/** What the history needs again and again. */
export interface HistoryRetention {
  /** Makes the days ahead that ticks will be written to, and drops what is older than it is kept. */
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
}

/** Days that are made ahead, beside today. */
const DAYS_AHEAD = 2;

const DAY_MS = 24 * 60 * 60 * 1000;

/** The retention of ticks and candles. */
export function createHistoryRetention(options: HistoryRetentionOptions): HistoryRetention {
  const { ticks, candles, ticksMs, candlesMs, calendar } = options;
  return {
    maintain: async () => {
      const nowMs = await calendar();
      for (let day = 0; day <= DAYS_AHEAD; day++) await ticks.makeDay(new Date(nowMs + day * DAY_MS));
      await ticks.dropDays(new Date(nowMs - ticksMs));
      while (await candles.prune(new Date(nowMs - candlesMs)));
    },
  };
}
