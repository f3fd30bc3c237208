import type { Log } from '../../kit/logs';
import type { Feed } from './feed';
import { openOf } from './pieces';
import type { RollUpStore } from './roll-up-store';
import type { Source } from './source';
import type { RateStore, TickPlan } from './store';

/** Moves the market. */
export interface Ticker {
  /** Makes the tick that is due: commits it, then publishes it. @returns its number, or null when there was none to make. */
  tick(): Promise<number | null>;
  /** How many ticks this server has made. */
  made(): number;
  /** Resolves when no tick is being made: before the database is closed. */
  settled(): Promise<void>;
}

/** What the ticker stands on. */
export interface TickerOptions {
  readonly store: Pick<RateStore, 'tick'>;
  readonly candles: Pick<RollUpStore, 'rollUp'>;
  readonly feed: Pick<Feed, 'publish'>;
  readonly source: Pick<Source, 'next'>;
  readonly periodSeconds: number;
  /** The clock that all servers share (milliseconds since the epoch): by their own ones they would not agree on what is due. */
  readonly calendar: TickPlan['clock'];
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  readonly log: Log;
}

/** A timer fires a little early or late; a tick this much before its time is due all the same. */
const EARLY_MS = 500;

/**
 * The ticker of one server. Every replica has one and all fire at once; the transaction that gets the counter row goes
 * on, and only if the tick is still due, so there is one tick a period whoever dies.
 */
export function createTicker(options: TickerOptions): Ticker {
  const { store, candles, feed, source, periodSeconds, calendar, elapsed, log } = options;
  let rolledUp: number | null = null;
  let made = 0;
  let last: Promise<unknown> = Promise.resolve();
  /** Once a minute. The tick is made, whatever becomes of this; what is left is made the next time. */
  const rollUp = async (at: Date): Promise<void> => {
    const minute = openOf(at.getTime(), 1);
    if (minute === rolledUp) return;
    rolledUp = minute;
    await candles.rollUp(at).catch((error: unknown) => log.warn('longer candles were not made', { error }));
  };
  const tick = async (): Promise<number | null> => {
    let elapsedMs = 0;
    const plan: TickPlan = {
      clock: (within) => {
        // Before the other clock: what comes between them must not pass for older than this tick.
        elapsedMs = elapsed();
        return calendar(within);
      },
      isDue: (tickedAt, at) => isDue(tickedAt, at, periodSeconds * 1000),
      next: (currency, made) => source.next(currency, { ...made, elapsedMs }),
    };
    const state = await feed.publish(() => store.tick(plan));
    if (state === null) return null;
    made += 1;
    log.debug('tick', { 'market.seq': state.seq });
    if (state.tickedAt !== null) await rollUp(state.tickedAt);
    return state.seq;
  };
  return {
    tick: () => {
      const making = tick();
      last = making.catch(() => undefined);
      return making;
    },
    made: () => made,
    settled: async () => void (await last),
  };
}

/**
 * Due a period after the last tick. A last tick a period in the future means that the clock was set back: the market goes on.
 * One that is less so is soon past.
 */
function isDue(last: Date | null, at: Date, periodMs: number): boolean {
  if (last === null) return true;
  return Math.abs(at.getTime() - last.getTime()) >= periodMs - EARLY_MS;
}
