/** The query string of a URL, without `?`. */
export function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}

/** True when the query has a parameter of this name, however its letters are encoded, with a value or without. */
export function hasParameter(query: string, name: string): boolean {
  return query !== '' && new URLSearchParams(query).has(name);
}
