import { createInOrder, createRerun } from '../../kit/in-order';
import { changePercent, type DayFigures, dayFigures } from './day';
import type { Rate } from './model';
import type { CurrencyRow, MarketState, RateStore } from './store';
import { createDayWindow, type DayStore, type Figures } from './window';

/** The rates as they are served: the last committed ones, ready to be sent. */
export interface Snapshot {
  /** Number of the tick; the same on every replica. */
  readonly seq: number;
  /** Of every answer made from this snapshot, the same on every replica: the part of its entity tag that content decides. */
  readonly version: string;
  /** When the tick was made, in milliseconds since the epoch; null: there was none yet. */
  readonly tickedAtMs: number | null;
  /** Raised when a currency comes or goes; a tick leaves it. */
  readonly catalogueVersion: number;
  readonly rates: readonly Rate[];
  /** Symbols of all currencies there ever were, listed or retired. */
  readonly everListed: ReadonlySet<string>;
  /** All rates as JSON. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The rates in memory. A read never touches the database. */
export interface Feed {
  /** The last committed rates. @throws Error before the first `refresh`. */
  snapshot(): Snapshot;
  /**
   * Takes over a state that this server commits (null: none); one that is no news is ignored. What is heard of it in the meantime
   * waits, and need not be read. @returns the state.
   */
  publish(commit: () => Promise<MarketState | null>): Promise<MarketState | null>;
  /** Reads the database: at the start, when another replica ticked (its number given), when the catalogue changed or news were missed (null). */
  refresh(seq: number | null): Promise<void>;
  /**
   * For whoever has been told of a tick elsewhere, so that he is told nothing older here: reads the database if the news of it have
   * not come yet; all who ask meanwhile share a read. Tells of none where there was none. Rejects when the database is away.
   */
  catchUp(seq: number): Promise<void>;
  /** Calls `hear` whenever there is another snapshot, once it is the one that is served. It must not throw. */
  follow(hear: (snapshot: Snapshot) => void): void;
}

/** What the feed stands on. */
export interface FeedOptions {
  readonly store: Pick<RateStore, 'read' | 'everListed'>;
  readonly days: DayStore;
}

/** Holds what `store` has committed. */
export function createFeed({ store, days }: FeedOptions): Feed {
  let current: Snapshot | null = null;
  const window = createDayWindow(days);
  const followers: ((snapshot: Snapshot) => void)[] = [];
  const inOrder = createInOrder();

  const take = async (state: MarketState): Promise<void> => {
    if (current !== null && !isNews(state, current)) return;
    const isSameCatalogue = current?.catalogueVersion === state.catalogueVersion;
    const everListed = current !== null && isSameCatalogue ? current.everListed : new Set(await store.everListed());
    current = makeSnapshot(state, await window.advance(state), everListed);
    for (const hear of followers) hear(current);
  };
  /** In its turn, so that what it reads is not older than what it is kept with; without it the next minute begins a little later. */
  const lookAhead = (): Promise<void> => inOrder(window.lookAhead).catch(() => undefined);
  const readOnce = createRerun(() => inOrder(async () => take(await store.read())));
  return {
    snapshot: () => {
      if (current === null) throw new Error('The rates have not been read yet.');
      return current;
    },
    publish: async (commit) => {
      const state = await inOrder(async () => {
        const committed = await commit();
        if (committed !== null) await take(committed);
        return committed;
      });
      await lookAhead();
      return state;
    },
    refresh: async (seq) => {
      await inOrder(async () => {
        if (seq !== null && current !== null && seq <= current.seq) return;
        await take(await store.read());
      });
      await lookAhead();
    },
    catchUp: async (seq) => {
      if (current === null || seq > current.seq) await readOnce();
    },
    follow: (hear) => void followers.push(hear),
  };
}

/** Within one tick the catalogue may have changed. */
function isNews(state: MarketState, current: Snapshot): boolean {
  return state.seq > current.seq || (state.seq === current.seq && state.catalogueVersion > current.catalogueVersion);
}

function makeSnapshot(state: MarketState, figures: Figures, everListed: ReadonlySet<string>): Snapshot {
  const rates = state.currencies.map((currency) => makeRate(currency, figures.get(currency.id)));
  return {
    seq: state.seq,
    tickedAtMs: state.tickedAt?.getTime() ?? null,
    catalogueVersion: state.catalogueVersion,
    // With its time, so that what a market made anew calls its tenth tick is not taken for that of the one before.
    version: `${state.seq}-${state.catalogueVersion}-${(state.tickedAt?.getTime() ?? 0).toString(36)}`,
    rates,
    everListed,
    bytes: new TextEncoder().encode(JSON.stringify(rates)),
  };
}

function makeRate({ symbol, name, rate, lastUpdated }: CurrencyRow, figures: DayFigures | undefined): Rate {
  const value = Number(rate);
  const { reference, high, low } = figures ?? dayFigures(undefined, value);
  return {
    symbol,
    name,
    rate: value,
    change_24h: changePercent(value, reference),
    high_24h: high,
    low_24h: low,
    updated_at: lastUpdated.toISOString(),
  };
}
