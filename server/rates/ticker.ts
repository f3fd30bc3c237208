import type { Log } from '../../kit/logs';
import type { Feed } from './feed';
import { openOf } from './pieces';
import type { RollUpStore } from './roll-up-store';
import type { Source } from './source';
import type { RateStore } from './store';

/** Moves the market. */
export interface Ticker {
  /** Makes the tick that is due: commits it, then publishes it. @returns its number, or null when there was none to make. */
  tick(): Promise<number | null>;
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
  readonly now: () => number;
  readonly log: Log;
}

/** A timer fires a little early or late; a tick this much before its time is due all the same. */
const EARLY_MS = 500;

/**
 * The ticker of one server. Every replica has one and all fire at once; the transaction that gets the counter row goes
 * on, and only if the tick is still due, so there is one tick a period whoever dies.
 */
export function createTicker(options: TickerOptions): Ticker {
  const { store, candles, feed, source, periodSeconds, now, log } = options;
  let rolledUp: number | null = null;
  let last: Promise<unknown> = Promise.resolve();
  /** Once a minute. The tick is made, whatever becomes of this; what is left is made the next time. */
  const rollUp = async (at: Date): Promise<void> => {
    const minute = openOf(at.getTime(), 1);
    if (minute === rolledUp) return;
    rolledUp = minute;
    await candles.rollUp(at).catch((error: unknown) => log.warn('longer candles were not made', { error }));
  };
  const tick = async (): Promise<number | null> => {
    const at = new Date(now());
    const due = (tickedAt: Date | null): boolean => isDue(tickedAt, at, periodSeconds * 1000);
    const state = await feed.publish(() => store.tick({ at, isDue: due, next: source.next }));
    if (state === null) return null;
    log.debug('tick', { 'market.seq': state.seq });
    await rollUp(at);
    return state.seq;
  };
  return {
    tick: () => {
      const made = tick();
      last = made.catch(() => undefined);
      return made;
    },
    settled: async () => void (await last),
  };
}

/** Due a period after the last tick. A last tick in the future means that the clock was set back: the market goes on. */
function isDue(last: Date | null, at: Date, periodMs: number): boolean {
  if (last === null) return true;
  const elapsedMs = at.getTime() - last.getTime();
  return elapsedMs >= periodMs - EARLY_MS || elapsedMs < -EARLY_MS;
}
