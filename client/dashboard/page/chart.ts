/** Candles on a canvas (uPlot), which knows nothing of candles: it has the axes, and they are drawn on it here. */
import uPlot from 'uplot';
import type { Format } from './format';
import { type Candle, INTERVALS, type Interval } from './model';

/** A chart that is shown. */
export interface Chart {
  show(candles: readonly Candle[]): void;
  destroy(): void;
}

/** What {@link createChart} needs. */
export interface ChartDeps {
  readonly place: HTMLElement;
  readonly interval: Interval;
  readonly format: Format;
  /** Told which candle the pointer is at; null: at none. */
  readonly pointed: (index: number | null) => void;
}

/** With fewer candles there is room left before the first, so that they keep their shape. */
const SHOWN_MIN = 40;

/** Pixels from one candle to the next, without which it has no body. */
const STEP_PX_MIN = 6;

/** Share of its time that a candle is wide. */
const BODY_SHARE = 0.68;

/** Puts a chart into the place, as wide as that is, now and when it changes. */
export function createChart({ place, interval, format, pointed }: ChartDeps): Chart {
  const seconds = INTERVALS[interval];
  const colours = coloursOf(place);
  const size = (): { width: number; height: number } => ({
    width: Math.max(1, place.clientWidth),
    height: Math.max(1, place.clientHeight),
  });
  const hidden = { paths: () => null, points: { show: false } };
  const axis = { stroke: colours.quiet, font: '12px system-ui, sans-serif', ticks: { show: false } };
  const grid = { stroke: colours.line, width: 1 };
  const plot = new uPlot(
    {
      ...size(),
      padding: [12, 8, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false, setScale: false }, points: { show: false } },
      scales: {
        x: {
          time: true,
          range: ({ width }, first, last) => [last - shown(width, (last - first) / seconds) * seconds, last + seconds],
        },
        y: { range: (_, low, high) => withMargin(low, high) },
      },
      series: [{}, hidden, hidden, hidden, hidden],
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 80,
          values: (_, times, __, ___, step) => times.map((time) => format.step(time * 1_000, step)),
        },
        {
          ...axis,
          side: 1,
          grid,
          size: (_, values) => 18 + 7.2 * Math.max(0, ...(values ?? []).map((value) => value.length)),
          values: (_, rates) => rates.map((rate) => format.rate(rate)),
        },
      ],
      hooks: {
        draw: [(drawn) => drawCandles(drawn, seconds, colours)],
        setCursor: [({ cursor }) => pointed(cursor.idx ?? null)],
      },
    },
    [[], [], [], [], []],
    place,
  );
  const watcher = new ResizeObserver(() => plot.setSize(size()));
  watcher.observe(place);
  return {
    show: (candles) =>
      plot.setData([
        candles.map(({ open_time }) => Date.parse(open_time) / 1_000),
        candles.map(({ open }) => open),
        candles.map(({ high }) => high),
        candles.map(({ low }) => low),
        candles.map(({ close }) => close),
      ]),
    destroy: () => {
      watcher.disconnect();
      plot.destroy();
    },
  };
}

/** Candles that are shown of so many: the latest, as far as there is room. */
function shown(width: number, candles: number): number {
  return Math.max(SHOWN_MIN, Math.min(candles, Math.floor(width / STEP_PX_MIN)));
}

type Colours = ReturnType<typeof coloursOf>;

function coloursOf(place: HTMLElement) {
  const style = getComputedStyle(place);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return { up: colour('--up'), down: colour('--down'), quiet: colour('--quiet'), line: colour('--line') };
}

/** Room above and below; a market that stands still lies in the middle. */
function withMargin(low: number, high: number): [number, number] {
  const margin = high > low ? (high - low) * 0.08 : Math.abs(high) * 0.001 || 1;
  return [low - margin, high + margin];
}

function drawCandles(plot: uPlot, seconds: number, colours: Colours): void {
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
