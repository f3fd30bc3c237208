import { useState } from 'preact/hooks';
import type { Row } from '../market';
import { useShell } from '../shell';

/** A move that is older than that is not shown as one: it was there before the page was. */
const FRESH_MS = 600;

/** A rate that shows for half a second which way it has moved: by an arrow and by colour. */
export function MovingRate({ row }: { readonly row: Row }) {
  // Another element for every move, so that each begins anew and runs to its end.
  return <Moved key={row.beat} row={row} />;
}

function Moved({ row: { rate, direction, beat, receivedMs } }: { readonly row: Row }) {
  const { format, words, elapsed } = useShell();
  const [isFresh] = useState(() => beat > 0 && elapsed() - receivedMs < FRESH_MS);
  return (
    <span class="rate" data-moved={direction ?? undefined} data-fresh={isFresh}>
      {direction !== null && (
        <svg class="arrow" viewBox="0 0 10 10" width="10" height="10" role="img" aria-label={words.market[direction]}>
          <path d={direction === 'up' ? 'M5 1l4 7H1z' : 'M5 9L1 2h8z'} fill="currentColor" />
        </svg>
      )}
      {format.rate(rate)}
    </span>
  );
}

/** A change in percent, with its sign and its colour. */
export function Change({ percent }: { readonly percent: number | null }) {
  const { format } = useShell();
  if (percent === null) return <span class="quiet">–</span>;
  const text = format.percent(percent);
  const tone = /^[+]/.test(text) ? 'up' : /^−/.test(text) ? 'down' : 'same';
  return <span data-tone={tone}>{text}</span>;
}
