/** What is drawn on the canvas, and in which colours. */
import type uPlot from 'uplot';

/** The colours of the page that the picture needs, as the canvas takes them. */
export type Colours = ReturnType<typeof coloursOf>;

/** The colours of the place as they are, or those it would have in a theme. */
export function coloursOf(place: HTMLElement, theme?: 'light') {
  const { dataset } = document.documentElement;
  const before = dataset['theme'];
  if (theme !== undefined) dataset['theme'] = theme;
  const style = getComputedStyle(place);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const colours = { up: colour('--up'), down: colour('--down'), quiet: colour('--quiet'), line: colour('--line') };
  if (before === undefined) delete dataset['theme'];
  else dataset['theme'] = before;
  return colours;
}

/** Share of its time that a candle is wide. */
const BODY_SHARE = 0.68;

/** Draws the candles of a plot whose series are open, high, low and close, each as long as so many seconds. */
export function drawCandles(plot: uPlot, seconds: number, colours: Colours): void {
  const { ctx, data } = plot;
  const [times, opens, highs, lows, closes] = data;
  const x = (time: number): number => plot.valToPos(time, 'x', true);
  const y = (rate: number | null | undefined): number => plot.valToPos(rate ?? 0, 'y', true);
  const width = Math.max(1, Math.round((x(seconds) - x(0)) * BODY_SHARE));
  ctx.save();
  ctx.beginPath();
  ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
  ctx.clip();
  for (const [at, time] of times.entries()) {
    const [open, close] = [opens?.[at] ?? 0, closes?.[at] ?? 0];
    const middle = Math.round(x(time + seconds / 2));
    const [top, bottom] = [y(Math.max(open, close)), y(Math.min(open, close))];
    const wick = Math.max(1, Math.round(devicePixelRatio));
    ctx.fillStyle = close >= open ? colours.up : colours.down;
    ctx.fillRect(middle - wick / 2, y(highs?.[at]), wick, y(lows?.[at]) - y(highs?.[at]));
    ctx.fillRect(middle - width / 2, top, width, Math.max(wick, bottom - top));
  }
  ctx.restore();
}
