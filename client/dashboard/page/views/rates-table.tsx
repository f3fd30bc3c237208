import { ageOf, type Row } from '../market';
import { currencyHref } from '../route';
import { useSecond, useShell } from '../shell';
import { COLUMNS, type Column, type Order } from '../table';
import { Change, MovingRate } from '../ui/rate';
import { Sparkline } from '../ui/sparkline';

/** What the table is given. */
export interface RatesTableProps {
  readonly rows: readonly Row[];
  /** Rows on the pages before this one, and on all. */
  readonly before: number;
  readonly all: number;
  /** True for rates that may be others by now. */
  readonly isOld: boolean;
  readonly order: Order;
  readonly sort: (column: Column) => void;
}

/** One page of the rates, to be sorted by every column. */
export function RatesTable({ rows, before, all, isOld, order, sort }: RatesTableProps) {
  const { words } = useShell();
  const elapsedMs = useSecond();
  return (
    <table class="rates" data-old={isOld} aria-rowcount={all + 1}>
      <caption class="hidden">{words.market.table}</caption>
      <thead>
        <tr aria-rowindex={1}>
          {COLUMNS.map((column) => (
            <th
              key={column}
              scope="col"
              class={`col-${column}`}
              aria-sort={order.column === column ? (order.up ? 'ascending' : 'descending') : undefined}
            >
              <button type="button" onClick={() => sort(column)}>
                {words.market.columns[column]}
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => (
          <RateRow key={row.symbol} row={row} index={before + at + 2} ageMs={ageOf(row, elapsedMs)} />
        ))}
      </tbody>
    </table>
  );
}

function RateRow({ row, index, ageMs }: { readonly row: Row; readonly index: number; readonly ageMs: number | null }) {
  const { format } = useShell();
  const rate = (value: number | null): string => (value === null ? '–' : format.rate(value));
  return (
    <tr aria-rowindex={index}>
      <th scope="row" class="col-symbol">
        <a href={currencyHref(row.symbol)}>{row.symbol}</a>
      </th>
      <td class="col-name">{row.name}</td>
      <td class="col-rate">
        <MovingRate row={row} />
      </td>
      <td class="col-change">
        <Change percent={row.change} />
      </td>
      <td class="col-high">{rate(row.high)}</td>
      <td class="col-low">{rate(row.low)}</td>
      <td class="col-hour">
        <Sparkline points={row.points} />
      </td>
      <td class="col-age">{ageMs === null ? '–' : format.duration(ageMs / 1_000)}</td>
    </tr>
  );
}
