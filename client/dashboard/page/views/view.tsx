import type { Route } from '../route';
import { ConnectionView } from './connection';
import { CredentialsView } from './credentials';
import { CurrencyView } from './currency';
import { MarketView } from './market';

/** The view of a place. */
export function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case 'market':
      return <MarketView />;
    case 'credentials':
      return <CredentialsView />;
    case 'connection':
      return <ConnectionView />;
    case 'currency':
      return <CurrencyView key={route.symbol} symbol={route.symbol} />;
  }
}
