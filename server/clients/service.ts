import { Problem } from '../../kit/http/problem';
import type { Limit } from '../../kit/limit';
import type { Tell } from '../oauth/event';
import type { CheckMemory, Recalled } from './check-memory';
import { maintain } from './ending-secrets';
import type { SecretCounts } from './ending-store';
import { createKnownClients } from './known-clients';
import { type ClientManagement, createManagement, type ManagementOptions } from './management';
import type { ManagementStore } from './management-store';
import { type Registration, reservedFault } from './model';
import { parseNews } from './news';
import { createChecks } from './secret-check';
import { hintOf, isMadeSecret } from './secret-format';
import type { SecretHasher } from './secret-hasher';
import { refuse } from './settings';
import { createStanding } from './standing';
import type { Client, ClientStore } from './store';
import { createUsage } from './usage';

/** Who may ask, and whether what they were given still holds. */
export interface Clients extends ClientManagement {
  /** Keeps a new client and the hash of its secret. @returns its number. @throws Problem 400 when the id is taken, 422 when the id is reserved or the secret has the form of a generated one, 503 when busy; RegistrationTokenSpent. */
  register(registration: Registration, registrationToken: number | null): Promise<number>;
  /** The client as it was last found, or null; forgotten when anything of it changes. */
  recall(clientId: string): Client | null;
  /** The client as its row says, or null; always one query. */
  find(clientId: string): Promise<Client | null>;
  /** The client whose live secret this is, and which. @throws OAuthError invalid_client with the exact reason; Problem 503 when busy. */
  checkSecret(clientId: string, secret: string): Promise<Recalled<Client>>;
  /** False once the tokens of this epoch have been revoked. */
  isCurrent(clientId: string, epoch: number): boolean;
  /** The client's own limit for the API; null: the server's. */
  limitOf(clientId: string): Limit | null;
  /** The client has authenticated, at whatever endpoint, with the secret (null: by other means). */
  used(clientId: string, secretId: number | null): void;
  /** Counts one issued token. */
  issued(clientId: string): void;
  /** Writes what `used` and `issued` counted; to be called every few seconds and before the database is closed. */
  flush(): Promise<void>;
  /** Tells of secrets that end soon, each once among all servers, and drops what is long over; to be called every minute or so. */
  maintain(tell: Tell): Promise<void>;
  /** The secrets as `maintain` last counted them; null before. */
  secretCounts(): SecretCounts | null;
  /** Hears of a committed change in the words of {@link parseNews}; null: of any number of them, so all is read again. */
  changed(change: string | null): Promise<void>;
}

/** What the service stands on. */
export interface ClientsOptions {
  readonly store: ClientStore;
  readonly hasher: SecretHasher;
  readonly memory: CheckMemory<Client>;
  readonly management: ManagementStore;
  readonly issuer: string;
  readonly now: () => number;
  readonly randomBytes: (n: number) => Buffer;
  readonly newId: () => string;
  /** Resource identifier → scopes. @throws Problem 422 when a resource or a scope is unknown. */
  readonly checkGrants: ManagementOptions['checkGrants'];
  readonly offers: ManagementOptions['offers'];
}

/** Clients whose rows are remembered; some 2 KB each with a key or two. */
const KNOWN_MAX = 5_000;

/** The clients of this server. Call `changed(null)` once before the first request. */
export function createClients(options: ClientsOptions): Clients {
  const { store, hasher, memory, now } = options;
  const checkSecret = createChecks({ store, hasher, memory, now });
  const known = createKnownClients({ max: KNOWN_MAX, find: store.find });
  const standing = createStanding({ store, now });
  const usage = createUsage({ write: store.addUsage, now });
  const changed: Clients['changed'] = (change) => {
    const news = change === null ? null : parseNews(change);
    const clientId = news?.clientId ?? null;
    memory.forget(clientId);
    known.forget(clientId);
    return standing.changed(news);
  };
  let counts: SecretCounts | null = null;
  return {
    ...createManagement({ ...options, store: options.management, changed }),
    register: async ({ client_id: clientId, client_secret: secret, app_name: appName }, token) => {
      refuse(reservedFault(clientId) ?? generatedFault(secret));
      // The hash is dear, so a taken id is found out first; the insert decides again.
      const taken = await store.exists(clientId);
      const hash = taken ? '' : await hasher.hash(secret);
      const at = new Date(now());
      const row = { hash, hint: hintOf(secret), createdAt: at };
      const redeemed = token === null ? null : { id: token, at };
      const made = taken ? null : await options.management.create({ clientId, appName, createdAt: at }, row, redeemed);
      if (made === null) throw new Problem(400, 'Client Exists', 'A client with this client_id is already registered.');
      return made.client.id;
    },
    recall: known.recall,
    find: known.find,
    checkSecret,
    isCurrent: standing.isCurrent,
    limitOf: standing.limitOf,
    used: usage.used,
    issued: usage.issued,
    flush: usage.flush,
    changed,
    secretCounts: () => counts,
    maintain: async (tell) => {
      standing.tidy();
      counts = await maintain(options.management, now(), tell);
    },
  };
}

/** Its form would send it to the check of generated secrets, which does not know it. */
function generatedFault(secret: string): string | null {
  const looksGenerated = isMadeSecret('cs', secret);
  return looksGenerated ? 'client_secret has the form of the secrets that this server generates; choose another' : null;
}
