import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { CANDLES_MAX, withRate } from '../candles';
import { ageOf, type Row } from '../market';
import { type Candle, INTERVALS, type Interval } from '../model';
import { PLACES } from '../route';
import { isLive, useHeard, useMarket, useSecond, useShell } from '../shell';
import { Failure } from '../ui/failure';
import { Heading } from '../ui/heading';
import { Change, MovingRate } from '../ui/rate';
import { CandleChart } from './candle-chart';
import { CandleTable } from './candle-table';

/** One currency: where it is, and how it came there. It goes on while the table is paused. */
export function CurrencyView({ symbol }: { readonly symbol: string }) {
  const { words } = useShell();
  const market = useMarket();
  const heard = useHeard();
  const isRefused = heard.status?.stream.state === 'refused';
  const row = isRefused ? null : market.latest(symbol);
  const isUnknown = row === null && !isRefused && market.filled();
  return (
    <section class="currency">
      <a class="back" href={PLACES.market}>
        ← {words.currency.back}
      </a>
      <Heading title={symbol}>
        {symbol} {row !== null && row.name !== '' && <span class="quiet">{row.name}</span>}
      </Heading>
      {row === null ? (
        <p class="empty">{isRefused ? words.market.refused : isUnknown ? words.currency.unknown : words.loading}</p>
      ) : (
        <Figures row={row} />
      )}
      {!isUnknown && <Candles symbol={symbol} row={row} live={isLive(heard)} />}
    </section>
  );
}

interface CandlesProps {
  readonly symbol: string;
  readonly row: Row | null;
  readonly live: boolean;
}

function Candles({ symbol, row, live }: CandlesProps) {
  const { words } = useShell();
  const [interval, setInterval] = useState<Interval>('1m');
  const { candles, error } = useCandles(symbol, interval, row, live);
  return (
    <>
      <Intervals interval={interval} choose={setInterval} />
      <Failure error={error} />
      {candles !== null && candles.length === 0 && <p class="empty">{words.currency.noCandles}</p>}
      {candles !== null && candles.length > 0 && (
        <>
          <CandleChart symbol={symbol} interval={interval} candles={candles} />
          <CandleTable candles={candles} />
        </>
      )}
    </>
  );
}

function Figures({ row }: { readonly row: Row }) {
  const { words, format } = useShell();
  const elapsedMs = useSecond();
  const ageMs = ageOf(row, elapsedMs);
  const { high, low } = row;
  return (
    <>
      <p class="headline">
        <MovingRate row={row} /> <span class="unit">USD</span> <Change percent={row.change} />
      </p>
      <dl class="figures">
        <div>
          <dt>{words.currency.high}</dt>
          <dd>{high === null ? '–' : format.rate(high)}</dd>
        </div>
        <div>
          <dt>{words.currency.low}</dt>
          <dd>{low === null ? '–' : format.rate(low)}</dd>
        </div>
        {high !== null && low !== null && (
          <div>
            <dt>{words.currency.range}</dt>
            <dd>
              <Place low={low} high={high} rate={row.rate} />
            </dd>
          </div>
        )}
        <div>
          <dt>{words.currency.made}</dt>
          <dd>{row.updatedMs === null ? '–' : format.time(row.updatedMs)}</dd>
        </div>
        <div>
          <dt>{words.currency.age}</dt>
          <dd>{ageMs === null ? '–' : format.duration(ageMs / 1_000)}</dd>
        </div>
      </dl>
    </>
  );
}

/** Where the rate lies between the lowest and the highest. */
function Place({ low, high, rate }: { readonly low: number; readonly high: number; readonly rate: number }) {
  const { format } = useShell();
  const share = high > low ? Math.min(1, Math.max(0, (rate - low) / (high - low))) : 0.5;
  return (
    <>
      <span class="hidden">{format.share(share)}</span>
      <span class="range" aria-hidden="true">
        <span style={{ left: `${(share * 100).toFixed(1)}%` }} />
      </span>
    </>
  );
}

function Intervals({
  interval,
  choose,
}: {
  readonly interval: Interval;
  readonly choose: (interval: Interval) => void;
}) {
  const { words } = useShell();
  return (
    <fieldset class="intervals">
      <legend class="hidden">{words.currency.interval}</legend>
      {(Object.keys(INTERVALS) as Interval[]).map((one) => (
        <label key={one}>
          <input
            type="radio"
            name="interval"
            checked={one === interval}
            aria-label={words.currency.intervals[one]}
            onChange={() => choose(one)}
          />
          <span aria-hidden="true">{one}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface CandlesState {
  /** Null: they are on their way. */
  readonly candles: readonly Candle[] | null;
  readonly error: unknown;
}

/** Fetched for every length, and anew whenever all rates came anew or what failed may work again; in between they go on with the rates. */
function useCandles(symbol: string, interval: Interval, row: Row | null, live: boolean): CandlesState {
  const { api, market } = useShell();
  const [state, setState] = useState<CandlesState>({ candles: null, error: null });
  const [attempt, setAttempt] = useState(0);
  const epoch = market.epoch();
  useEffect(() => {
    if (live && state.error !== null) setAttempt((before) => before + 1);
  }, [live]);
  useEffect(() => {
    let overtaken = false;
    const settle = (next: Partial<CandlesState>): void => {
      if (!overtaken) setState((before) => ({ ...before, ...next }));
    };
    api.candles(symbol, interval, CANDLES_MAX).then(
      (candles) => settle({ candles, error: null }),
      (error: unknown) => {
        // An older server has no candles at all.
        const hasNone = error instanceof ApiError && error.status === 404;
        settle(hasNone ? { candles: [], error: null } : { error });
      },
    );
    return () => {
      overtaken = true;
    };
  }, [api, symbol, interval, epoch, attempt]);
  useEffect(() => setState({ candles: null, error: null }), [interval]);
  useEffect(() => {
    if (row === null || row.updatedMs === null) return;
    const { rate, updatedMs } = row;
    setState((before) =>
      before.candles === null || before.candles.length === 0
        ? before
        : { ...before, candles: withRate(before.candles, interval, rate, updatedMs) },
    );
  }, [row, interval]);
  return state;
}
