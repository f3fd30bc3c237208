import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type Chart, createChart } from '../chart';
import type { Candle, Interval } from '../model';
import { useShell } from '../shell';

/** What the picture is given. */
export interface CandleChartProps {
  readonly symbol: string;
  readonly interval: Interval;
  readonly candles: readonly Candle[];
}

/** The candles as a picture, and the numbers of the one that is pointed at, else of the last. */
export function CandleChart({ symbol, interval, candles }: CandleChartProps) {
  const { words, format, preferences } = useShell();
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const latest = useRef(candles);
  latest.current = candles;
  const [at, setAt] = useState<number | null>(null);
  const colours = useColours();
  useLayoutEffect(() => {
    if (place.current === null) return;
    const made = createChart({ place: place.current, interval, format, pointed: setAt });
    chart.current = made;
    made.show(latest.current);
    return () => {
      chart.current = null;
      made.destroy();
    };
  }, [interval, format, preferences.theme, colours]);
  useEffect(() => chart.current?.show(candles), [candles]);
  const pointed = candles[at ?? candles.length - 1] ?? candles.at(-1);
  const name = `${words.currency.chart(symbol, words.currency.intervals[interval])}. ${words.currency.chartHelp}`;
  return (
    <figure class="chart">
      <figcaption class="readout">{pointed !== undefined && <Readout candle={pointed} />}</figcaption>
      <div ref={place} class="chart-place" role="img" aria-label={name} />
    </figure>
  );
}

function Readout({ candle }: { readonly candle: Candle }) {
  const { words, format } = useShell();
  const { columns } = words.currency;
  return (
    <>
      <span>{format.dateTime(Date.parse(candle.open_time))}</span>
      {(['open', 'high', 'low', 'close'] as const).map((key) => (
        <span key={key}>
          <span class="quiet">{columns[key]}</span> {format.rate(candle[key])}
        </span>
      ))}
    </>
  );
}

/** Another number whenever the system changes its colours, which are drawn, and so drawn again. */
function useColours(): number {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const changed = (): void => setChanges((before) => before + 1);
    scheme.addEventListener('change', changed);
    return () => scheme.removeEventListener('change', changed);
  }, []);
  return changes;
}
