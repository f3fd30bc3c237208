import type { Route } from '../route';
import { Heading } from '../ui/heading';
import { AuditTrail } from './audit';
import { ClientPage } from './client';
import { Clients } from './clients';
import { Currencies } from './currencies';
import { Keys } from './keys';
import { NewClient } from './new-client';
import { RegistrationTokens } from './registration-tokens';
import { Resources } from './resources';

/** What stands at an address. */
export function View({ route }: { route: Route }) {
  switch (route.view) {
    case 'clients':
      return <Clients query={route.query} />;
    case 'new-client':
      return <NewClient />;
    case 'client':
      return <ClientPage key={route.clientId} clientId={route.clientId} tab={route.tab} />;
    case 'keys':
      return <Keys />;
    case 'resources':
      return <Resources />;
    case 'registration-tokens':
      return <RegistrationTokens />;
    case 'audit':
      return <AuditTrail query={route.query} />;
    case 'currencies':
      return <Currencies />;
    case 'nowhere':
      return (
        <Heading title="There is nothing here">
          <p>
            The address names no view of the console. <a href="#/clients">Go to the clients</a>
          </p>
        </Heading>
      );
  }
}
