import { and, asc, eq, gt, inArray, lt, lte, min, ne, or, type SQL, sql } from 'drizzle-orm';
import type { Rows, Transaction } from '../../db/rows';
import { candles, candlesDue } from '../../db/schema';
import { fold } from './candle-store';
import { LENGTHS, type Length, longerThan, openOf, rangeOf, shorterThan } from './pieces';

/** Makes longer candles of shorter ones, and drops what is not kept. */
export interface RollUpStore {
  /** Makes some of what is due, but for the candles that a tick at `running` goes into: more of them will come. */
  rollUp(running: Date): Promise<void>;
  /**
   * Drops some of the candles shorter than an hour of the hours before `before`, unless something has yet to be made of them.
   * @returns false when there are no more.
   */
  prune(before: Date): Promise<boolean>;
}

/** Candles of all currencies that are made at a time: an hour of those of five minutes, so that catching up does not hold up a tick. */
const MADE_MAX = 12;

/** Candles of each currency and length that are dropped at a time: of thousands of currencies, in less than the time of a tick. */
const DROPPED_MAX = 10;

const HOUR: Length = 60;

/** Roll-ups in the database. Replicas may work at the same time: each takes what no other has taken. */
export function createRollUpStore(rows: Rows): RollUpStore {
  return {
    rollUp: (running) =>
      rows.transaction(async (tx) => {
        const due = await takeDue(tx, running);
        for (const minutes of LENGTHS) {
          const openings = due.filter((one) => one.minutes === minutes).map(({ openTime }) => openTime);
          if (openings.length > 0) await make(tx, minutes, openings);
        }
      }),
    prune: (before) =>
      rows.transaction(async (tx) => {
        const end = openOf(Math.min(before.getTime(), await firstDue(tx)), HOUR);
        let left = false;
        for (const minutes of LENGTHS) if (minutes < HOUR) left = (await dropOldest(tx, minutes, end)) || left;
        return left;
      }),
  };
}

/**
 * Moves high, low and close of the candles of the minute of `at` by the rates in a table `moved`, or opens them. Who holds the
 * counter row is the only one to do so, and nearly always they are there: trying to insert each of them first would take half as
 * long again.
 */
export async function extendCandles(tx: Transaction, moved: SQL, seq: number, at: Date): Promise<void> {
  const opens = sql`${new Date(openOf(at.getTime(), 1)).toISOString()}::timestamptz`;
  const number = sql`${seq}::bigint`;
  const extended = tx.$with('extended').as(
    tx
      .update(candles)
      .set({
        high: sql`greatest(${candles.high}, moved.rate)`,
        low: sql`least(${candles.low}, moved.rate)`,
        close: sql`moved.rate`,
        ticks: sql`${candles.ticks} + 1`,
        lastSeq: number,
      })
      .from(moved)
      .where(and(eq(candles.currency, sql`moved.id`), eq(candles.minutes, 1), eq(candles.openTime, opens)))
      .returning({ currency: candles.currency }),
  );
  await tx
    .with(extended)
    .insert(candles)
    .select(
      sql`select id, 1::smallint, ${opens}, rate, rate, rate, rate, 1, ${number}, ${number} from ${moved}
        where id not in (select currency from extended)`,
    );
  await markDue(tx, 5, [at]);
}

const KEY = [candles.currency, candles.minutes, candles.openTime];

/** Marks the candles around these moments. Who is at work on one of them is waited for: he may not have seen what makes it due. */
async function markDue(tx: Transaction, minutes: Length, moments: readonly Date[]): Promise<void> {
  const openings = new Set(moments.map((moment) => openOf(moment.getTime(), minutes)));
  await tx
    .insert(candlesDue)
    .values([...openings].map((opens) => ({ minutes, openTime: new Date(opens) })))
    .onConflictDoUpdate({
      target: [candlesDue.minutes, candlesDue.openTime],
      set: { openTime: sql`excluded.open_time` },
    });
}

function takeDue(tx: Transaction, running: Date) {
  const { minutes, openTime } = candlesDue;
  const closed = LENGTHS.map((length) =>
    and(eq(minutes, length), ne(openTime, new Date(openOf(running.getTime(), length)))),
  );
  return tx
    .select()
    .from(candlesDue)
    .where(or(...closed))
    .orderBy(asc(minutes), asc(openTime))
    .limit(MADE_MAX)
    .for('update', { skipLocked: true });
}

/** Makes candles of all currencies anew from the next shorter ones, and what they are in turn part of is due. */
async function make(tx: Transaction, minutes: Length, openings: readonly Date[]): Promise<void> {
  const shorter = shorterThan(minutes) ?? minutes;
  const pieces = openings.map((openTime) => ({
    minutes: shorter,
    ...rangeOf({ minutes, opens: openTime.getTime() }),
  }));
  await tx
    .insert(candles)
    .select(fold(tx, minutes, pieces))
    .onConflictDoUpdate({
      target: KEY,
      set: {
        open: sql`excluded.open`,
        high: sql`excluded.high`,
        low: sql`excluded.low`,
        close: sql`excluded.close`,
        ticks: sql`excluded.ticks`,
        firstSeq: sql`excluded.first_seq`,
        lastSeq: sql`excluded.last_seq`,
      },
      // Ticks only ever come in. Where there are fewer, some of the shorter candles are gone, and the longer one knows more.
      setWhere: gt(sql`excluded.ticks`, candles.ticks),
    });
  const longer = longerThan(minutes);
  if (longer !== undefined) await markDue(tx, longer, openings);
  await tx.delete(candlesDue).where(and(eq(candlesDue.minutes, minutes), inArray(candlesDue.openTime, [...openings])));
}

/** When the first candle opens that is due and made of ones that are dropped some day, in milliseconds. */
async function firstDue(tx: Transaction): Promise<number> {
  const [row] = await tx
    .select({ openTime: min(candlesDue.openTime) })
    .from(candlesDue)
    .where(lte(candlesDue.minutes, HOUR));
  return row?.openTime?.getTime() ?? Number.POSITIVE_INFINITY;
}

async function dropOldest(tx: Transaction, minutes: Length, end: number): Promise<boolean> {
  const ofLength = eq(candles.minutes, minutes);
  const [oldest] = await tx
    .select({ openTime: min(candles.openTime) })
    .from(candles)
    .where(ofLength);
  if (!oldest?.openTime || oldest.openTime.getTime() >= end) return false;
  const upTo = Math.min(end, oldest.openTime.getTime() + DROPPED_MAX * minutes * 60_000);
  await tx.delete(candles).where(and(ofLength, lt(candles.openTime, new Date(upTo))));
  return true;
}
