import { and, asc, desc, eq, gte, isNull, lt, notInArray, or, type SQL, sql } from 'drizzle-orm';
import type { Rows } from '../../db/rows';
import { candles, candlesDue, currencyRates, market } from '../../db/schema';
import { cover, type Due, type Length, openingsDue, openOf, type Piece, type Range, rangeOf } from './pieces';

/** A candle of one currency, in US dollars. */
export interface CandleRow {
  readonly openTime: Date;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly ticks: number;
  /** False while the market has not ticked after its end. */
  readonly complete: boolean;
}

/** Which candles of a currency are asked for: of this length, opening within the range. */
export interface CandleFilter extends Range {
  readonly minutes: Length;
  /** The last ones of the range instead of the first ones; oldest first all the same. */
  readonly last: boolean;
}

/** What the 24 hours before a moment look like; null where nothing is known. Decimal strings. */
export interface DayRow {
  readonly id: number;
  /** The rate 24 hours ago: the last one before the window. */
  readonly before: string | null;
  /** The first rate within the window. */
  readonly first: string | null;
  readonly high: string | null;
  readonly low: string | null;
}

/** The candles that are kept: what is read of them has every tick in it that was committed. */
export interface CandleStore {
  /** At most `limit` candles, oldest first. */
  page(currency: number, filter: CandleFilter, limit: number): Promise<CandleRow[]>;
  /** Figures of a window that begins and ends on a minute, one row for each listed currency. */
  day(window: Range): Promise<DayRow[]>;
}

/**
 * Candles in the database. What is due is read first: what was not due then has all the ticks that there were, whatever comes
 * in between, and so needs no common moment with it.
 */
export function createCandleStore(rows: Rows): CandleStore {
  return {
    page: async (currency, filter, limit) => {
      const { minutes } = filter;
      const { due, tickedMs } = await readProgress(rows, filter);
      const openings = openingsDue(due, minutes, filter);
      const pieces = openings.flatMap((opens) => cover(rangeOf({ minutes, opens }), minutes, due));
      const stored = await readStored(rows, currency, filter, openings, limit);
      const folded = pieces.length === 0 ? [] : await fold(rows, minutes, pieces, currency);
      const found = [...stored, ...folded]
        .map((row) => candleRow(row, tickedMs >= rangeOf({ minutes, opens: row.openTime.getTime() }).before))
        .sort((a, b) => a.openTime.getTime() - b.openTime.getTime());
      return filter.last ? found.slice(-limit) : found.slice(0, limit);
    },
    day: async (window) => {
      const { due } = await readProgress(rows, window);
      const within = fold(rows, null, cover(window, LONGEST, due)).as('within');
      return rows
        .select({
          id: currencyRates.id,
          before: lastBefore(new Date(window.from)),
          first: within.open,
          high: within.high,
          low: within.low,
        })
        .from(currencyRates)
        .leftJoin(within, eq(within.currency, currencyRates.id))
        .where(isNull(currencyRates.retiredAt));
    },
  };
}

const LONGEST: Length = 1440;

/** When the candle of this length opens that a stored one is part of. */
function bucketOf(minutes: Length): SQL {
  // As text: the database would not take two parameters for the same thing to group by.
  return sql`date_bin(interval '${sql.raw(String(minutes))} minutes', ${candles.openTime}, 'epoch')`;
}

/**
 * Folds stored candles into candles of this length (null: into one, whenever they open), one for each currency, in the columns
 * of the table. The first and last ticks are those by number.
 */
export function fold(from: Pick<Rows, 'select'>, minutes: Length | null, pieces: readonly Piece[], currency?: number) {
  const { open, high, low, close, ticks, openTime, firstSeq, lastSeq } = candles;
  const bucket = minutes === null ? sql`null::timestamptz` : bucketOf(minutes);
  const within = pieces.map((piece) =>
    and(eq(candles.minutes, piece.minutes), gte(openTime, new Date(piece.from)), lt(openTime, new Date(piece.before))),
  );
  return from
    .select({
      currency: candles.currency,
      minutes: sql<number>`${minutes}::smallint`.as('minutes'),
      openTime: sql<Date>`${bucket}`.mapWith(openTime).as('open_time'),
      open: sql<string>`(array_agg(${open} order by ${firstSeq}, ${openTime}))[1]`.as('open'),
      high: sql<string>`max(${high})`.as('high'),
      low: sql<string>`min(${low})`.as('low'),
      close: sql<string>`(array_agg(${close} order by ${lastSeq} desc, ${openTime} desc))[1]`.as('close'),
      ticks: sql<number>`sum(${ticks})::integer`.as('ticks'),
      firstSeq: sql<number>`min(${firstSeq})`.as('first_seq'),
      lastSeq: sql<number>`max(${lastSeq})`.as('last_seq'),
    })
    .from(candles)
    .where(and(currency === undefined ? undefined : eq(candles.currency, currency), or(...within)))
    .groupBy(candles.currency, bucket);
}

/** What is due within a range, or around one of its ends, and when the market ticked last. */
async function readProgress(
  from: Pick<Rows, 'select'>,
  { from: begin, before }: Range,
): Promise<{ due: Due[]; tickedMs: number }> {
  const { minutes, openTime } = candlesDue;
  const rows = await from
    .select({ tickedAt: market.tickedAt, minutes, openTime })
    .from(market)
    .leftJoin(candlesDue, and(gte(openTime, new Date(openOf(begin, LONGEST))), lt(openTime, new Date(before))));
  const due = rows.flatMap((row): Due[] =>
    row.openTime === null ? [] : [{ minutes: row.minutes as Length, opens: row.openTime.getTime() }],
  );
  return { due, tickedMs: rows[0]?.tickedAt?.getTime() ?? Number.NEGATIVE_INFINITY };
}

function readStored(
  from: Pick<Rows, 'select'>,
  currency: number,
  { minutes, from: begin, before, last }: CandleFilter,
  except: readonly number[],
  limit: number,
) {
  const { openTime } = candles;
  const openings = except.map((opens) => new Date(opens));
  const { open, high, low, close, ticks } = candles;
  return from
    .select({ openTime, open, high, low, close, ticks })
    .from(candles)
    .where(
      and(
        eq(candles.currency, currency),
        eq(candles.minutes, minutes),
        gte(openTime, new Date(begin)),
        lt(openTime, new Date(before)),
        notInArray(openTime, openings),
      ),
    )
    .orderBy(last ? desc(openTime) : asc(openTime))
    .limit(limit);
}

type StoredCandle = Pick<typeof candles.$inferSelect, 'openTime' | 'open' | 'high' | 'low' | 'close' | 'ticks'>;

function candleRow({ openTime, ticks, ...rates }: StoredCandle, complete: boolean): CandleRow {
  const [open, high, low, close] = [Number(rates.open), Number(rates.high), Number(rates.low), Number(rates.close)];
  return { openTime, open, high, low, close, ticks, complete };
}

/** The last rate of a currency before a moment; where candles of a minute have been dropped, the hours know it. */
function lastBefore(at: Date) {
  const last = (minutes: Length) =>
    sql`(select close from ${candles} where ${candles.currency} = ${currencyRates.id} and minutes = ${minutes}::smallint
      and open_time <= ${at.toISOString()}::timestamptz - make_interval(mins => ${minutes}::integer)
      order by open_time desc limit 1)`;
  return sql<string | null>`coalesce(${last(1)}, ${last(60)})`;
}
