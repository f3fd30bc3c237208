import type { ReadClock } from '../../db/clock';
import type { Rows } from '../../db/rows';
import { parseLimit, type Take } from '../../kit/limit';
import type { Authentication } from '../authentication/service';
import { createAssertionStore } from '../authentication/store';
import type { Clients } from '../clients/service';
import type { Client } from '../clients/store';
import { within } from '../limits/refusal';
import type { Limits } from '../limits/service';
import type { Tell } from '../oauth/event';
import type { Redis } from '../redis/index';
import type { Resources } from '../resources/service';
import type { Metrics } from '../telemetry/metrics';
import { type AccessTokens, createAccessTokens } from '../tokens/access';
import { createIntrospection, type Introspection } from '../tokens/introspection';
import { createKeyring, type Keyring } from '../tokens/keys';
import { createProofs, type Proofs } from '../tokens/proofs';
import { createReplayMemory, type ReplayMemory } from '../tokens/replay';
import { createRevocation, type Revocation } from '../tokens/revocation';
import { createRevocations, type Revocations } from '../tokens/revocations';
import { createTokens, type Tokens } from '../tokens/service';
import { createRedisReplay, createRowsReplay } from '../tokens/shared-replay';
import { createKeyStore, createRevocationStore } from '../tokens/store';
import type { Vault } from '../vault/service';
import type { Surroundings } from './surroundings';

/** The services of tokens. */
export interface TokenServices {
  readonly keyring: Keyring;
  readonly revocations: Revocations;
  readonly accessTokens: AccessTokens;
  readonly proofs: Proofs;
  /** The token endpoints: issue, introspect, revoke. */
  readonly tokens: Tokens & Introspection & Revocation;
  /** One more request of a client at the API: the headers of its answer. Null: there is no limit. @throws Problem 429 */
  readonly takeApi: Take<string> | null;
}

/** What the tokens' services stand on beside their rows. */
export interface TokensNeed {
  readonly vault: Vault;
  readonly clients: Clients;
  readonly authentication: Authentication<Client>;
  readonly resources: Resources;
  readonly limits: Limits;
  /** Null: nothing is shared. */
  readonly redis: Redis | null;
  readonly metrics: Pick<Metrics, 'issued' | 'refused'>;
  readonly tell: Tell;
  /** @throws Problem 503 while news of changes may be missing. */
  readonly requireNews: () => void;
  /** The clock that all servers share. */
  readonly calendar: ReadClock;
}

/** Wires keys, tokens, what is known of them, and the endpoints that deal in them. */
export function wireTokens(rows: Rows, given: Surroundings, need: TokensNeed): TokenServices {
  const { issuer, publicUrls, now, newId, accessTokenTtlSeconds: ttlSeconds } = given;
  const { vault, clients, resources, limits, tell, requireNews, calendar } = need;
  const { authenticate } = need.authentication;
  const keyring = createKeyring({
    store: createKeyStore(rows),
    box: vault,
    alg: given.signingAlg,
    now,
    calendar,
    tell,
  });
  const revocations = createRevocations({ store: createRevocationStore(rows), now, calendar });
  const accessTokens = createAccessTokens({ keyring, clients, revocations, issuer, now });
  const proofs = createProofs({
    urls: [issuer, ...publicUrls],
    nonceKey: () => vault.secretFor('dpop-nonce'),
    now,
    memories: memoriesOf(rows, given, need.redis),
  });
  const takeApi = given.limits === null ? null : createTakeApi(limits, clients);
  const takeToken = given.limits === null ? null : createTakeToken(limits);
  const takeRevocation = given.limits === null ? null : createTakeRevocation(limits);
  const findResource = resources.find;
  const issued = (clientId: string, method: string): void => {
    clients.issued(clientId);
    need.metrics.issued(method);
  };
  const { refused } = need.metrics;
  const asking = { authenticate, tokens: accessTokens };
  const issuing = {
    authenticate,
    issued,
    refused,
    keyring,
    proofs,
    findResource,
    issuer,
    ttlSeconds,
    now,
    newId,
    requireNews,
  };
  return {
    keyring,
    revocations,
    accessTokens,
    proofs,
    takeApi,
    tokens: {
      ...createTokens({ ...issuing, take: takeToken }),
      ...createIntrospection({ ...asking, take: takeApi, resources, requireNews }),
      ...createRevocation({ ...asking, take: takeRevocation, revocations }),
    },
  };
}

/** Where used proofs are remembered: by this process, or where replicas share by Redis and, while that is away, the database. */
function memoriesOf(rows: Rows, { now, randomBytes, log, seat }: Surroundings, redis: Redis | null): ReplayMemory[] {
  const inRows = createRowsReplay({ store: createAssertionStore(rows), now });
  // A caller does not choose which worker takes its request: what one remembers all must know.
  if (redis === null) return [seat === null ? createReplayMemory({ now }) : inRows];
  const unfit = (policy: string): void =>
    log.warn('Redis may drop what it is to keep: DPoP proofs are remembered in the database instead', {
      labels: { maxmemory_policy: policy },
    });
  return [createRedisReplay({ memory: redis, randomBytes, unfit }), inRows];
}

function createTakeApi(limits: Limits, clients: Pick<Clients, 'limitOf'>): Take<string> {
  return (clientId) => within(limits.take('api', clientId, clients.limitOf(clientId)), clientId);
}

function createTakeRevocation(limits: Limits): Take<string> {
  return (clientId) => within(limits.take('revocation', clientId), clientId);
}

function createTakeToken(limits: Limits) {
  return ({ clientId, limitToken }: Pick<Client, 'clientId' | 'limitToken'>) =>
    within(limits.take('token', clientId, limitToken === null ? null : parseLimit(limitToken)), clientId);
}
