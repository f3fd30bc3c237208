import { Problem } from '../../kit/http/problem';
import type { Credentials } from '../oauth/credentials';
import { OAuthError } from '../oauth/errors';
import type { CheckMemory } from './memory';
import type { Registration } from './model';
import type { SecretHasher } from './secrets';
import type { Client, ClientStore } from './store';

/** Who may ask, and whether what they were given still holds. */
export interface Clients {
  /** Keeps a new client and the hash of its secret. @returns its number. @throws Problem 400 when the id is taken, 503 when busy. */
  register(registration: Registration): Promise<number>;
  /** The client whose credentials these are. @throws OAuthError invalid_client; Problem 503 when busy. */
  authenticate(credentials: Credentials): Promise<Client>;
  /** False once the tokens of this epoch have been revoked by disabling or removing the client. */
  isCurrent(clientId: string, epoch: number): boolean;
  /** Hears of a committed change, `<client_id>`, `<client_id> gone` or `<client_id> <epoch> <limit>`; null: of any number of them, so all is read again. */
  changed(change: string | null): Promise<void>;
}

/** What the service stands on. */
export interface ClientsOptions {
  readonly store: ClientStore;
  readonly hasher: SecretHasher;
  readonly memory: CheckMemory<Client>;
}

/** The clients of this server. Call `changed(null)` once before the first request. */
export function createClients({ store, hasher, memory }: ClientsOptions): Clients {
  let epochs = new Map<string, number>();
  let reading: Promise<unknown> = Promise.resolve();
  const checksUnderWay = new Map<string, Promise<Client>>();

  /** Rows and one hash on every path: unknown, wrong and disabled take the same time. */
  const checkSlowly = async ({ clientId, clientSecret }: Credentials): Promise<Client> => {
    const ticket = memory.ticket();
    const found = await store.find(clientId);
    const matches = await hasher.matches(clientSecret, found?.secretHash ?? null);
    if (found === null) throw new OAuthError('invalid_client', 'client_unknown', { clientId });
    if (!matches) throw new OAuthError('invalid_client', 'secret_wrong', { clientId });
    if (!found.isActive) throw new OAuthError('invalid_client', 'client_disabled', { clientId });
    memory.remember(ticket, {
      clientId,
      secretId: found.secretId,
      hash: found.secretHash,
      secret: clientSecret,
      client: found,
    });
    return found;
  };

  return {
    register: async ({ client_id, client_secret, app_name }) => {
      // The hash is dear, so a taken id is found out first; the insert decides again.
      const taken = await store.exists(client_id);
      const secretHash = taken ? '' : await hasher.hash(client_secret);
      const id = taken ? null : await store.insert({ clientId: client_id, appName: app_name, secretHash });
      if (id === null) throw new Problem(400, 'Client Exists', 'A client with this client_id is already registered.');
      return id;
    },
    authenticate: (credentials) => {
      const { clientId, clientSecret } = credentials;
      const recalled = memory.recall(clientId, clientSecret);
      if (recalled !== null) return Promise.resolve(recalled);
      // A machine's many workers start at once with the same secret; one hash serves them all.
      const key = `${clientId}\n${clientSecret}`;
      const underWay = checksUnderWay.get(key);
      if (underWay !== undefined) return underWay;
      const check = checkSlowly(credentials).finally(() => checksUnderWay.delete(key));
      checksUnderWay.set(key, check);
      return check;
    },
    isCurrent: (clientId, epoch) => epoch >= (epochs.get(clientId) ?? 0),
    changed: async (change) => {
      if (change === null) {
        memory.forget(null);
        const read = store.raisedEpochs();
        reading = read.catch(() => undefined);
        epochs = new Map(await read);
        return;
      }
      const [clientId = '', epoch] = change.split(' ');
      memory.forget(clientId);
      // What is being read may be older than this and must not overwrite it.
      await reading;
      if (epoch === '0') epochs.delete(clientId);
      else if (epoch !== undefined) epochs.set(clientId, epoch === 'gone' ? Number.POSITIVE_INFINITY : Number(epoch));
    },
  };
}
