import { malformed } from '../../kit/http/faults';
import { notFound, type Problem, unprocessable } from '../../kit/http/problem';

/** Currencies that one request may choose: what a longer list saves is little beside the whole one. */
export const SYMBOLS_MAX = 100;

/** What the query says of which ones; no name at all counts as left out, and parameters that nobody knows are ignored. @throws Problem 422. */
export function symbolsOf(url: string): string | null {
  const at = url.indexOf('?');
  if (at < 0) return null;
  const [symbols = '', ...more] = new URLSearchParams(url.slice(at)).getAll('symbols');
  if (more.length > 0) throw malformed([{ path: '/symbols', detail: REPEATED }], 'The query');
  return /[^,\s]/.test(symbols) ? symbols : null;
}

const REPEATED = 'is given more than once; separate the symbols by commas';

/** "BTC, ETH," → the names in it. @throws Problem 422 for more than {@link SYMBOLS_MAX}. */
export function splitSymbols(symbols: string): string[] {
  const names = symbols
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length <= SYMBOLS_MAX) return names;
  const detail = `names ${names.length} currencies; ${SYMBOLS_MAX} are the most, and without it you get all`;
  throw unprocessable(`symbols ${detail}`, [{ path: '/symbols', detail }]);
}

/** 404 for a symbol that no currency has. */
export function unknownCurrency(symbol: string): Problem {
  const name = /^[A-Za-z0-9]{1,16}$/.test(symbol) ? ` ${symbol.toUpperCase()}` : '';
  return notFound(`There is no currency${name}.`);
}
