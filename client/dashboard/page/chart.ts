/** Candles on a canvas (uPlot), which knows nothing of candles: it has the axes, and they are drawn on it here. */
import uPlot from 'uplot';
import { candleAt, createCursor } from './chart-cursor';
import { type Colours, coloursOf, drawCandles } from './chart-ink';
import type { Format } from './format';
import { type Candle, INTERVALS, type Interval } from './model';

/** A chart that is shown. */
export interface Chart {
  show(candles: readonly Candle[]): void;
  /** Index of the first candle that there is room for. */
  first(): number;
  /** Puts the cursor at the candle of that index, where it stays while others come; null: takes it away. */
  point(index: number | null): void;
  /** Draws anew in the colours that its place has now, or would have in that theme. */
  paint(theme?: 'light'): void;
  destroy(): void;
}

/** What {@link createChart} needs. */
export interface ChartDeps {
  readonly place: HTMLElement;
  readonly interval: Interval;
  readonly format: Format;
  /** Told which candle the cursor is at; null: at none. */
  readonly pointed: (index: number | null) => void;
}

/** With fewer candles there is room left before the first, so that they keep their shape. */
const SHOWN_MIN = 40;

/** Pixels from one candle to the next, without which it has no body. */
const STEP_PX_MIN = 6;

/** Puts a chart into the place, as wide as that is, now and when it changes. */
export function createChart(deps: ChartDeps): Chart {
  const { place, interval } = deps;
  let colours = coloursOf(place);
  const size = (): { width: number; height: number } => ({
    width: Math.max(1, place.clientWidth),
    height: Math.max(1, place.clientHeight),
  });
  const plot = new uPlot({ ...size(), ...optionsOf(deps, () => colours) }, [[], [], [], [], []], place);
  const cursor = createCursor(plot, INTERVALS[interval]);
  const watcher = new ResizeObserver(() => plot.setSize(size()));
  watcher.observe(place);
  place.addEventListener('pointermove', cursor.release);
  return {
    show: (candles) => {
      plot.setData([
        candles.map(({ open_time }) => Date.parse(open_time) / 1_000),
        candles.map(({ open }) => open),
        candles.map(({ high }) => high),
        candles.map(({ low }) => low),
        candles.map(({ close }) => close),
      ]);
      cursor.moved();
    },
    first: () =>
      Math.max(
        0,
        plot.data[0].findIndex((opened) => opened >= (plot.scales['x']?.min ?? 0)),
      ),
    point: cursor.point,
    paint: (theme) => {
      colours = coloursOf(place, theme);
      plot.redraw(false);
    },
    destroy: () => {
      place.removeEventListener('pointermove', cursor.release);
      watcher.disconnect();
      plot.destroy();
    },
  };
}

function optionsOf(
  { interval, format, pointed }: ChartDeps,
  colours: () => Colours,
): Omit<uPlot.Options, 'width' | 'height'> {
  const seconds = INTERVALS[interval];
  const hidden = { paths: () => null, points: { show: false } };
  const axis = { stroke: () => colours().quiet, font: '12px system-ui, sans-serif', ticks: { show: false } };
  const grid = { stroke: () => colours().line, width: 1 };
  return {
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
      draw: [(plot) => drawCandles(plot, seconds, colours())],
      setCursor: [(plot) => pointed(candleAt(plot))],
    },
  };
}

/** Candles that are shown of so many: the latest, as far as there is room. */
function shown(width: number, candles: number): number {
  return Math.max(SHOWN_MIN, Math.min(candles, Math.floor(width / STEP_PX_MIN)));
}

/** Room above and below; a market that stands still lies in the middle. */
function withMargin(low: number, high: number): [number, number] {
  const margin = high > low ? (high - low) * 0.08 : Math.abs(high) * 0.001 || 1;
  return [low - margin, high + margin];
}
