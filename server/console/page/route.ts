/** The tabs of a client, in order. */
export const TABS = ['overview', 'secrets', 'access', 'quick-start', 'danger'] as const;

/** One tab of a client. */
export type Tab = (typeof TABS)[number];

/** The views that stand in the navigation, in order, with their names. */
export const PLACES = {
  clients: 'Clients',
  keys: 'Signing keys',
  resources: 'Resources',
  'registration-tokens': 'Registration tokens',
  audit: 'Audit trail',
  currencies: 'Currencies',
} as const;

/** A view of the navigation. */
export type Place = keyof typeof PLACES;

/** Where the page is: what its address says. */
export type Route =
  | { readonly view: Place; readonly query: Readonly<Record<string, string>> }
  | { readonly view: 'new-client' }
  | { readonly view: 'client'; readonly clientId: string; readonly tab: Tab }
  | { readonly view: 'nowhere' };

/** `#/clients?search=x` → where that is. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view = '', id, tab, ...rest] = path.split('/').filter((part) => part !== '');
  const query = Object.fromEntries(new URLSearchParams(search));
  if (view === '') return { view: 'clients', query };
  if (id === undefined) {
    if (view === 'new-client') return { view };
    return view in PLACES ? { view: view as Place, query } : { view: 'nowhere' };
  }
  const known = TABS.find((one) => one === (tab ?? 'overview'));
  if (view !== 'clients' || known === undefined || rest.length > 0) return { view: 'nowhere' };
  return { view: 'client', clientId: decode(id), tab: known };
}

/** The address of a client. */
export function clientHref(clientId: string, tab: Tab = 'overview'): string {
  const path = `#/clients/${encodeURIComponent(clientId)}`;
  return tab === 'overview' ? path : `${path}/${tab}`;
}

/** The address of a view of the navigation; empty parameters are left out. */
export function placeHref(place: Place, query: Readonly<Record<string, string>> = {}): string {
  const filled = Object.entries(query).filter(([, value]) => value !== '');
  return filled.length === 0 ? `#/${place}` : `#/${place}?${new URLSearchParams(filled)}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
