import type { Change, View } from './feed';
import type { SeenRate } from './model';

/** Takes what a stream brings. */
export interface Sink {
  /** Number of the tick that is held, or null. */
  seq(): number | null;
  /** Takes all rates. @returns false for older ones than those that are held. */
  all(seq: number, rates: readonly SeenRate[]): boolean;
  /** Takes those that changed since `fromSeq`. @returns false when that is not what is held. */
  some(fromSeq: number, seq: number, rates: readonly SeenRate[]): boolean;
  /** Nothing has changed: what is held is as good as new. @returns false when something else is held. */
  same(seq: number): boolean;
}

/** What {@link createSink} needs. */
export interface SinkDeps {
  readonly held: () => View | null;
  readonly take: (rates: readonly SeenRate[], change: Change) => void;
  /** Makes what is held as good as new. */
  readonly same: () => void;
}

/** Puts what comes together with what is held. */
export function createSink({ held, take, same }: SinkDeps): Sink {
  const seq = (): number | null => held()?.seq ?? null;
  return {
    seq,
    all(next, rates) {
      const present = held();
      // A market that was made anew counts from the beginning; a replica that is behind has older rates.
      const isBehind = next < (seq() ?? 0) && newest(rates) <= newest(present?.rates ?? []);
      if (isBehind) return false;
      take(rates, { kind: 'snapshot', fromSeq: null, seq: next, rates });
      return true;
    },
    some(fromSeq, next, rates) {
      const present = held();
      if (present === null || present.seq !== fromSeq) return false;
      const changed = new Map(rates.map((rate) => [rate.symbol, rate]));
      const all = present.rates.map((rate) => changed.get(rate.symbol) ?? rate);
      take(all, { kind: 'update', fromSeq, seq: next, rates });
      return true;
    },
    same(next) {
      if (seq() !== next) return false;
      same();
      return true;
    },
  };
}

/** When the newest of the rates was made, as text that compares as the times do. */
function newest(rates: readonly SeenRate[]): string {
  return rates.reduce((latest, { updated_at: at = '' }) => (at > latest ? at : latest), '');
}
