import type { CurrencyRow } from './store';
import { chance, walk } from './walk';

/** A tick, as a source is told of it. */
export interface Moment {
  readonly seq: number;
  /** By the clock that all servers share: what the rates are dated by. */
  readonly at: Date;
  /** What this server's steady clock showed then, or a little before; milliseconds. */
  readonly elapsedMs: number;
}

/** Where prices come from. The market ticks at its own pace, and asks for each currency what is new. */
export interface Source {
  /** The price of a currency at this tick, a decimal string; null: there is no new one, so the rate stays, and its time too. */
  next(currency: CurrencyRow, tick: Moment): string | null;
  /** How it is with those whom the prices are had from; null: nobody, they are made here. */
  state(): SourceState | null;
  /** Looks after what it needs; to be called once a second. Never waits, never fails. */
  beat(): void;
  /** Ends everything that it has under way. */
  close(): void;
}

/** How it is with an exchange. */
export interface SourceState {
  /** `away`: it was never heard; `stale`: it has not been heard for half a minute. */
  readonly standing: 'ok' | 'away' | 'stale';
  /** Since it was last heard; null: never. */
  readonly ageSeconds: number | null;
  /** True while it sends prices by itself, false while it has to be asked. */
  readonly live: boolean;
}

/** What the simulation is told. */
export interface SimulationOptions {
  /** Largest relative move of a rate in one tick. */
  readonly volatility: number;
  /** Makes the walk repeatable. */
  readonly seed: string;
}

/** The walk: a new price for every currency at every tick, and nothing outside. */
export function createSimulation({ volatility, seed }: SimulationOptions): Source {
  return {
    next: ({ rate, anchorRate, symbol }, { seq }) =>
      walk({ rate, anchorRate, volatility, random: chance(seed, seq, symbol) }),
    state: () => null,
    beat: () => {},
    close: () => {},
  };
}
