import { unknownCurrency } from '../symbols';

/** The currencies that a subscriber wants. One that is retired is left out of what he gets until it is listed again. */
export interface Selection {
  /** Upper case, sorted; null: all there are. */
  readonly symbols: readonly string[] | null;
  /** Equal for equal selections. */
  readonly key: string;
}

/** Everything. */
export const ALL: Selection = { symbols: null, key: '' };

/** Symbols in any letter case, whatever spaces are around them → the selection; none: all. @throws Problem 404 for one that was never listed: what an open stream outlives must not lock out who comes back. */
export function select(symbols: readonly string[], everListed: ReadonlySet<string>): Selection {
  if (symbols.length === 0) return ALL;
  const wanted = [...new Set(symbols.map((symbol) => symbol.trim().toUpperCase()))].sort();
  for (const symbol of wanted) if (!everListed.has(symbol)) throw unknownCurrency(symbol);
  return { symbols: wanted, key: wanted.join() };
}
