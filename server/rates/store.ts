import { eq, isNull, sql } from 'drizzle-orm';
import { notify } from '../../db/notify';
import type { Rows } from '../../db/rows';
import { currencyRates, market } from '../../db/schema';
import { recordRates, rowsOf } from './tick-store';

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

type Reader = Pick<Rows, 'select'>;

/** A tick to be made. */
export interface TickPlan {
  /** Reads the time of the tick, in milliseconds since the epoch; called once nobody else can tick. */
  readonly clock: (within: Reader) => Promise<number>;
  /** Goes on only if this says so of the last tick's time; other replicas may have been quicker. */
  readonly isDue: (tickedAt: Date | null, at: Date) => boolean;
  /** The next rate of a currency; null: there is none, and it stays as it is. */
  readonly next: (currency: CurrencyRow, tick: { readonly seq: number; readonly at: Date }) => string | null;
}

/** Rows of the market. */
export interface RateStore {
  read(): Promise<MarketState>;
  /** Symbols of all currencies, the retired ones too. */
  everListed(): Promise<readonly string[]>;
  /** One tick in one transaction. @returns the new state, or null when it was not due or another replica is at it. */
  tick(plan: TickPlan): Promise<MarketState | null>;
}

/** Told under `rates:` when the catalogue has changed; a tick is told by its number. */
export const CATALOGUE_NEWS = 'catalogue';

type Writer = Pick<Rows, 'update'>;

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
    everListed: async () => {
      const found = await rows.select({ symbol: currencyRates.symbol }).from(currencyRates);
      return found.map(({ symbol }) => symbol);
    },
    tick: ({ clock, isDue, next }) =>
      rows.transaction(async (tx) => {
        const [counter] = await tx.select().from(market).for('update', { skipLocked: true });
        if (counter === undefined) return null;
        // With the row in hand: whoever was held up between the clock and the row would make a tick of the past.
        const at = new Date(await clock(tx));
        if (!isDue(counter.tickedAt, at)) return null;
        const seq = counter.seq + 1;
        const before = await currencies(tx);
        const after = before.map((currency) => moveTo(next(currency, { seq, at }), currency, at));
        const moved = after.filter((currency, index) => currency !== before[index]);
        // The rates that the market starts with are in no history yet, and are the oldest ones known.
        if (counter.tickedAt === null) await recordRates(tx, { rates: before, seq: counter.seq, isNewSeq: false, at });
        await writeRates(tx, moved, at);
        await recordRates(tx, { rates: moved, seq, isNewSeq: true, at });
        await tx
          .update(market)
          .set({ seq, tickedAt: at })
          .returning({ told: notify('rates', String(seq)) });
        return { seq, catalogueVersion: counter.catalogueVersion, tickedAt: at, currencies: after };
      }),
  };
}

function moveTo(rate: string | null, currency: CurrencyRow, at: Date): CurrencyRow {
  return rate === null ? currency : { ...currency, rate, lastUpdated: at };
}

function currencies(from: Reader): Promise<CurrencyRow[]> {
  return from.select().from(currencyRates).where(isNull(currencyRates.retiredAt)).orderBy(currencyRates.id);
}

async function writeRates(tx: Writer, moved: readonly CurrencyRow[], at: Date): Promise<void> {
  await tx
    .update(currencyRates)
    .set({ rate: sql`moved.rate`, lastUpdated: at })
    .from(rowsOf(moved))
    .where(eq(currencyRates.id, sql`moved.id`));
}
