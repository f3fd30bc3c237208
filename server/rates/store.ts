import { eq, isNull, lt, sql } from 'drizzle-orm';
import { notify } from '../../db/notify';
import type { Rows } from '../../db/rows';
import { candles1m, currencyRates, market } from '../../db/schema';

/** A currency at one tick; rates are decimal strings. */
export interface CurrencyRow {
  readonly id: number;
  readonly symbol: string;
  readonly name: string;
  readonly rate: string;
  readonly anchorRate: string;
  readonly lastUpdated: Date;
}

/** The rates of all listed currencies after a committed tick. `tickedAt` is null before the first one. */
export interface MarketState {
  readonly seq: number;
  readonly catalogueVersion: number;
  readonly tickedAt: Date | null;
  readonly currencies: readonly CurrencyRow[];
}

/** What the 24 hours before a moment look like; null where nothing is known. Decimal strings. */
export interface DayRow {
  readonly id: number;
  /** The rate 24 hours ago: the close of the last candle before the window. */
  readonly before: string | null;
  /** The first rate within the window. */
  readonly first: string | null;
  readonly high: string | null;
  readonly low: string | null;
}

/** A tick to be made. */
export interface TickPlan {
  readonly at: Date;
  /** Goes on only if this says so of the last tick's time; other replicas may have been quicker. */
  readonly isDue: (tickedAt: Date | null) => boolean;
  /** The next rate of a currency. */
  readonly next: (currency: CurrencyRow, seq: number) => string;
}

/** Rows of the market. */
export interface RateStore {
  read(): Promise<MarketState>;
  /** Figures of the 24 hours from `from` on, one row a currency. */
  day(from: Date): Promise<readonly DayRow[]>;
  /** One tick in one transaction. @returns the new state, or null when it was not due or another replica is at it. */
  tick(plan: TickPlan): Promise<MarketState | null>;
  /** Drops candles that opened before `before`. */
  prune(before: Date): Promise<void>;
}

/** Told under `rates:` when the catalogue has changed; a tick is told by its number. */
export const CATALOGUE_NEWS = 'catalogue';

type Reader = Pick<Rows, 'select'>;
type Writer = Pick<Rows, 'insert' | 'update'>;

/** The market in the database. */
export function createRateStore(rows: Rows): RateStore {
  return {
    read: () =>
      // One snapshot, so that the counter and the rates are of the same tick.
      rows.transaction(
        async (tx) => {
          const [counter] = await tx.select().from(market);
          if (counter === undefined) throw new Error('The market has no counter row.');
          return { ...counter, currencies: await currencies(tx) };
        },
        { isolationLevel: 'repeatable read', accessMode: 'read only' },
      ),
    day: (from) => day(rows, from),
    tick: ({ at, isDue, next }) =>
      rows.transaction(async (tx) => {
        const [counter] = await tx.select().from(market).for('update', { skipLocked: true });
        if (counter === undefined || !isDue(counter.tickedAt)) return null;
        const seq = counter.seq + 1;
        const before = await currencies(tx);
        const moved = before.map((currency) => ({ ...currency, rate: next(currency, seq), lastUpdated: at }));
        // The rates that the market starts with are in no candle yet, and are the oldest ones known.
        if (counter.tickedAt === null) await writeCandles(tx, before, at);
        await writeRates(tx, moved, at);
        await writeCandles(tx, moved, at);
        await tx
          .update(market)
          .set({ seq, tickedAt: at })
          .returning({ told: notify('rates', String(seq)) });
        return { seq, catalogueVersion: counter.catalogueVersion, tickedAt: at, currencies: moved };
      }),
    prune: async (before) => {
      await rows.delete(candles1m).where(lt(candles1m.openTime, before));
    },
  };
}

function currencies(from: Reader): Promise<CurrencyRow[]> {
  return from.select().from(currencyRates).where(isNull(currencyRates.retiredAt)).orderBy(currencyRates.id);
}

/** One statement for all: the rows travel as one JSON parameter, whatever their number. */
async function writeRates(tx: Writer, moved: readonly CurrencyRow[], at: Date): Promise<void> {
  const list = JSON.stringify(moved.map(({ id, rate }) => ({ id, rate })));
  await tx
    .update(currencyRates)
    .set({ rate: sql`moved.rate`, lastUpdated: at })
    .from(sql`json_to_recordset(${list}::json) as moved(id integer, rate numeric)`)
    .where(eq(currencyRates.id, sql`moved.id`));
}

/** Opens the running minute's candles, or moves their high, low and close. */
export async function writeCandles(tx: Writer, moved: readonly CurrencyRow[], at: Date): Promise<void> {
  const openTime = new Date(Math.floor(at.getTime() / 60_000) * 60_000);
  const opened = moved.map(({ id, rate }) => ({
    currency: id,
    openTime,
    open: rate,
    high: rate,
    low: rate,
    close: rate,
    ticks: 1,
  }));
  if (opened.length === 0) return;
  await tx
    .insert(candles1m)
    .values(opened)
    .onConflictDoUpdate({
      target: [candles1m.currency, candles1m.openTime],
      set: {
        high: sql`greatest(${candles1m.high}, excluded.high)`,
        low: sql`least(${candles1m.low}, excluded.low)`,
        close: sql`excluded.close`,
        ticks: sql`${candles1m.ticks} + 1`,
      },
    });
}

function day(from: Reader, start: Date): Promise<DayRow[]> {
  const at = sql`${start.toISOString()}::timestamptz`;
  const candles = sql`from ${candles1m} where ${candles1m.currency} = ${currencyRates.id}`;
  return from
    .select({
      id: currencyRates.id,
      before: sql<string | null>`(select close ${candles} and open_time < ${at} order by open_time desc limit 1)`,
      first: sql<string | null>`(select open ${candles} and open_time >= ${at} order by open_time limit 1)`,
      high: sql<string | null>`(select max(high) ${candles} and open_time >= ${at})`,
      low: sql<string | null>`(select min(low) ${candles} and open_time >= ${at})`,
    })
    .from(currencyRates)
    .where(isNull(currencyRates.retiredAt));
}
