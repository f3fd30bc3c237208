import { and, eq, isNull, sql } from 'drizzle-orm';
import { notify } from '../../db/notify';
import type { Rows, Transaction } from '../../db/rows';
import { currencyRates, market } from '../../db/schema';
import { CATALOGUE_NEWS, type CurrencyRow, type TickPlan } from './store';
import { recordRates } from './tick-store';

/** A currency, listed or retired. */
export interface CatalogueRow extends CurrencyRow {
  readonly retiredAt: Date | null;
}

/** What the catalogue is told of a new currency; the rate is a decimal string. */
export interface NewCurrency {
  readonly symbol: string;
  readonly name: string;
  readonly rate: string;
}

/** Rows of the catalogue. Each change raises its version and is told to every server, in one transaction; it reads the clock once no tick can come. */
export interface CurrencyStore {
  all(): Promise<readonly CatalogueRow[]>;
  /** The currency that has the symbol, listed or retired; null: none. */
  idOf(symbol: string): Promise<number | null>;
  /** Lists a currency; a retired one of that name and symbol comes back. @returns the currency that stands in the way, or null: it is listed. */
  add(currency: NewCurrency, clock: TickPlan['clock']): Promise<CatalogueRow | null>;
  /** @returns false when no such currency is listed. */
  retire(symbol: string, clock: TickPlan['clock']): Promise<boolean>;
}

/** The catalogue in the database. */
export function createCurrencyStore(rows: Rows): CurrencyStore {
  return {
    all: () => rows.select().from(currencyRates).orderBy(currencyRates.id),
    idOf: async (symbol) => {
      const [row] = await rows.select().from(currencyRates).where(eq(currencyRates.symbol, symbol));
      return row?.id ?? null;
    },
    add: (currency, clock) =>
      rows.transaction(async (tx) => {
        const { seq, at } = await holdMarket(tx, clock);
        const [there] = await tx.select().from(currencyRates).where(eq(currencyRates.symbol, currency.symbol));
        if (there !== undefined && (there.retiredAt === null || there.name !== currency.name)) return there;
        const listed = { ...currency, anchorRate: currency.rate, lastUpdated: at, retiredAt: null };
        const written = await tx
          .insert(currencyRates)
          .values(listed)
          .onConflictDoUpdate({ target: currencyRates.symbol, set: listed })
          .returning();
        await recordRates(tx, { rates: written, seq, isNewSeq: false, at });
        await raiseVersion(tx);
        return null;
      }),
    retire: (symbol, clock) =>
      rows.transaction(async (tx) => {
        const { at } = await holdMarket(tx, clock);
        const retired = await tx
          .update(currencyRates)
          .set({ retiredAt: at })
          .where(and(eq(currencyRates.symbol, symbol), isNull(currencyRates.retiredAt)))
          .returning({ id: currencyRates.id });
        if (retired.length > 0) await raiseVersion(tx);
        return retired.length > 0;
      }),
  };
}

/** A tick reads the catalogue, and must not do so half-way; it skips its turn while this is held. @returns the number of the last one, and the time after it. */
async function holdMarket(tx: Transaction, clock: TickPlan['clock']): Promise<{ seq: number; at: Date }> {
  const [counter] = await tx.select().from(market).for('update');
  if (counter === undefined) throw new Error('The market has no counter row.');
  return { seq: counter.seq, at: new Date(await clock(tx)) };
}

async function raiseVersion(tx: Transaction): Promise<void> {
  await tx
    .update(market)
    .set({ catalogueVersion: sql`${market.catalogueVersion} + 1` })
    .returning({ told: notify('rates', CATALOGUE_NEWS) });
}
