import { notFound } from './problem';

/** The number of a row in a path; `what` names it. @throws Problem 404 for what can be none. */
export function readRowNumber(text: string, what: string): number {
  // Larger numbers do not fit into the column.
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw notFound(`There is no such ${what}.`);
}
