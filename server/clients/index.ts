/** Who may ask: registration in its short form and by RFC 7591 and 7592, and the secrets of clients. Apart from tokens, which only need to know that a client is who it says. */
import { Elysia } from 'elysia';
import type { Take } from '../../kit/limit';
import { type AccessOptions, createAccess } from './callers';
import { dynamicRegistrationRoutes } from './registration-routes';
import { secretRoutes } from './secret-routes';
import type { Clients } from './service';
import { registrationRoutes } from './short-registration';

/** What clients are registered and managed with. */
export interface ClientRoutesOptions extends AccessOptions {
  readonly clients: Clients;
  readonly issuer: string;
  /** One registration from the caller's address, the administrator's not counted. @returns headers of the answer. @throws Problem 429 */
  readonly takeRegistration: Take<Request>;
}

/** Routes of clients. */
export function clientRoutes({ takeRegistration: take, ...options }: ClientRoutesOptions) {
  const { clients, issuer, mode, tell } = options;
  const access = createAccess(options);
  return new Elysia({ name: 'clients' })
    .use(registrationRoutes({ clients, mode, access, take, tell }))
    .use(dynamicRegistrationRoutes({ clients, access, issuer, take, tell }))
    .use(secretRoutes({ secrets: clients.secrets, access, tell }));
}
