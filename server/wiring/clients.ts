import type { ReadClock } from '../../db/clock';
import type { Rows } from '../../db/rows';
import { createAssertionCheck } from '../authentication/assertion';
import { createCertificateCheck } from '../authentication/certificate-check';
import { createJwksFetch } from '../authentication/jwks-fetch';
import { createJwksSource } from '../authentication/jwks-source';
import { createAuthentication } from '../authentication/service';
import { createAssertionStore } from '../authentication/store';
import { isSubject } from '../authentication/tls-subject';
import { createCheckMemory } from '../clients/check-memory';
import { createManagementStore } from '../clients/management-store';
import { createRegistrationTokenStore } from '../clients/registration-token-store';
import { createRegistrationTokens } from '../clients/registration-tokens';
import { LIVE_SECRETS_MAX } from '../clients/secret-format';
import { createSecretHasher } from '../clients/secret-hasher';
import { type Clients, createClients } from '../clients/service';
import { type Client, createClientStore } from '../clients/store';
import type { Limits } from '../limits/service';
import { offeredMethods } from '../oauth/client';
import type { Resources } from '../resources/service';
import type { Surroundings } from './surroundings';

/** Clients whose checked secrets are remembered; some 400 bytes each. */
const REMEMBERED_CLIENTS_MAX = 20_000;

/** What the clients' services stand on beside their rows. */
export interface ClientsNeed {
  readonly limits: Pick<Limits, 'failed'>;
  readonly resources: Pick<Resources, 'checkGrants'>;
  /** The clock that all servers share. */
  readonly calendar: ReadClock;
}

/** The services of clients: who they are, and how they prove it. */
export function wireClients(rows: Rows, given: Surroundings, need: ClientsNeed) {
  const { issuer, now, randomBytes, newId } = given;
  const key = randomBytes(32);
  const memory = createCheckMemory<Client>({ max: REMEMBERED_CLIENTS_MAX, secretsMax: LIVE_SECRETS_MAX, key, now });
  const clients = createClients({
    store: createClientStore(rows),
    management: createManagementStore(rows),
    hasher: createSecretHasher({ concurrency: given.hashConcurrency, cost: given.hashCost, randomBytes }),
    memory,
    issuer,
    now,
    randomBytes,
    newId,
    checkGrants: need.resources.checkGrants,
    offers: {
      methods: offeredMethods({ certificates: given.behindProxy, authorities: given.mtlsAuthorities !== null }),
      certificates: given.behindProxy,
      isSubject,
    },
  });
  const registrationTokens = createRegistrationTokens({
    store: createRegistrationTokenStore(rows),
    now,
    calendar: need.calendar,
    randomBytes,
  });
  return { clients, registrationTokens, ...wireAuthentication(rows, given, clients, need) };
}

function wireAuthentication(rows: Rows, given: Surroundings, clients: Clients, { limits, calendar }: ClientsNeed) {
  const { issuer, log, now, elapsed, resolve, jwksUriAllowPrivate: allowPrivate, jwksAuthorities: authorities } = given;
  const source = createJwksSource({
    fetchKeys: createJwksFetch({ resolve, allowPrivate, authorities }),
    elapsed,
    failed: (uri, error) =>
      log.warn('the keys of a client could not be fetched', { 'url.full': uri.split('?', 1)[0], error }),
  });
  const assertions = createAssertionCheck({ issuer, store: createAssertionStore(rows), source, now, calendar });
  const certificates = createCertificateCheck({ authorities: given.mtlsAuthorities, source, now });
  return {
    authentication: createAuthentication({ clients, assertions, certificates, failed: limits.failed }),
    assertions,
  };
}
