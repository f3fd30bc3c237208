import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type Chart, createChart } from '../chart';
import type { Candle, Interval } from '../model';
import { useShell } from '../shell';

/** What the picture is given. */
export interface CandleChartProps {
  readonly symbol: string;
  readonly interval: Interval;
  /** One at least. */
  readonly candles: readonly Candle[];
}

/** Candles that Page Up and Page Down go over. */
const PAGE = 10;

/**
 * The candles as a picture, and the numbers of the one that is pointed at, else of the last. The arrow keys point too: to
 * a screen reader it is a slider (ARIA APG), which tells the candle it was moved to, and not every rate of the last one.
 */
export function CandleChart({ symbol, interval, candles }: CandleChartProps) {
  const { words, format } = useShell();
  const place = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const [told, setTold] = useState('');
  const chart = useChart(place, interval, candles, setAt);
  const last = candles.length - 1;
  const here = Math.min(at ?? last, last);
  const pointed = candles[here];
  const tell = (candle: Candle | undefined): void => {
    if (candle !== undefined)
      setTold(
        figuresOf(candle)
          .map(([name, value]) => `${name} ${value}`.trim())
          .join(', '),
      );
  };
  const figuresOf = (candle: Candle): readonly (readonly [name: string, value: string])[] => [
    ['', format.dateTime(Date.parse(candle.open_time))],
    ...(['open', 'high', 'low', 'close'] as const).map(
      (key) => [words.currency.columns[key], format.rate(candle[key])] as const,
    ),
  ];
  const steer = (event: KeyboardEvent): void => {
    const to = target(event.key, here, { first: chart.current?.first() ?? 0, last });
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    chart.current?.point(to);
    tell(candles[to ?? last]);
  };
  return (
    <figure class="chart">
      <figcaption class="readout">
        {pointed !== undefined &&
          figuresOf(pointed).map(([name, value]) => (
            <span key={name}>
              {name !== '' && <span class="quiet">{name} </span>}
              {value}
            </span>
          ))}
      </figcaption>
      <div
        ref={place}
        class="chart-place"
        role="slider"
        tabIndex={0}
        aria-label={`${words.currency.chart(symbol, words.currency.intervals[interval])}. ${words.currency.chartHelp}`}
        aria-valuemin={1}
        aria-valuemax={candles.length}
        aria-valuenow={here + 1}
        aria-valuetext={told}
        onFocus={() => tell(pointed)}
        onBlur={() => chart.current?.point(null)}
        onKeyDown={steer}
      />
    </figure>
  );
}

/** The candle that a key leads to; null: to none, and so to the last as it moves; undefined: the key is not for us. */
function target(key: string, here: number, { first, last }: { readonly first: number; readonly last: number }) {
  const steps: Readonly<Record<string, number>> = {
    ...{ ArrowLeft: -1, ArrowDown: -1, PageDown: -PAGE, Home: first - here },
    ...{ ArrowRight: 1, ArrowUp: 1, PageUp: PAGE, End: last - here },
  };
  if (key === 'Escape') return null;
  const step = steps[key];
  return step === undefined ? undefined : Math.max(first, Math.min(last, here + step));
}

/** The picture in its place, in the colours of the moment: on the screen, of the system, and on paper. */
function useChart(
  place: { readonly current: HTMLDivElement | null },
  interval: Interval,
  candles: readonly Candle[],
  pointed: (at: number | null) => void,
): { readonly current: Chart | null } {
  const { format, preferences } = useShell();
  const chart = useRef<Chart | null>(null);
  const latest = useRef(candles);
  latest.current = candles;
  useLayoutEffect(() => {
    if (place.current === null) return;
    const made = createChart({ place: place.current, interval, format, pointed });
    chart.current = made;
    made.show(latest.current);
    return () => {
      chart.current = null;
      made.destroy();
    };
  }, [interval, format]);
  useEffect(() => chart.current?.show(candles), [candles]);
  useEffect(() => chart.current?.paint(), [preferences.theme]);
  useEffect(() => {
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const repaint = (): void => chart.current?.paint();
    const onPaper = (): void => chart.current?.paint('light');
    scheme.addEventListener('change', repaint);
    addEventListener('beforeprint', onPaper);
    addEventListener('afterprint', repaint);
    return () => {
      scheme.removeEventListener('change', repaint);
      removeEventListener('beforeprint', onPaper);
      removeEventListener('afterprint', repaint);
    };
  }, []);
  return chart;
}
