/** Where the page is: what its address says. */
export type Route =
  | { readonly view: 'market' | 'credentials' | 'connection' }
  | { readonly view: 'currency'; readonly symbol: string };

/** Addresses of the views of the navigation, in order. */
export const PLACES = { market: '#/', credentials: '#/credentials', connection: '#/connection' } as const;

/** `#/BTC` → where that is. Symbols have capitals and the names of views have none, so neither hides the other. */
export function parseRoute(hash: string): Route {
  const path = decode(hash.replace(/^#\/?/, ''));
  if (path === '') return { view: 'market' };
  if (path === 'credentials' || path === 'connection') return { view: path };
  return { view: 'currency', symbol: path.toUpperCase() };
}

/** The address of a currency. */
export function currencyHref(symbol: string): string {
  return `#/${encodeURIComponent(symbol)}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
