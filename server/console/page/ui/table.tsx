import type { ComponentChildren } from 'preact';

/** One column. The first one names the row. */
export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** `number` is set to the right; `action` has no visible head. */
  readonly kind?: 'text' | 'number' | 'action';
}

/** What a table is given. */
export interface TableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string | number;
  /** A further row below one, such as its details; null: none. */
  readonly below?: (row: Row) => ComponentChildren | null;
}

/**
 * A table that becomes a list of cards where there is no room. The roles are said once more, because a table that is no
 * longer displayed as one loses them.
 */
export function Table<Row>({ caption, columns, rows, keyOf, below }: TableProps<Row>) {
  const [first, ...others] = columns;
  return (
    <table role="table">
      <caption class="hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ head, kind = 'text' }) => (
            <th key={head} scope="col" role="columnheader" data-kind={kind}>
              {kind === 'action' ? <span class="hidden">{head}</span> : head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.flatMap((row) => {
          const more = below?.(row) ?? null;
          return [
            <tr key={keyOf(row)} role="row">
              <th scope="row" role="rowheader">
                {first?.cell(row)}
              </th>
              {others.map(({ head, cell, kind = 'text' }) => (
                <td key={head} role="cell" data-head={kind === 'action' ? undefined : head} data-kind={kind}>
                  {cell(row)}
                </td>
              ))}
            </tr>,
            more !== null && (
              <tr key={`${keyOf(row)} below`} role="row" class="below">
                <td role="cell" colSpan={columns.length}>
                  {more}
                </td>
              </tr>
            ),
          ];
        })}
      </tbody>
    </table>
  );
}
