import type { Candle } from '../model';
import { useShell } from '../shell';

/** Rows that are read rather than searched. */
const ROWS = 60;

/** The candles as numbers, for who does not see the picture or wants them exactly. */
export function CandleTable({ candles }: { readonly candles: readonly Candle[] }) {
  const { words, format } = useShell();
  const { columns, table, tableNote } = words.currency;
  const shown = candles.slice(-ROWS).reverse();
  return (
    <details class="candles">
      <summary>{table}</summary>
      <table>
        <caption>{tableNote(format.count(shown.length))}</caption>
        <thead>
          <tr>
            {(['time', 'open', 'high', 'low', 'close'] as const).map((column) => (
              <th key={column} scope="col">
                {columns[column]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(({ open_time, open, high, low, close }) => (
            <tr key={open_time}>
              <th scope="row">{format.dateTime(Date.parse(open_time))}</th>
              <td>{format.rate(open)}</td>
              <td>{format.rate(high)}</td>
              <td>{format.rate(low)}</td>
              <td>{format.rate(close)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
