/** The administration: `/api/admin`, for who has the admin secret, a token with the scope `admin`, or a session of the console. Apart, because it changes what the others only use. */
import { Elysia } from 'elysia';
import type { SessionCookie } from '../../kit/http/session-cookie';
import type { Log } from '../../kit/logs';
import type { Audit } from '../audit/service';
import type { RegistrationTokens } from '../clients/registration-tokens';
import type { Clients } from '../clients/service';
import type { AuthMethod } from '../oauth/client';
import type { Tell } from '../oauth/event';
import type { Currencies } from '../rates/currencies';
import type { Resources } from '../resources/service';
import type { Keyring } from '../tokens/keys';
import { createAccess } from './access';
import { auditRoutes } from './audit';
import type { Authorization } from './authorize';
import { backupRoutes, type OpenBackup } from './backup';
import { clientRoutes } from './clients';
import { currencyRoutes } from './currencies';
import { keyRoutes } from './keys';
import { registrationTokenRoutes } from './registration-tokens';
import { resourceRoutes } from './resources';
import { adminSecretRoutes } from './secrets';
import { sessionRoutes } from './session';
import type { Sessions } from './sessions';

/** What the administration is made of. */
export interface AdminOptions {
  readonly authorization: Authorization;
  readonly sessions: Sessions;
  readonly cookie: SessionCookie;
  readonly isSameOrigin: (request: Request) => boolean;
  readonly services: {
    readonly clients: Clients;
    readonly registrationTokens: RegistrationTokens;
    readonly resources: Resources;
    readonly keyring: Keyring;
    readonly currencies: Currencies;
    readonly audit: Audit;
    readonly openBackup: OpenBackup;
  };
  readonly issuer: string;
  readonly version: string;
  /** How clients may authenticate here. */
  readonly authMethods: readonly AuthMethod[];
  readonly log: Log;
  readonly now: () => number;
  readonly tell: Tell;
}

/** Routes of the administration. */
export function adminRoutes({ services, ...options }: AdminOptions) {
  const access = createAccess(options.authorization);
  const { now, tell } = options;
  const given = { access, now, tell };
  return new Elysia({ name: 'admin' })
    .use(sessionRoutes({ ...options, access }))
    .use(clientRoutes({ ...given, clients: services.clients }))
    .use(adminSecretRoutes({ ...given, secrets: services.clients.secrets }))
    .use(resourceRoutes({ ...given, resources: services.resources }))
    .use(registrationTokenRoutes({ ...given, registrationTokens: services.registrationTokens }))
    .use(keyRoutes({ ...given, keyring: services.keyring }))
    .use(currencyRoutes({ ...given, currencies: services.currencies }))
    .use(auditRoutes({ ...given, log: options.log, audit: services.audit }))
    .use(backupRoutes({ ...given, log: options.log, openBackup: services.openBackup }));
}
