import { and, asc, eq, gte, lt, type SQL, sql } from 'drizzle-orm';
import { call, type Rows, type Transaction } from '../../db/rows';
import { ticks } from '../../db/schema';
import type { Range } from './pieces';
import { extendCandles } from './roll-up-store';

/** Rates that are current ones from a moment on; decimal strings. */
export interface Recording {
  readonly rates: readonly { readonly id: number; readonly rate: string }[];
  readonly seq: number;
  /** True while nothing has been recorded under this number. */
  readonly isNewSeq: boolean;
  readonly at: Date;
}

/** A tick of one currency, in US dollars. */
export interface TickRow {
  readonly seq: number;
  readonly rate: number;
  readonly at: Date;
}

/** The ticks that are kept. */
export interface TickStore {
  /** At most `limit` ticks of a range in the order of their numbers, whatever the clock said; the first ones, or those after one. */
  page(currency: number, range: Range, after: Pick<TickRow, 'seq' | 'at'> | null, limit: number): Promise<TickRow[]>;
  /** Makes the partition of the day of `at` ahead. */
  makeDay(at: Date): Promise<void>;
  /** Drops the days that had ended by then, unless somebody holds on to them just now. */
  dropDays(ended: Date): Promise<void>;
}

/** Ticks in the database. */
export function createTickStore(rows: Rows): TickStore {
  return {
    page: async (currency, { from, before }, after, limit) => {
      const found = await rows
        .select({ seq: ticks.seq, rate: ticks.rate, at: ticks.at })
        .from(ticks)
        .where(
          and(
            eq(ticks.currency, currency),
            gte(ticks.at, new Date(from)),
            lt(ticks.at, new Date(before)),
            after === null ? undefined : sql`(${ticks.seq}, ${ticks.at}) > (${after.seq}, ${instant(after.at)})`,
          ),
        )
        .orderBy(asc(ticks.seq), asc(ticks.at))
        .limit(limit);
      return found.map((row) => ({ ...row, rate: Number(row.rate) }));
    },
    makeDay: (at) => makeDay(rows, at),
    dropDays: async (ended) => void (await call(rows, sql`ticks_drop_days(${instant(ended)})`)),
  };
}

/** Writes rates into the history and the running minute's candles. */
export async function recordRates(tx: Transaction, recording: Recording): Promise<void> {
  const { rates, seq, isNewSeq, at } = recording;
  // The clock may have jumped to a day that nobody has thought of.
  await makeDay(tx, at);
  const insert = tx.insert(ticks).select(sql`select id, ${seq}::bigint, ${instant(at)}, rate from ${rowsOf(rates)}`);
  // A currency that is retired and comes back before the clock moves has the rate that it came back at. A tick need not look for
  // what stands in its way, which is a third of the time that its rows take.
  await (isNewSeq
    ? insert
    : insert.onConflictDoUpdate({ target: [ticks.currency, ticks.seq, ticks.at], set: { rate: sql`excluded.rate` } }));
  await extendCandles(tx, rowsOf(rates), seq, at);
}

/** Rates as a table `moved` of one statement: they travel as one JSON parameter, whatever their number. */
export function rowsOf(rates: Recording['rates']): SQL {
  const list = JSON.stringify(rates.map(({ id, rate }) => ({ id, rate })));
  return sql`json_to_recordset(${list}::json) as moved(id integer, rate numeric)`;
}

async function makeDay(from: Pick<Rows, 'select'>, at: Date): Promise<void> {
  await call(from, sql`ticks_make_day(${instant(at)})`);
}

function instant(at: Date): SQL {
  return sql`${at.toISOString()}::timestamptz`;
}
