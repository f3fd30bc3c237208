/** The cursor over the candles, put by a pointer (which uPlot does) or by keys. */
import type uPlot from 'uplot';

/** A cursor that stays with its candle. */
export interface Cursor {
  /** Puts it at the candle of that index; null: takes it away. */
  point(index: number | null): void;
  /** To be told when there are other candles: it goes where its own is now. */
  moved(): void;
  /** Leaves it to the pointer. */
  release(): void;
}

/** Outside of the plot, where uPlot shows no cursor. */
const AWAY = { left: -10, top: -10 };

/** The cursor of a plot whose candles are each as long as so many seconds. */
export function createCursor(plot: uPlot, seconds: number): Cursor {
  /** When its candle opened, in seconds since the epoch: the index changes as candles come and go. */
  let heldAt: number | null = null;
  const put = (): void => {
    const at = heldAt === null ? -1 : plot.data[0].indexOf(heldAt);
    const [time, close] = [plot.data[0][at], plot.data[4]?.[at]];
    const left = (opened: number): number => plot.valToPos(opened + seconds / 2, 'x');
    plot.setCursor(time === undefined ? AWAY : { left: left(time), top: plot.valToPos(close ?? 0, 'y') });
  };
  return {
    point: (index) => {
      heldAt = index === null ? null : (plot.data[0][index] ?? null);
      put();
    },
    moved: () => {
      if (heldAt !== null) queueMicrotask(put); // uPlot makes its scales in the microtask before
    },
    release: () => {
      heldAt = null;
    },
  };
}

/** Index of the candle whose time the cursor is in; null: it is outside of all. */
export function candleAt({ cursor, data, posToVal }: uPlot): number | null {
  if (cursor.left === undefined || cursor.left < 0) return null;
  const time = posToVal(cursor.left, 'x');
  const at = data[0].findLastIndex((opened) => opened <= time);
  return at < 0 ? null : at;
}
