import { OAuthError } from '../oauth/errors';
import type { CheckMemory, Recalled } from './check-memory';
import { digestSecret, isDigestOf, isMadeSecret, isStoredMade } from './secret-format';
import type { SecretHasher } from './secret-hasher';
import type { Client, ClientWithSecrets, StoredSecret } from './store';

/** Finds whose secret a secret is. @throws OAuthError invalid_client with the exact reason; Problem 503 when busy. */
export type CheckSecret = (clientId: string, secret: string) => Promise<Recalled<Client>>;

/** What checks stand on. */
export interface ChecksOptions {
  readonly store: { findWithSecrets(clientId: string): Promise<ClientWithSecrets | null> };
  readonly hasher: SecretHasher;
  readonly memory: CheckMemory<Client>;
  readonly now: () => number;
}

/**
 * Checks of secrets. The form of a secret alone decides which way it is checked; on each way there is one query and one hash, so that
 * unknown, wrong, ended and disabled take the same time.
 */
export function createChecks({ store, hasher, memory, now }: ChecksOptions): CheckSecret {
  const underWay = new Map<string, Promise<Recalled<Client>>>();

  const check = async (ticket: number, clientId: string, secret: string): Promise<Recalled<Client>> => {
    const found = await store.findWithSecrets(clientId);
    const secrets = found?.secrets ?? [];
    const matching = isMadeSecret('cs', secret)
      ? matchMade(secret, secrets)
      : await matchChosen(secret, secrets, hasher);
    if (found === null) throw new OAuthError('invalid_client', 'client_unknown', { clientId });
    const { client } = found;
    if (matching === null) throw new OAuthError('invalid_client', 'secret_wrong', { clientId });
    if (!client.isActive) throw new OAuthError('invalid_client', 'client_disabled', { clientId });
    const { id: secretId, expiresAtMs } = matching;
    if (expiresAtMs !== null && expiresAtMs <= now()) {
      const details = { secret_id: secretId, ended_at: new Date(expiresAtMs).toISOString() };
      throw new OAuthError('invalid_client', 'secret_ended', { clientId, details });
    }
    memory.remember(ticket, { clientId, secret, secretId, expiresAtMs, client });
    return { client, secretId };
  };

  return (clientId, secret) => {
    const recalled = memory.recall(clientId, secret);
    if (recalled !== null) return Promise.resolve(recalled);
    // A machine's many workers start at once with the same secret; one hash serves them all, until the client is changed.
    const ticket = memory.ticket(clientId);
    const key = `${ticket}\n${clientId}\n${secret}`;
    const already = underWay.get(key);
    if (already !== undefined) return already;
    const started = check(ticket, clientId, secret).finally(() => underWay.delete(key));
    underWay.set(key, started);
    return started;
  };
}

/** Compares with every one, so that the time does not tell which it was. */
function matchMade(secret: string, secrets: readonly StoredSecret[]): StoredSecret | null {
  const digest = digestSecret(secret);
  const matching = secrets.filter(({ hash }) => isStoredMade(hash) && isDigestOf(hash, digest));
  return matching[0] ?? null;
}

async function matchChosen(
  secret: string,
  secrets: readonly StoredSecret[],
  hasher: SecretHasher,
): Promise<StoredSecret | null> {
  // There is at most one: a client chooses a secret when it is registered, and never again.
  const chosen = secrets.find(({ hash }) => !isStoredMade(hash)) ?? null;
  return (await hasher.matches(secret, chosen?.hash ?? null)) ? chosen : null;
}
